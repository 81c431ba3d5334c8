/** Entry of the worker threads that read and write trees: jobs, several at once, each doing a piece for each message. */
import { parentPort } from 'node:worker_threads';
import { isFailure, messageOf } from '../../engine/failure.ts';
import type { FromWorker, ToWorker } from './messages.ts';
import { inTurns } from './steps.ts';
import { answer, openSink, openSource, type Sink, type Source } from './tasks.ts';

const sources = new Map<number, Source>();
/** `tail`: one step after the other for each job. */
const sinks = new Map<number, { sink: Sink; tail: Promise<void> }>();

function reply(message: FromWorker, ...transfer: ArrayBuffer[]): void {
  parentPort?.postMessage(message, transfer);
}

function forget(job: number): void {
  sources.get(job)?.close();
  sources.delete(job);
  sinks.get(job)?.sink.close();
  sinks.delete(job);
}

function fail(job: number, error: unknown): void {
  forget(job);
  const { code } = error as NodeJS.ErrnoException;
  reply({ type: 'failed', job, kind: isFailure(error) ? error.kind : 'system', message: messageOf(error), ...(code ? { code } : {}) });
}

function more(job: number, bytes: number): void {
  const source = sources.get(job);
  if (!source) return;
  const buffer = Buffer.allocUnsafeSlow(bytes);
  const length = source.fill(buffer);
  const last = length < bytes;
  if (last) forget(job);
  reply({ type: 'filled', job, data: buffer.subarray(0, length), last }, buffer.buffer as ArrayBuffer);
}

function step(job: number, work: (sink: Sink) => Promise<void>): void {
  const entry = sinks.get(job);
  if (!entry) return;
  entry.tail = entry.tail.then(async () => {
    if (!sinks.has(job)) return;
    try {
      await work(entry.sink);
    } catch (error) {
      // One that was given up meanwhile has been answered.
      if (sinks.has(job)) fail(job, error);
    }
  });
}

function handle(message: ToWorker): void {
  const { job } = message;
  switch (message.type) {
    case 'read':
      sources.set(job, openSource(message.task));
      return;
    case 'more':
      more(job, message.bytes);
      return;
    case 'write':
      sinks.set(job, { sink: openSink(message.task), tail: Promise.resolve() });
      return;
    case 'chunk': {
      const { data, length } = message;
      step(job, async (sink) => {
        await sink.write(Buffer.from(data.buffer, data.byteOffset, length));
        reply({ type: 'taken', job, data });
      });
      return;
    }
    case 'finish':
      step(job, async (sink) => {
        await sink.finish();
        forget(job);
        reply({ type: 'done', job });
      });
      return;
    case 'run':
      inTurns(answer(message.question)).then(
        (found) => reply({ type: 'answer', job, answer: found }),
        (error) => fail(job, error),
      );
      return;
    case 'abort':
      forget(job);
      reply({ type: 'aborted', job });
  }
}

parentPort?.on('message', (message: ToWorker) => {
  try {
    handle(message);
  } catch (error) {
    fail(message.job, error);
  }
});
