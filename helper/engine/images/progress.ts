/**
 * The progress of a long work as a stream of messages that its reader can't slow down and that can't outgrow memory:
 * counts are throttled, and where the reader lags, a newer count of a layer replaces the older one.
 */
import { setMaxListeners } from 'node:events';
import type { ProgressMessage } from '../../contract/docker/index.ts';

export interface Emit {
  (message: ProgressMessage): void;
  /** How far something has come. Costs nothing when it comes too often. `total` 0: not known. */
  count(id: string, status: string, current: number, total: number): void;
}

/** Counts of one layer come at most this often. */
const INTERVAL_MS = 100;

/**
 * Starts `work`.
 * @returns its messages, when the first has come or it has ended; ending the iteration early aborts the work
 * @throws what the work throws before its first message; later failures are thrown by the iteration
 */
export async function streamProgress(
  signal: AbortSignal,
  work: (emit: Emit, signal: AbortSignal) => Promise<void>,
): Promise<AsyncIterable<ProgressMessage>> {
  const abort = new AbortController();
  // Each layer, each request and each pause of it listens.
  setMaxListeners(0, abort.signal);
  const onAbort = (): void => abort.abort(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const queue = new MessageQueue();
  const emit: Emit = Object.assign((message: ProgressMessage) => queue.push(message), {
    count: (id: string, status: string, current: number, total: number) => queue.count(id, status, current, total),
  });
  const running = work(emit, abort.signal).then(
    () => queue.end(undefined),
    (error: unknown) => queue.end({ error }),
  );
  void running.finally(() => signal.removeEventListener('abort', onAbort));
  await queue.ready();
  if (queue.failedAtOnce()) throw queue.failure();
  return iterate(queue, abort, running);
}

async function* iterate(queue: MessageQueue, abort: AbortController, running: Promise<void>): AsyncGenerator<ProgressMessage> {
  let whole = false;
  try {
    for (;;) {
      const message = queue.shift();
      if (message) {
        yield message;
        continue;
      }
      if (queue.ended()) {
        whole = true;
        const failure = queue.failure();
        if (failure !== undefined) throw failure;
        return;
      }
      await queue.ready();
    }
  } finally {
    if (!whole) {
      abort.abort(new Error('the reader of the progress went away'));
      await running;
    }
  }
}

class MessageQueue {
  readonly #pending = new Map<string, ProgressMessage>();
  readonly #lastCount = new Map<string, number>();
  #sequence = 0;
  #end: { failure: { error: unknown } | undefined } | undefined;
  #wake: (() => void) | undefined;

  push(message: ProgressMessage): void {
    if (this.#end) return;
    this.#pending.set(`#${this.#sequence++}`, message);
    this.#notify();
  }

  count(id: string, status: string, current: number, total: number): void {
    if (this.#end) return;
    const key = `${id} ${status}`;
    const now = performance.now();
    if (current !== total && now - (this.#lastCount.get(key) ?? Number.NEGATIVE_INFINITY) < INTERVAL_MS) return;
    this.#lastCount.set(key, now);
    // Set anew rather than replaced: it comes after what was said since.
    this.#pending.delete(key);
    this.#pending.set(key, counted(id, status, current, total));
    this.#notify();
  }

  end(failure: { error: unknown } | undefined): void {
    this.#end = { failure };
    this.#notify();
  }

  ended(): boolean {
    return this.#end !== undefined;
  }

  failure(): unknown {
    return this.#end?.failure?.error;
  }

  failedAtOnce(): boolean {
    return this.#pending.size === 0 && this.#end?.failure !== undefined;
  }

  shift(): ProgressMessage | undefined {
    for (const [key, message] of this.#pending) {
      this.#pending.delete(key);
      return message;
    }
    return undefined;
  }

  async ready(): Promise<void> {
    if (this.#pending.size > 0 || this.#end) return;
    await new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #notify(): void {
    this.#wake?.();
    this.#wake = undefined;
  }
}

const KILO = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** Sizes as Docker's progress shows them: four significant digits, powers of 1000. */
function humanSize(bytes: number): string {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < KILO.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${Number(size.toPrecision(4))}${KILO[unit]}`;
}

/** A message with a count and the bar that clients without arithmetic print. */
function counted(id: string, status: string, current: number, total: number): ProgressMessage {
  const detail = total > 0 ? { current, total } : { current };
  return { status, progressDetail: detail, progress: bar(current, total), ...(id ? { id } : {}) };
}

function bar(current: number, total: number): string {
  if (total <= 0 || current > total) return humanSize(current).padStart(8);
  const percent = Math.floor((current / total) * 50);
  const line = `[${'='.repeat(percent)}>${' '.repeat(50 - percent)}]`;
  return `${line} ${humanSize(current).padStart(8)}/${humanSize(total)}`;
}
