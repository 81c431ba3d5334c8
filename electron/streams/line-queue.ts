import type { LogLine, StreamDown } from '../ipc/contract.ts';

/** A message holds at most this much; a view must give at least as much credit at a time. */
export const BATCH_BYTES = 64 * 1024;
/** Lines that trickle in wait this long for company. */
const GATHER_MS = 8;

type Item = { line: LogLine; bytes: number } | { control: StreamDown };

/**
 * Log lines on their way to a view, in order with what is said about them (`end`, `resumed`): gathered into batches, never more
 * than the view gave credit for. The filler asks `room()` before it reads on, so what waits here is bounded.
 */
export class LineQueue {
  readonly #send: (message: StreamDown) => void;
  #items: Item[] = [];
  #head = 0;
  #bytes = 0;
  #credit = 0;
  #timer: NodeJS.Timeout | undefined;
  #waiting: (() => void)[] = [];
  #closed = false;

  constructor(send: (message: StreamDown) => void) {
    this.#send = send;
  }

  line(line: LogLine, bytes: number): void {
    if (this.#closed) return;
    this.#items.push({ line, bytes });
    this.#bytes += bytes;
    if (this.#bytes >= BATCH_BYTES) this.#pump();
    else this.#timer ??= setTimeout(() => this.#pump(), GATHER_MS);
  }

  /** After all lines that are waiting. Costs no credit. */
  control(message: StreamDown): void {
    if (this.#closed) return;
    this.#items.push({ control: message });
    this.#pump();
  }

  credit(bytes: number): void {
    this.#credit = Math.min(Number.MAX_SAFE_INTEGER, this.#credit + bytes);
    this.#pump();
  }

  /** Resolves when less than two batches wait, or the queue was closed. */
  async room(): Promise<void> {
    while (!this.#closed && this.#bytes >= 2 * BATCH_BYTES) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#items = [];
    this.#wake();
  }

  #pump(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    let batch: LogLine[] = [];
    let batchBytes = 0;
    const flush = () => {
      if (batch.length === 0) return;
      this.#credit -= batchBytes;
      this.#bytes -= batchBytes;
      this.#send({ t: 'lines', lines: batch, bytes: batchBytes });
      batch = [];
      batchBytes = 0;
    };
    while (this.#head < this.#items.length) {
      const item = this.#items[this.#head] as Item;
      if ('control' in item) {
        flush();
        this.#send(item.control);
      } else {
        if (batchBytes + item.bytes > this.#credit) break;
        if (batchBytes + item.bytes > BATCH_BYTES) {
          flush();
          continue;
        }
        batch.push(item.line);
        batchBytes += item.bytes;
      }
      this.#head += 1;
    }
    flush();
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head > 1024) {
      this.#items.splice(0, this.#head);
      this.#head = 0;
    }
    if (this.#bytes < 2 * BATCH_BYTES) this.#wake();
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
