/**
 * Worker threads for jobs that are fed by messages. Threads start when there is work, and end when they have been idle, so that an idle
 * helper costs nothing. A thread has several jobs when there are more of them than threads.
 */
import os from 'node:os';
import { Worker } from 'node:worker_threads';
import { trimMemory } from './memory.ts';

const IDLE_MS = 3000;
/** A thread that has not said anything for so long waits for a disk or a server: new jobs don't wait with it. */
const STUCK_MS = 5000;
/** Threads in all, however many are stuck. */
const MOST_THREADS = 16;

/** What a job does with what its thread says. */
export interface Listener<From> {
  receive(message: From): void;
  /** The thread ended by itself: nothing more is heard of it. */
  lost(error: Error): void;
}

/** A job's way to its thread. */
export interface Line<To> {
  /** Names the job in all messages. */
  readonly id: number;
  post(message: To): void;
  /** The thread answers this one. */
  ask(message: To): void;
  /** The job is over. */
  release(): void;
}

interface Thread<From> {
  worker: Worker;
  jobs: Map<number, Listener<From>>;
  idle: NodeJS.Timeout | undefined;
  /** Since when it owes an answer, if it does. */
  askedAt: number | undefined;
}

export class Threads<To, From extends { job: number }> {
  readonly #loadCode: () => Promise<string | undefined>;
  readonly #limit: number;
  readonly #idleMs: number;
  readonly #stuckMs: number;
  #threads: Thread<From>[] = [];
  #next = 1;

  /** @param code the worker's program; undefined where there is none (unbundled): jobs run in process then */
  constructor(code: () => Promise<string | undefined>, options: { limit?: number | undefined; idleMs?: number; stuckMs?: number } = {}) {
    this.#loadCode = code;
    this.#limit = options.limit ?? Math.max(1, Math.min(4, os.cpus().length));
    this.#idleMs = options.idleMs ?? IDLE_MS;
    this.#stuckMs = options.stuckMs ?? STUCK_MS;
  }

  /** @returns what `listen` has made; undefined where there is no worker's program */
  async open<L extends Listener<From>>(listen: (line: Line<To>) => L): Promise<L | undefined> {
    const code = await this.#loadCode();
    if (code === undefined) return undefined;
    const thread = this.#thread(code);
    const id = this.#next++;
    // A thread with work keeps the process alive; an idle one does not.
    thread.worker.ref();
    clearTimeout(thread.idle);
    const listener = listen({
      id,
      post: (message) => thread.worker.postMessage(message),
      ask: (message) => {
        thread.askedAt ??= performance.now();
        thread.worker.postMessage(message);
      },
      release: () => this.#left(thread, id),
    });
    thread.jobs.set(id, listener);
    return listener;
  }

  /** Ends all threads; jobs that run fail. */
  async close(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
  }

  #thread(code: string): Thread<From> {
    const stuckSince = performance.now() - this.#stuckMs;
    const moving = this.#threads.filter(({ askedAt }) => askedAt === undefined || askedAt > stuckSince);
    const least = moving.sort((a, b) => a.jobs.size - b.jobs.size)[0] ?? this.#threads[0];
    if (least && (least.jobs.size === 0 || moving.length >= this.#limit || this.#threads.length >= MOST_THREADS)) return least;
    const worker = new Worker(code, { eval: true });
    const thread: Thread<From> = { worker, jobs: new Map(), idle: undefined, askedAt: undefined };
    worker.on('message', (message: From) => {
      thread.askedAt = undefined;
      thread.jobs.get(message.job)?.receive(message);
    });
    worker.on('error', (error) => this.#lost(thread, error));
    worker.on('exit', () => this.#lost(thread, new Error('the worker thread ended')));
    this.#threads.push(thread);
    return thread;
  }

  #lost(thread: Thread<From>, error: Error): void {
    this.#threads = this.#threads.filter((other) => other !== thread);
    clearTimeout(thread.idle);
    const jobs = [...thread.jobs.values()];
    // After an error comes the end: they hear of the first.
    thread.jobs.clear();
    for (const job of jobs) job.lost(error);
  }

  #left(thread: Thread<From>, id: number): void {
    thread.jobs.delete(id);
    if (thread.jobs.size > 0) return;
    thread.askedAt = undefined;
    thread.worker.unref();
    thread.idle = setTimeout(() => {
      this.#threads = this.#threads.filter((other) => other !== thread);
      void thread.worker.terminate().then(() => {
        if (this.#threads.length === 0) return trimMemory();
      });
    }, this.#idleMs);
    thread.idle.unref();
  }
}
