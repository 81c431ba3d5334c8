/** Entry of the worker threads of pool.ts: layer jobs, several at once, fed by messages. */
import { parentPort } from 'node:worker_threads';
import { isFailure, messageOf } from '../../engine/failure.ts';
import { LayerJob } from './job.ts';
import type { FromWorker, ToWorker } from './pool.ts';

interface Entry {
  job: LayerJob | undefined;
  /** One step after the other for each job; different jobs take turns. */
  tail: Promise<void>;
}

const entries = new Map<number, Entry>();

function reply(message: FromWorker): void {
  parentPort?.postMessage(message);
}

function fail(id: number, error: unknown): void {
  const entry = entries.get(id);
  if (!entry) return;
  entries.delete(id);
  entry.job?.abort();
  const code = (error as NodeJS.ErrnoException).code;
  reply({ type: 'failed', job: id, kind: isFailure(error) ? error.kind : 'system', message: messageOf(error), ...(code ? { code } : {}) });
}

function step(id: number, work: (job: LayerJob) => Promise<void> | void): void {
  const entry = entries.get(id);
  if (!entry) return;
  entry.tail = entry.tail.then(async () => {
    if (!entries.has(id) || !entry.job) return;
    try {
      await work(entry.job);
    } catch (error) {
      fail(id, error);
    }
  });
}

parentPort?.on('message', (message: ToWorker) => {
  const id = message.job;
  if (message.type === 'open') {
    const entry: Entry = { job: undefined, tail: Promise.resolve() };
    entries.set(id, entry);
    try {
      entry.job = new LayerJob(message.options);
    } catch (error) {
      fail(id, error);
    }
  } else if (message.type === 'chunk') {
    const { data, length } = message;
    step(id, async (job) => {
      await job.write(Buffer.from(data.buffer, data.byteOffset, length));
      reply({ type: 'taken', job: id, data });
    });
  } else if (message.type === 'finish') {
    step(id, async (job) => {
      reply({ type: 'done', job: id, result: await job.finish() });
      await job.settled();
      entries.delete(id);
      reply({ type: 'settled', job: id });
    });
  } else {
    const entry = entries.get(id);
    entries.delete(id);
    entry?.job?.abort();
    reply({ type: 'aborted', job: id });
  }
});
