import { compare } from './compare.ts';
import { measure } from './measure.ts';
import type { Question, Questions, SinkTask, SourceTask } from './messages.ts';
import { Packer } from './pack.ts';
import type { Steps } from './steps.ts';
import { Unpacker } from './unpack.ts';

/** A tree as a stream of bytes, read in pieces. */
export interface Source {
  /** @returns bytes written to `out`: fewer than it holds at the end */
  fill(out: Buffer): number;
  /** Lets go of all that is open. */
  close(): void;
}

/** A tree that is made of a stream of bytes, in pieces. */
export interface Sink {
  /** The piece's memory is used again when it has resolved. */
  write(piece: Buffer): Promise<void>;
  finish(): Promise<void>;
  /** Lets go of all that is open. */
  close(): void;
}

export function openSource(task: SourceTask): Source {
  return new Packer(task);
}

export function openSink(task: SinkTask): Sink {
  return new Unpacker(task);
}

export function answer(question: Question): Steps<Questions[keyof Questions]['answer']> {
  return question.kind === 'compare' ? compare(question) : measure(question);
}
