import { expect, it, vi } from 'vitest';
import { type Line, Threads } from './threads.ts';

type Asked = { job: number; what: 'thread' | 'wait' | 'throw' };
type Said = { job: number; thread: number };

/** Says which thread it is; or waits, as for a server that does not answer. */
const code = `
const { parentPort, threadId } = require('node:worker_threads');
parentPort.on('message', ({ job, what }) => {
  if (what === 'throw') throw new Error('broken');
  if (what === 'wait') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  parentPort.postMessage({ job, thread: threadId });
});`;

class Job {
  readonly line: Line<Asked>;
  readonly said: number[] = [];
  error: Error | undefined;
  constructor(line: Line<Asked>) {
    this.line = line;
  }
  receive({ thread }: Said): void {
    this.said.push(thread);
  }
  lost(error: Error): void {
    this.error = error;
  }
  ask(what: Asked['what']): void {
    this.line.ask({ job: this.line.id, what });
  }
  async thread(): Promise<number> {
    const before = this.said.length;
    this.ask('thread');
    await vi.waitFor(() => expect(this.said.length).toBeGreaterThan(before), 10_000);
    return this.said[before] as number;
  }
}

async function withThreads(
  options: { limit: number; idleMs?: number; stuckMs?: number },
  use: (open: () => Promise<Job>) => Promise<void>,
) {
  const threads = new Threads<Asked, Said>(async () => code, options);
  try {
    await use(async () => (await threads.open((line) => new Job(line))) as Job);
  } finally {
    await threads.close();
  }
}

it('jobs share the threads that there may be', () =>
  withThreads({ limit: 2 }, async (open) => {
    const jobs = [await open(), await open(), await open(), await open()];
    expect(new Set(await Promise.all(jobs.map((job) => job.thread()))).size).toBe(2);
  }));

it('a thread without work ends', () =>
  withThreads({ limit: 1, idleMs: 50 }, async (open) => {
    const job = await open();
    const first = await job.thread();
    job.line.release();
    await vi.waitFor(
      async () => {
        const next = await open();
        const thread = await next.thread();
        next.line.release();
        expect(thread).not.toBe(first);
      },
      { timeout: 10_000, interval: 200 },
    );
  }));

it('new jobs do not wait with one whose thread waits for something else', () =>
  withThreads({ limit: 1, stuckMs: 20 }, async (open) => {
    const stuck = await open();
    const thread = await stuck.thread();
    stuck.ask('wait');
    await vi.waitFor(async () => {
      const job = await open();
      expect(await Promise.race([job.thread(), new Promise((resolve) => setTimeout(() => resolve(thread), 500))])).not.toBe(thread);
    }, 10_000);
  }));

it('jobs hear that their thread has ended', () =>
  withThreads({ limit: 1 }, async (open) => {
    const jobs = [await open(), await open()];
    jobs[0]?.ask('throw');
    await vi.waitFor(() => expect(jobs.map(({ error }) => error?.message)).toEqual(['broken', 'broken']), 10_000);
  }));
