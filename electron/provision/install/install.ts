import { createReadStream } from 'node:fs';
import { Transform } from 'node:stream';
import { createGzip } from 'node:zlib';
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
const UNDO_MS = 5 * 60_000;
const DETAIL_LIMIT = 4000;

/**
 * Runs a plan. The first step that fails, or an abort, undoes what was done, in reverse; what undoing fails at is told with the error.
 *
 * @throws HostFailure install-step with what the machine said
 */
export async function runPlan(options: RunOptions): Promise<void> {
  const { steps, onStatus, signal } = options;
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
    if (left.length === 0 || !(error instanceof Error)) throw error;
    error.message += `\nNot undone:\n${left.join('\n')}`;
    throw error;
  }
}

async function runStep(index: number, step: PlannedStep, options: RunOptions): Promise<void> {
  const { machine, root, signal } = options;
  const limits = { timeoutMs: step.timeoutMs ?? STEP_MS, signal };
  if (step.id === 'upload') return upload(index, options, limits);
  const script = `set -e\n${step.script}`;
  const { code, stdout, stderr } = step.asRoot ? await root.run(script, limits) : await machine.shell('sh', { ...limits, input: script });
  if (code !== 0) throw stepFailed(step.id, machine.name, `${stderr}\n${stdout}\ncode ${code}`);
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
    const script = `umask 077; gzip -dc >${shellQuoted(`${target}.part`)} && mv ${shellQuoted(`${target}.part`)} ${shellQuoted(target)}`;
    const { code, stderr } = await machine
      .shell(`sh -c ${shellQuoted(script)}`, { ...limits, input: packed })
      .finally(() => source.destroy());
    if (code !== 0) throw stepFailed('upload', machine.name, stderr);
  }
}

/** @returns what could not be undone */
async function undo(begun: number[], { machine, root, steps, onStatus }: RunOptions): Promise<string[]> {
  const left: string[] = [];
  for (const index of begun) {
    const step = steps[index];
    if (!step?.undo) continue;
    onStatus(index, 'undoing');
    try {
      const { code, stderr } = step.asRoot
        ? await root.run(step.undo, { timeoutMs: UNDO_MS })
        : await machine.shell('sh', { input: step.undo, timeoutMs: UNDO_MS });
      // Of what was done by half, some undoing has nothing to do: only the last command's code counts.
      if (code !== 0) left.push(`${step.undo}\n${shown(stderr, 500)}`);
      onStatus(index, 'undone');
    } catch (error) {
      left.push(`${step.undo}\n${error instanceof Error ? error.message : error}`);
    }
  }
  return left;
}
