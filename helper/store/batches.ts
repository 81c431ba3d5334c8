const BATCH_BYTES = 256 * 1024;
/** Batches on the way to a worker that it has not taken yet. */
const WINDOW = 12;
/** Used batches that are kept to fill again. */
const SPARE_BATCHES = 4;

/**
 * A stream on its way to a worker thread, in batches of shared memory: what is handed over counts as new memory on the other side each
 * time, and its collector runs all the time.
 */
export class Batches {
  readonly #send: (data: Uint8Array, length: number) => void;
  #batch: Uint8Array | undefined;
  readonly #spare: Uint8Array[] = [];
  #fill = 0;
  #inFlight = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(send: (data: Uint8Array, length: number) => void) {
    this.#send = send;
  }

  /** Resolves when more may come; the chunk is copied or done with by then. @throws what `fail` was told */
  async write(chunk: Buffer): Promise<void> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#failure) throw this.#failure;
      this.#batch ??= this.#spare.pop() ?? new Uint8Array(new SharedArrayBuffer(BATCH_BYTES));
      const take = Math.min(chunk.length - at, BATCH_BYTES - this.#fill);
      this.#batch.set(chunk.subarray(at, at + take), this.#fill);
      this.#fill += take;
      at += take;
      if (this.#fill === BATCH_BYTES) this.flush();
      while (this.#inFlight >= WINDOW && !this.#failure) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
    }
    if (this.#failure) throw this.#failure;
  }

  /** Sends what does not fill a batch. @throws what `fail` was told */
  flush(): void {
    if (this.#failure) throw this.#failure;
    if (!this.#batch || this.#fill === 0) return;
    const data = this.#batch;
    const length = this.#fill;
    this.#inFlight++;
    this.#batch = undefined;
    this.#fill = 0;
    this.#send(data, length);
  }

  /** A batch is done with; its memory is used again. */
  taken(data: Uint8Array): void {
    this.#inFlight--;
    if (this.#spare.length < SPARE_BATCHES) this.#spare.push(data);
    this.#wake?.();
    this.#wake = undefined;
  }

  /** The other side takes no more. */
  fail(error: Error): void {
    this.#failure ??= error;
    this.#wake?.();
    this.#wake = undefined;
  }
}
