import { randomUUID } from 'node:crypto';
import { closeSync, existsSync, promises as fs, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { Failure, messageOf } from '../../engine/failure.ts';
import { hasEnded } from '../process/ended.ts';
import { findProgram } from '../process/find-program.ts';
import { run } from '../process/run.ts';
import { startTimeOf } from '../process/stat.ts';
import { openPidfd, signalByPidfd } from '../syscall/index.ts';
import { runtimeMessage } from './messages.ts';
import { readOnlyCopy } from './read-only-copy.ts';
import type { LinuxResources, Runtime } from './types.ts';

/** A runtime to find: on PATH by its name, or where the configuration says. */
export interface RuntimeSource {
  name: string;
  path?: string;
  args?: readonly string[];
}

/**
 * Finds an OCI runtime. One that is neither crun nor runc is used as runc is: its command line is what others follow.
 * @param root folder of the runtime's own state
 * @throws Failure unavailable that names the package to install, or the file that is missing or no program
 */
export async function findRuntime(source: RuntimeSource, root: string): Promise<Runtime> {
  const { name } = source;
  const wanted = source.path ?? name;
  const file = wanted.includes('/') ? [wanted].find((candidate) => existsSync(candidate)) : findProgram(wanted);
  if (!file) {
    throw new Failure(
      'unavailable',
      source.path === undefined
        ? `the OCI runtime ${name} is not installed: install the package "${name}" (apt install ${name})`
        : `runtimes.${name}: there is no program ${source.path}`,
    );
  }
  const { stdout } = await run(file, ['--version']).catch((error: unknown) => {
    throw new Failure('unavailable', `runtimes.${name}: ${messageOf(error)}`, { cause: error });
  });
  const version = /version (\S+)/.exec(stdout)?.[1] ?? 'unknown';
  await fs.mkdir(root, { recursive: true, mode: 0o700 });
  const executable = await readOnlyCopy(file, path.join(path.dirname(root), 'bin', name));
  const family = /^crun\b/m.test(stdout) ? 'crun' : 'runc';
  return createRuntime({ name, family, args: source.args ?? [], file, executable, version, root });
}

interface Found {
  name: string;
  family: Runtime['family'];
  args: readonly string[];
  file: string;
  executable: string;
  version: string;
  root: string;
}

function createRuntime({ name, family, args: own, file, executable, version, root }: Found): Runtime {
  const call = async (args: string[]): Promise<string> => {
    const result = await run(executable, [...own, `--root=${root}`, ...args]);
    if (result.code !== 0) throw new Failure('system', runtimeMessage(family, result.stderr || result.stdout));
    return result.stdout;
  };
  const isGone = (error: unknown): boolean =>
    error instanceof Failure && /does not exist|no such process|not running|No such file|already finished|not found/i.test(error.message);

  const stateOf: Runtime['state'] = async (id) => {
    try {
      const state = JSON.parse(await call(['state', id])) as { status: 'created' | 'running' | 'stopped' | 'paused'; pid: number };
      return { status: state.status, pid: state.pid };
    } catch (error) {
      if (isGone(error)) return undefined;
      throw error;
    }
  };

  return {
    name,
    family,
    args: own,
    version,
    path: file,
    executable,
    state: stateOf,
    async runs(id, pid) {
      const recorded = family === 'crun' ? readStatus(path.join(root, id)) : undefined;
      if (recorded) return recorded.pid === pid && processStartTime(pid) === recorded.startTime && !hasEnded(pid);
      const state = await stateOf(id);
      return state !== undefined && state.status !== 'stopped' && state.pid === pid;
    },
    async kill(id, signal, all = false) {
      if (!all && family === 'crun' && signalDirectly(root, id, signal)) return;
      try {
        await call(['kill', ...(all ? ['--all'] : []), id, String(signal)]);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
    async delete(id, force = false) {
      try {
        await call(['delete', ...(force ? ['--force'] : []), id]);
      } catch (error) {
        if (!isGone(error)) throw error;
      }
    },
    async forget(id) {
      if (family !== 'crun') return false;
      const folder = path.join(root, id);
      const recorded = readStatus(folder);
      if (!recorded || processStartTime(recorded.pid) === recorded.startTime) return false;
      rmSync(folder, { recursive: true, force: true });
      return true;
    },
    async discard(id) {
      await fs.rm(path.join(root, id), { recursive: true, force: true });
    },
    async list() {
      const names = await fs.readdir(root, { withFileTypes: true });
      return names.filter((entry) => entry.isDirectory()).map((entry) => entry.name);
    },
    async updateResources(id, resources: LinuxResources) {
      // A file: crun opens /dev/stdin by its name, which fails for the socket that Node gives a child.
      const request = path.join(root, `.update-${randomUUID()}.json`);
      try {
        await fs.writeFile(request, JSON.stringify(resources), { mode: 0o600 });
        await call(['update', '--resources', request, id]);
      } finally {
        await fs.rm(request, { force: true });
      }
    },
  };
}

/** The first process as crun recorded it; undefined when there is no such record. */
function readStatus(folder: string): { pid: number; startTime: string } | undefined {
  try {
    const status = JSON.parse(readFileSync(path.join(folder, 'status'), 'utf8')) as { pid?: number; 'process-start-time'?: number };
    if (!status.pid || !status['process-start-time']) return undefined;
    return { pid: status.pid, startTime: String(status['process-start-time']) };
  } catch {
    return undefined;
  }
}

/**
 * Signals the container's first process without starting the runtime (0.1 ms instead of 4).
 * The pidfd is opened before the start time is compared with crun's record, so a reused number is never hit.
 * @returns false when crun's record can't be read: the runtime has to do it
 */
function signalDirectly(root: string, id: string, signal: number): boolean {
  const recorded = readStatus(path.join(root, id));
  if (!recorded) return false;
  const { pid, startTime } = recorded;
  let pidfd: number;
  try {
    pidfd = openPidfd(pid);
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  }
  try {
    if (processStartTime(pid) !== startTime) return true;
    signalByPidfd(pidfd, signal);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'ESRCH';
  } finally {
    closeSync(pidfd);
  }
}

/** Undefined when the process is gone. */
function processStartTime(pid: number): string | undefined {
  try {
    return startTimeOf(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}
