import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
import { pause } from '../../hosts/abort.ts';
import { hostErrorOf } from '../../hosts/errors.ts';
import { failure, shellQuoted, shown } from '../../ssh/index.ts';
import type { Machine, Root } from './machine.ts';
import type { PlannedStep } from './plan.ts';

export interface RunOptions {
  machine: Machine;
  root: Root;
  steps: readonly PlannedStep[];
  /** What the step `upload` copies: name there → path here. */
  files: Record<string, string>;
  staging: string;
  onStatus: (index: number, status: 'running' | 'done' | 'failed' | 'undoing' | 'undone') => void;
  onProgress: (index: number, doneBytes: number) => void;
  signal: AbortSignal;
}

const STEP_MS = 60_000;
const UNDO_MS = 20 * 60_000;
const DETAIL_LIMIT = 4000;
/** How long a machine that was lost in the midst may take to come back, so that what was begun there is undone. */
const RETURN_MS = 2 * 60_000;

/**
 * Runs a plan. The first step that fails, or an abort, undoes what was done, in reverse, also when the connection was lost meanwhile
 * and comes back.
 *
 * @throws HostFailure sudo-missing, sudo-password or cancelled before anything was done; install-step with what the machine said;
 *   install-left if something could not be undone, with the commands that would
 */
export async function runPlan(options: RunOptions): Promise<void> {
  const { machine, root, steps, onStatus, signal } = options;
  if (steps.some(({ asRoot }) => asRoot)) await root.ready();
  const begun: number[] = [];
  try {
    for (const [index, step] of steps.entries()) {
      signal.throwIfAborted();
      begun.push(index);
      onStatus(index, 'running');
      await runStep(index, step, options);
      onStatus(index, 'done');
    }
  } catch (error) {
    const failed = begun.at(-1);
    if (failed !== undefined) onStatus(failed, 'failed');
    const left = await undo(begun.reverse(), options);
    if (left.length === 0) throw error;
    const { message, detail = '' } = hostErrorOf(error, machine.name);
    const told = `${message}\n${detail}\n\nNot undone:\n${left.join('\n')}`;
    throw failure('install-left', message, { values: { machine: machine.name }, detail: told, cause: error, final: true });
  }
}

async function runStep(index: number, step: PlannedStep, options: RunOptions): Promise<void> {
  const { machine, root, signal } = options;
  const limits = { timeoutMs: step.timeoutMs ?? STEP_MS };
  if (step.id === 'upload') return upload(index, options, { ...limits, signal });
  const script = `set -e\n${step.script}`;
  // What root does is never cut off in its midst, such as a package manager's work: whoever stops it waits for the step's end.
  const { code, stdout, stderr } = step.asRoot
    ? await root.run(script, limits)
    : await machine.shell('sh', { ...limits, signal, input: script });
  if (code !== 0) throw stepFailed(step.id, machine.name, `${stdout}\n${stderr}\ncode ${code}`);
}

function stepFailed(step: string, machine: string, output: string) {
  const detail = shown(output.trim(), DETAIL_LIMIT);
  return failure('install-step', `A step of setting up ${machine} failed: ${step}`, { values: { step, machine }, detail, final: true });
}

/** Compressed on the way; the name appears only when all of it is there. */
async function upload(index: number, options: RunOptions, limits: { timeoutMs: number; signal: AbortSignal }): Promise<void> {
  const { machine, files, staging, onProgress } = options;
  const made = await machine.shell(`mkdir -m 700 ${shellQuoted(staging)}`, limits);
  if (made.code !== 0) throw stepFailed('upload', machine.name, made.stderr);
  let done = 0;
  for (const [name, path] of Object.entries(files)) {
    const counted = new Transform({
      transform(chunk: Buffer, _encoding, next) {
        done += chunk.length;
        onProgress(index, done);
        next(null, chunk);
      },
    });
    const source = createReadStream(path, { highWaterMark: 256 * 1024 });
    const packed = source.pipe(counted).pipe(createGzip({ level: 5 }));
    source.on('error', (error) => packed.destroy(error));
    const target = `${staging}/${name}`;
    const [part, whole, folder] = [`${target}.part`, target, staging].map(shellQuoted);
    // Cut off, it ends here with half a file: what is left then nobody may come back to remove.
    const script = `umask 077; gzip -dc >${part} && mv ${part} ${whole} || { rm -rf ${folder}; exit 1; }`;
    const { code, stderr } = await machine
      .shell(`sh -c ${shellQuoted(script)}`, { ...limits, input: packed })
      .finally(() => source.destroy());
    if (code !== 0) throw stepFailed('upload', machine.name, stderr);
  }
}

/** @returns what could not be undone: the commands, and what the machine said to them */
async function undo(begun: number[], { machine, root, steps, onStatus }: RunOptions): Promise<string[]> {
  const left: string[] = [];
  const undoable = begun.filter((index) => steps[index]?.undo !== undefined);
  const isThere = undoable.length === 0 || (await comesBack(machine));
  for (const index of undoable) {
    const { undo: script = '', asRoot } = steps[index] ?? {};
    if (!isThere) {
      left.push(script);
      continue;
    }
    onStatus(index, 'undoing');
    try {
      const limits = { timeoutMs: UNDO_MS };
      const { code, stderr } = asRoot ? await root.run(script, limits) : await machine.shell('sh', { ...limits, input: script });
      // Of what was done by half, some undoing has nothing to do: only the last command's code counts.
      if (code !== 0) left.push(`${script}\n${shown(stderr, 500)}`);
      onStatus(index, code === 0 ? 'undone' : 'failed');
    } catch (error) {
      left.push(`${script}\n${error instanceof Error ? error.message : error}`);
      onStatus(index, 'failed');
    }
  }
  return left;
}

async function comesBack(machine: Machine): Promise<boolean> {
  const late = AbortSignal.timeout(RETURN_MS);
  for (let pauseMs = 500; !late.aborted; pauseMs = Math.min(2 * pauseMs, 10_000)) {
    try {
      await machine.shell('true', { signal: late });
      return true;
    } catch {
      await pause(pauseMs, late);
    }
  }
  return false;
}
