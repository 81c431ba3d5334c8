/** At most so many at once, by a limit that may change; the others wait in order. */
export class Limiter {
  readonly #limit: () => number;
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  constructor(limit: () => number) {
    this.#limit = () => Math.max(1, limit());
  }

  /** Whether the next to come would have to wait. */
  get full(): boolean {
    return this.#running >= this.#limit();
  }

  /** @throws the signal's reason when it fires while waiting */
  async run<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    if (this.full) await this.#wait(signal);
    else this.#running++;
    try {
      return await work();
    } finally {
      // Places are handed on, so that nobody comes in between; as many as the limit has now.
      this.#running--;
      while (this.#running < this.#limit() && this.#waiting.length > 0) {
        this.#running++;
        this.#waiting.shift()?.();
      }
    }
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = (): void => {
        signal.removeEventListener('abort', stop);
        resolve();
      };
      const stop = (): void => {
        const at = this.#waiting.indexOf(go);
        if (at >= 0) this.#waiting.splice(at, 1);
        reject(signal.reason as Error);
      };
      signal.addEventListener('abort', stop, { once: true });
      this.#waiting.push(go);
    });
  }
}
