/**
 * Runs layer jobs in worker threads: several layers unpack at once on several cores, and the main thread stays free
 * for requests.
 * Unbundled (unit tests, type-stripping Node) there is no worker code: jobs run in process then, behind the same interface.
 */
import type { FailureKind } from '../../engine/failure.ts';
import { Failure } from '../../engine/failure.ts';
import { Batches } from '../batches.ts';
import { type Line, Threads } from '../threads.ts';
import type { JobOptions, JobResult } from './job.ts';
import { LayerJob } from './job.ts';

/** A layer being taken in. */
export interface RunningJob {
  /** Resolves when more may come; the chunk is copied or done with by then. */
  write(chunk: Buffer): Promise<void>;
  /** All has come. `onDisk` resolves when it is there to stay. */
  finish(): Promise<{ result: JobResult; onDisk: Promise<void> }>;
  abort(): Promise<void>;
}

export type ToWorker =
  | { type: 'open'; job: number; options: JobOptions }
  /** Shared memory: what is handed over counts as new memory on the other side each time, and its collector runs all the time. */
  | { type: 'chunk'; job: number; data: Uint8Array; length: number }
  | { type: 'finish'; job: number }
  | { type: 'abort'; job: number };
export type FromWorker =
  /** A chunk is done with; its memory comes back to be filled again. */
  | { type: 'taken'; job: number; data: Uint8Array }
  | { type: 'done'; job: number; result: JobResult }
  | { type: 'settled'; job: number }
  | { type: 'failed'; job: number; kind: FailureKind; message: string; code?: string }
  | { type: 'aborted'; job: number };

export class JobPool {
  readonly #threads: Threads<ToWorker, FromWorker>;

  constructor(options: { code?: () => Promise<string | undefined>; threads?: number } = {}) {
    this.#threads = new Threads(options.code ?? bundledWorker, { limit: options.threads });
  }

  async open(options: JobOptions): Promise<RunningJob> {
    const job = await this.#threads.open((line) => new RemoteJob(line));
    if (!job) return new LocalJob(options);
    job.begin(options);
    return job;
  }

  /** Ends all threads; jobs that run fail. */
  close(): Promise<void> {
    return this.#threads.close();
  }
}

/** The worker's code, where this runs from a bundle (scripts/build turns `?worker` imports into text). */
async function bundledWorker(): Promise<string | undefined> {
  const url: string | undefined = import.meta.url;
  if (url?.endsWith('.ts')) return undefined;
  const module = (await import('./unpack.worker.ts?worker')) as unknown as { default: string };
  return module.default;
}

class RemoteJob implements RunningJob {
  readonly #line: Line<ToWorker>;
  readonly #batches: Batches;
  #failure: Error | undefined;
  #over = false;
  #done: { resolve: (result: JobResult) => void; reject: (error: Error) => void } | undefined;
  #settled: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #aborted: (() => void) | undefined;

  constructor(line: Line<ToWorker>) {
    this.#line = line;
    this.#batches = new Batches((data, length) => line.ask({ type: 'chunk', job: line.id, data, length }));
  }

  begin(options: JobOptions): void {
    this.#line.post({ type: 'open', job: this.#line.id, options });
  }

  write(chunk: Buffer): Promise<void> {
    return this.#batches.write(chunk);
  }

  async finish(): Promise<{ result: JobResult; onDisk: Promise<void> }> {
    this.#batches.flush();
    const onDisk = new Promise<void>((resolve, reject) => {
      this.#settled = { resolve, reject };
    });
    // Whoever waits for the result hears of it then.
    onDisk.catch(() => undefined);
    const result = await new Promise<JobResult>((resolve, reject) => {
      this.#done = { resolve, reject };
      this.#line.ask({ type: 'finish', job: this.#line.id });
    });
    return { result, onDisk };
  }

  async abort(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#aborted = resolve;
      this.#line.ask({ type: 'abort', job: this.#line.id });
    });
  }

  receive(message: FromWorker): void {
    if (message.type === 'taken') {
      this.#batches.taken(message.data);
    } else if (message.type === 'done') {
      this.#done?.resolve(message.result);
    } else if (message.type === 'settled') {
      this.#end();
      this.#settled?.resolve();
    } else if (message.type === 'failed') {
      this.#fail(Object.assign(new Failure(message.kind, message.message), message.code ? { code: message.code } : {}));
    } else {
      this.#fail(new Failure('system', 'unpacking was stopped'));
    }
  }

  lost(error: Error): void {
    this.#fail(new Failure('system', `unpacking failed: ${error.message}`, { cause: error }));
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#batches.fail(error);
    this.#end();
    this.#done?.reject(this.#failure);
    this.#settled?.reject(this.#failure);
    this.#aborted?.();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#line.release();
  }
}

class LocalJob implements RunningJob {
  readonly #job: LayerJob;
  #tail: Promise<unknown> = Promise.resolve();
  constructor(options: JobOptions) {
    this.#job = new LayerJob(options);
  }
  async write(chunk: Buffer): Promise<void> {
    const mine = this.#tail.then(() => this.#job.write(chunk));
    this.#tail = mine.catch(() => {});
    await mine;
  }
  async finish(): Promise<{ result: JobResult; onDisk: Promise<void> }> {
    const giveUp = (error: unknown): never => {
      this.#job.abort();
      throw error;
    };
    const result = await this.#job.finish().catch(giveUp);
    const onDisk = this.#job.settled().catch(giveUp);
    onDisk.catch(() => undefined);
    return { result, onDisk };
  }
  async abort(): Promise<void> {
    this.#job.abort();
  }
}
