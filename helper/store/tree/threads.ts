import { Failure } from '../../engine/failure.ts';
import { Threads } from '../threads.ts';
import type { FromWorker, ToWorker } from './messages.ts';

/** Somebody who copies one file often copies another: a new thread takes longer than a small copy. */
const IDLE_MS = 15_000;

/**
 * The threads that read and write trees. Of thousands of small files each call is short: there and back to the thread pool for each took
 * ten times as long as the calls, and the main thread's time with it.
 * Unbundled (unit tests) there is no worker's program: all is done in process then, behind the same interface.
 */
export const treeThreads = new Threads<ToWorker, FromWorker>(bundledWorker, { idleMs: IDLE_MS });

/** The worker's code, where this runs from a bundle (scripts/build turns `?worker` imports into text). */
async function bundledWorker(): Promise<string | undefined> {
  const url: string | undefined = import.meta.url;
  if (url?.endsWith('.ts')) return undefined;
  const module = (await import('./tree.worker.ts?worker')) as unknown as { default: string };
  return module.default;
}

/** As it was thrown in the thread. */
export function failureOf({ kind, message, code }: FromWorker & { type: 'failed' }): Error {
  return Object.assign(new Failure(kind, message), code ? { code } : {});
}

export const lostFailure = (error: Error): Failure =>
  new Failure('system', `what was done with a tree has failed: ${error.message}`, { cause: error });
