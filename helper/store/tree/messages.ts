/** What the main thread and the threads of tree.worker.ts say to each other. */
import type { FailureKind } from '../../engine/failure.ts';
import type { CompareTask, Differences } from './compare.ts';
import type { MeasureTask } from './measure.ts';
import type { PackTask } from './pack.ts';
import type { UnpackTask } from './unpack.ts';

/** Trees that are read as a stream of bytes. */
export type SourceTask = { kind: 'pack' } & PackTask;

/** Trees that are written from a stream of bytes. */
export type SinkTask = { kind: 'unpack' } & UnpackTask;

/** Questions about trees, and their answers. */
export interface Questions {
  compare: { task: CompareTask; answer: Differences };
  measure: { task: MeasureTask; answer: number };
}
export type Question = { [K in keyof Questions]: { kind: K } & Questions[K]['task'] }[keyof Questions];

export type ToWorker =
  | { type: 'run'; job: number; question: Question }
  | { type: 'read'; job: number; task: SourceTask }
  | { type: 'write'; job: number; task: SinkTask }
  /** One more buffer of at most so many bytes. */
  | { type: 'more'; job: number; bytes: number }
  /** Shared memory. */
  | { type: 'chunk'; job: number; data: Uint8Array; length: number }
  | { type: 'finish'; job: number }
  | { type: 'abort'; job: number };

export type FromWorker =
  /** Its memory is the main thread's now. Shorter than was asked for: the last one. */
  | { type: 'filled'; job: number; data: Uint8Array; last: boolean }
  /** A chunk is done with; its memory comes back to be filled again. */
  | { type: 'taken'; job: number; data: Uint8Array }
  | { type: 'done'; job: number }
  | { type: 'answer'; job: number; answer: Questions[keyof Questions]['answer'] }
  | { type: 'failed'; job: number; kind: FailureKind; message: string; code?: string }
  | { type: 'aborted'; job: number };
