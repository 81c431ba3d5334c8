/**
 * Runs layer jobs in worker threads: several layers unpack at once on several cores, and the main thread stays free
 * for requests. Workers start when there is work and end when idle, so that an idle helper costs nothing.
 * Unbundled (unit tests, type-stripping Node) there is no worker code: jobs run in process then, behind the same interface.
 */
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import type { FailureKind } from '../../engine/failure.ts';
import { Failure } from '../../engine/failure.ts';
import type { JobOptions, JobResult } from './job.ts';
import { LayerJob } from './job.ts';
import { trimMemory } from './kernel.ts';

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

const BATCH_BYTES = 256 * 1024;
/** Batches on the way to a worker, for each job, that it has not taken yet. */
const WINDOW = 12;
/** Used batches that a job keeps to fill again. */
const SPARE_BATCHES = 4;
const IDLE_MS = 3000;

interface Thread {
  worker: Worker;
  jobs: Map<number, RemoteJob>;
  idle: NodeJS.Timeout | undefined;
}

export class JobPool {
  readonly #loadCode: () => Promise<string | undefined>;
  readonly #limit: number;
  #threads: Thread[] = [];
  #next = 1;

  constructor(options: { code?: () => Promise<string | undefined>; threads?: number } = {}) {
    this.#loadCode = options.code ?? bundledWorker;
    this.#limit = options.threads ?? Math.max(1, Math.min(4, os.cpus().length));
  }

  async open(options: JobOptions): Promise<RunningJob> {
    const code = await this.#loadCode();
    if (code === undefined) return new LocalJob(options);
    const thread = this.#thread(code);
    const id = this.#next++;
    const job = new RemoteJob(id, thread.worker, () => this.#left(thread, id));
    thread.jobs.set(id, job);
    clearTimeout(thread.idle);
    thread.worker.postMessage({ type: 'open', job: id, options } satisfies ToWorker);
    return job;
  }

  /** Ends all threads; jobs that run fail. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
  }

  #thread(code: string): Thread {
    const least = [...this.#threads].sort((a, b) => a.jobs.size - b.jobs.size)[0];
    if (least && (least.jobs.size === 0 || this.#threads.length >= this.#limit)) return least;
    const worker = new Worker(code, { eval: true });
    const thread: Thread = { worker, jobs: new Map(), idle: undefined };
    worker.on('message', (message: FromWorker) => thread.jobs.get(message.job)?.receive(message));
    worker.on('error', (error) => this.#lost(thread, error));
    worker.on('exit', () => this.#lost(thread, new Error('the worker thread ended')));
    worker.unref();
    this.#threads.push(thread);
    return thread;
  }

  #lost(thread: Thread, error: Error): void {
    this.#threads = this.#threads.filter((other) => other !== thread);
    clearTimeout(thread.idle);
    for (const job of [...thread.jobs.values()]) job.lost(error);
  }

  #left(thread: Thread, id: number): void {
    thread.jobs.delete(id);
    if (thread.jobs.size > 0) return;
    thread.idle = setTimeout(() => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      void thread.worker.terminate().then(() => {
        if (this.#threads.length === 0) return trimMemory();
      });
    }, IDLE_MS);
    thread.idle.unref();
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
  readonly #id: number;
  readonly #worker: Worker;
  readonly #left: () => void;
  #batch: Uint8Array | undefined;
  readonly #spare: Uint8Array[] = [];
  #fill = 0;
  #inFlight = 0;
  #failure: Error | undefined;
  #over = false;
  #wake: (() => void) | undefined;
  #done: { resolve: (result: JobResult) => void; reject: (error: Error) => void } | undefined;
  #settled: { resolve: () => void; reject: (error: Error) => void } | undefined;
  #aborted: (() => void) | undefined;

  constructor(id: number, worker: Worker, left: () => void) {
    this.#id = id;
    this.#worker = worker;
    this.#left = left;
    // A thread with work keeps the process alive; an idle one does not.
    worker.ref();
  }

  async write(chunk: Buffer): Promise<void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#failure) throw this.#failure;
      this.#batch ??= this.#spare.pop() ?? new Uint8Array(new SharedArrayBuffer(BATCH_BYTES));
      const take = Math.min(chunk.length - at, BATCH_BYTES - this.#fill);
      this.#batch.set(chunk.subarray(at, at + take), this.#fill);
      this.#fill += take;
      at += take;
      if (this.#fill === BATCH_BYTES) this.#send();
      while (this.#inFlight >= WINDOW && !this.#failure) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    if (this.#failure) throw this.#failure;
  }

  async finish(): Promise<{ result: JobResult; onDisk: Promise<void> }> {
    if (this.#failure) throw this.#failure;
    this.#send();
    const onDisk = new Promise<void>((resolve, reject) => {
      this.#settled = { resolve, reject };
    });
    // Whoever waits for the result hears of it then.
    onDisk.catch(() => undefined);
    const result = await new Promise<JobResult>((resolve, reject) => {
      this.#done = { resolve, reject };
      this.#post({ type: 'finish', job: this.#id });
    });
    return { result, onDisk };
  }

  async abort(): Promise<void> {
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      this.#aborted = resolve;
      this.#post({ type: 'abort', job: this.#id });
    });
  }

  receive(message: FromWorker): void {
    if (message.type === 'taken') {
      this.#inFlight--;
      if (this.#spare.length < SPARE_BATCHES) this.#spare.push(message.data);
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
    this.#wake?.();
    this.#wake = undefined;
  }

  lost(error: Error): void {
    this.#fail(new Failure('system', `unpacking failed: ${error.message}`, { cause: error }));
    this.#wake?.();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#end();
    this.#done?.reject(this.#failure);
    this.#settled?.reject(this.#failure);
    this.#aborted?.();
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#left();
  }

  #send(): void {
    if (!this.#batch || this.#fill === 0) return;
    const data = this.#batch;
    const length = this.#fill;
    this.#inFlight++;
    this.#batch = undefined;
    this.#fill = 0;
    this.#post({ type: 'chunk', job: this.#id, data, length });
  }

  #post(message: ToWorker): void {
    this.#worker.postMessage(message);
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
