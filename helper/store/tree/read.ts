import { Readable } from 'node:stream';
import type { Line, Listener } from '../threads.ts';
import type { FromWorker, SourceTask, ToWorker } from './messages.ts';
import { openSource, type Source } from './tasks.ts';
import { failureOf, lostFailure, treeThreads } from './threads.ts';

/** Of a stream: one such piece is on its way, one waits to be read. */
const PIECE_BYTES = 256 * 1024;

interface RunningSource {
  /** The next piece; undefined when all has been read. @throws what went wrong */
  next(): Promise<Buffer | undefined>;
  /** Resolves when nothing of the tree is in use any more. */
  close(): Promise<void>;
}

/**
 * A tree as a stream. Reads as the reader reads: bounded memory for one that is slow, and none that goes away is worked for.
 * `done` runs when nothing of the tree is in use any more, however it ends.
 */
export function readTree(task: SourceTask, signal: AbortSignal, done: () => Promise<void> | void): Readable {
  const opened = treeThreads.open((line) => new RemoteSource(line)).then((remote) => remote?.begin(task) ?? new LocalSource(task));
  opened.catch(() => undefined);
  const body = new Readable({
    highWaterMark: PIECE_BYTES,
    read() {
      opened
        .then((source) => source.next())
        .then(
          (piece) => void this.push(piece ?? null),
          (error: Error) => this.destroy(error),
        );
    },
    destroy(error, callback) {
      signal.removeEventListener('abort', abort);
      void opened
        .then((source) => source.close())
        .catch(() => undefined)
        .then(done)
        .catch(() => undefined);
      callback(error);
    },
  });
  const abort = (): void => void body.destroy(new Error('aborted'));
  if (signal.aborted) abort();
  else signal.addEventListener('abort', abort, { once: true });
  return body;
}

class LocalSource implements RunningSource {
  readonly #source: Source;
  #last = false;
  constructor(task: SourceTask) {
    this.#source = openSource(task);
  }
  async next(): Promise<Buffer | undefined> {
    if (this.#last) return undefined;
    const piece = Buffer.allocUnsafeSlow(PIECE_BYTES);
    const length = this.#source.fill(piece);
    this.#last = length < PIECE_BYTES;
    return length === 0 ? undefined : piece.subarray(0, length);
  }
  async close(): Promise<void> {
    this.#source.close();
  }
}

class RemoteSource implements RunningSource, Listener<FromWorker> {
  readonly #line: Line<ToWorker>;
  /** Filled, and nobody has asked for it yet. */
  #ready: Buffer | undefined;
  #asked = false;
  #last = false;
  #failure: Error | undefined;
  #over = false;
  #wake: (() => void) | undefined;
  #closed: (() => void) | undefined;

  constructor(line: Line<ToWorker>) {
    this.#line = line;
  }

  begin(task: SourceTask): this {
    this.#line.post({ type: 'read', job: this.#line.id, task });
    this.#more();
    return this;
  }

  async next(): Promise<Buffer | undefined> {
    while (!this.#ready && !this.#last && !this.#failure) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure) throw this.#failure;
    const piece = this.#ready;
    this.#ready = undefined;
    if (!this.#last) this.#more();
    return piece?.length ? piece : undefined;
  }

  async close(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      this.#line.ask({ type: 'abort', job: this.#line.id });
    });
  }

  receive(message: FromWorker): void {
    if (message.type === 'filled') {
      this.#asked = false;
      const { data } = message;
      this.#ready = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
      this.#last = message.last;
      if (message.last) this.#end();
    } else if (message.type === 'failed') {
      this.#fail(failureOf(message));
    } else this.#fail(new Error('aborted'));
    this.#wake?.();
    this.#wake = undefined;
  }

  lost(error: Error): void {
    this.#fail(lostFailure(error));
    this.#wake?.();
  }

  #more(): void {
    if (this.#asked) return;
    this.#asked = true;
    this.#line.ask({ type: 'more', job: this.#line.id, bytes: PIECE_BYTES });
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#end();
  }

  #end(): void {
    if (!this.#over) this.#line.release();
    this.#over = true;
    this.#closed?.();
  }
}
