import { execFile } from 'node:child_process';
import { Failure } from '../failure.ts';
import { cgroupsPath, type Engine, emit } from './engine.ts';

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;

/** Other columns may not be called PID: the processes would be told apart by what the user wrote. */
function checkArguments(psArgs: string): void {
  for (const [, key, title] of psArgs.matchAll(/\s+([^\s]*)=\s*(PID[^\s]*)/g)) {
    if (key !== 'pid') throw new Failure('system', `specifying "${key}=${title}" is not allowed`);
  }
}

/**
 * The lines of ps that belong to `pids`. Pure.
 * @throws Failure system when ps shows no PID column
 */
export function parsePs(output: string, pids: ReadonlySet<number>): { Titles: string[]; Processes: string[][] } {
  const words = (line: string): string[] => line.split(/[\t\n\f\r ]+/).filter((word) => word !== '');
  const [header = '', ...lines] = output.split('\n');
  const Titles = words(header);
  const column = Titles.indexOf('PID');
  if (column < 0) throw new Failure('system', "Couldn't find PID field in ps output");
  const Processes: string[][] = [];
  let threads = false;
  for (const line of lines) {
    const fields = words(line);
    if (!fields.length) continue;
    const text = fields[column] ?? '';
    // With `m` the lines of a process's threads follow it, with a dash for the pid.
    const mine: boolean = text === '-' ? threads : pids.has(Number(text));
    if (text !== '-' && !/^\d+$/.test(text)) throw new Failure('system', `Unexpected pid '${text}': invalid syntax`);
    threads = mine;
    if (mine) Processes.push([...fields.slice(0, Titles.length - 1), fields.slice(Titles.length - 1).join(' ')]);
  }
  return { Titles, Processes };
}

function ps(args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile('ps', args, { maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (!error) resolve(stdout);
      else reject(new Failure('system', `ps: ${stderr.split('\n')[0] || error.message}`));
    });
  });
}

/** GET /containers/{id}/top: the host's ps with the user's options, cut down to the container's processes. */
export async function top(engine: Engine, reference: string, psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }> {
  const options = psArgs || '-ef';
  checkArguments(` ${options}`);
  const container = engine.store.get(reference);
  if (container.state.status === 'restarting') {
    throw new Failure('conflict', `Container ${container.id} is restarting, wait until the container is running`);
  }
  if (container.state.status !== 'running') throw new Failure('conflict', `container ${container.id} is not running`);
  const pids = await engine.cgroups.pids(cgroupsPath(engine, container));
  const args = options.split(' ').filter((word) => word !== '');
  // Some options (such as f) can't be used together with -q.
  const output = await ps([...args, `-q${pids.join(',')}`]).catch(() => ps(args));
  const result = parsePs(output, new Set(pids));
  emit(engine, container, 'top');
  return result;
}
