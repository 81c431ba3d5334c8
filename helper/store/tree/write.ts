import { Batches } from '../batches.ts';
import type { Line, Listener } from '../threads.ts';
import type { FromWorker, SinkTask, ToWorker } from './messages.ts';
import { openSink, type Sink } from './tasks.ts';
import { failureOf, lostFailure, treeThreads } from './threads.ts';

/** A tree that is being written. */
export interface TreeSink {
  /** Resolves when more may come; the chunk is copied or done with by then. @throws what went wrong, perhaps with what came before */
  write(chunk: Buffer): Promise<void>;
  finish(): Promise<void>;
  /** Gives up. Resolves when nothing of the tree is in use any more. */
  close(): Promise<void>;
}

export async function writeTree(task: SinkTask): Promise<TreeSink> {
  const remote = await treeThreads.open((line) => new RemoteSink(line));
  return remote?.begin(task) ?? new LocalSink(task);
}

class LocalSink implements TreeSink {
  readonly #sink: Sink;
  constructor(task: SinkTask) {
    this.#sink = openSink(task);
  }
  write(chunk: Buffer): Promise<void> {
    return this.#sink.write(chunk);
  }
  finish(): Promise<void> {
    return this.#sink.finish();
  }
  async close(): Promise<void> {
    this.#sink.close();
  }
}

class RemoteSink implements TreeSink, Listener<FromWorker> {
  readonly #line: Line<ToWorker>;
  readonly #batches: Batches;
  #over = false;
  #done: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #closed: (() => void) | undefined;

  constructor(line: Line<ToWorker>) {
    this.#line = line;
    this.#batches = new Batches((data, length) => line.ask({ type: 'chunk', job: line.id, data, length }));
  }

  begin(task: SinkTask): this {
    this.#line.post({ type: 'write', job: this.#line.id, task });
    return this;
  }

  write(chunk: Buffer): Promise<void> {
    return this.#batches.write(chunk);
  }

  async finish(): Promise<void> {
    this.#batches.flush();
    await new Promise<void>((resolve, reject) => {
      this.#done = { resolve, reject };
      this.#line.ask({ type: 'finish', job: this.#line.id });
    });
  }

  async close(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#closed = resolve;
      this.#line.ask({ type: 'abort', job: this.#line.id });
    });
  }

  receive(message: FromWorker): void {
    if (message.type === 'taken') this.#batches.taken(message.data);
    else if (message.type === 'done') {
      this.#end();
      this.#done?.resolve();
    } else if (message.type === 'failed') this.#fail(failureOf(message));
    else this.#fail(new Error('aborted'));
  }

  lost(error: Error): void {
    this.#fail(lostFailure(error));
  }

  #fail(error: Error): void {
    this.#batches.fail(error);
    this.#end();
    this.#done?.reject(error);
  }

  #end(): void {
    if (!this.#over) this.#line.release();
    this.#over = true;
    this.#closed?.();
  }
}
