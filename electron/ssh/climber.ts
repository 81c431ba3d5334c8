export interface ClimberOptions {
  firstBytes: number;
  mostBytes: number;
}

/** An interval that long without its bytes is no measurement: the source had little to say. */
const INTERVAL_MS = 10_000;
const SHORTEST_MS = 50;
const IDLE_MS = 1000;
const BETTER = 1.15;
const AGAIN_MS = 15_000;

/**
 * How much of a stream may be under way at a time. SSH's usual 2 MiB, on a link of 1 Mbit/s, are a queue of sixteen seconds before
 * every key that is typed; a fixed small window would keep long fast links empty. So it begins small and doubles as long as that makes
 * the stream faster: where the link is full, more only waits longer. It begins anew after a pause.
 */
export class Climber {
  readonly #options: ClimberOptions;
  /** Bytes. */
  limit: number;
  #bytes = 0;
  #began: number | undefined;
  #last = 0;
  /** Bytes per ms before the last doubling; undefined: none is tried. */
  #before: number | undefined;
  #notUntil = 0;

  constructor(options: ClimberOptions) {
    this.#options = options;
    this.limit = options.firstBytes;
  }

  /** Bytes have come through. @param now in ms, of any clock that only goes forward */
  count(bytes: number, now: number): void {
    const began = this.#began;
    if (began === undefined || now - this.#last > IDLE_MS || now - began > INTERVAL_MS) {
      this.#restart(now);
      return;
    }
    this.#last = now;
    this.#bytes += bytes;
    const took = now - began;
    if (this.#bytes < 2 * this.limit || took < SHORTEST_MS) return;
    this.#judge(this.#bytes / took, now);
    this.#bytes = 0;
    this.#began = now;
  }

  #judge(rate: number, now: number): void {
    const helped = this.#before === undefined ? now >= this.#notUntil : rate > this.#before * BETTER;
    if (helped && this.limit < this.#options.mostBytes) {
      this.#before = rate;
      this.limit *= 2;
      return;
    }
    if (!helped && this.#before !== undefined) {
      this.limit /= 2;
      this.#notUntil = now + AGAIN_MS;
    }
    this.#before = undefined;
  }

  #restart(now: number): void {
    this.limit = this.#options.firstBytes;
    this.#before = undefined;
    this.#notUntil = 0;
    this.#bytes = 0;
    this.#began = now;
    this.#last = now;
  }
}
