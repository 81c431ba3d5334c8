export interface ClimberOptions {
  firstBytes: number;
  mostBytes: number;
}

/** An interval that long without its bytes is no measurement: the source had little to say. */
const INTERVAL_MS = 10_000;
const SHORTEST_MS = 50;
const IDLE_MS = 1000;
const QUEUE_MS = 250;
const BETTER = 1.15;
/** What is under way already takes that long: more would only wait, or the way is longer than any. */
const LONG_MS = 800;
const AGAIN_MS = 15_000;

/**
 * How much of a stream may be under way at a time. SSH's usual 2 MiB, on a link of 1 Mbit/s, are a queue of sixteen seconds before
 * every key that is typed; a fixed small window would keep long fast links empty. So it begins small and becomes as much as comes through in
 * a quarter of a second, which is the longest that anything else then waits; and where the way itself is longer, it doubles as long as
 * that makes the stream faster. It begins anew after a pause.
 */
export class Climber {
  readonly #options: ClimberOptions;
  #bytes = 0;
  #began: number | undefined;
  #last = 0;
  /** What comes through in QUEUE_MS. */
  #quick = 0;
  /** What doubling has led to. */
  #climbed = 0;
  /** Bytes per ms before the last doubling; undefined: none is tried. */
  #before: number | undefined;
  #notUntil = 0;

  constructor(options: ClimberOptions) {
    this.#options = options;
  }

  /** Bytes. */
  get limit(): number {
    const { firstBytes, mostBytes } = this.#options;
    return Math.min(mostBytes, Math.max(firstBytes, this.#climbed, this.#quick));
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
    const { limit } = this;
    // A moment in which this machine was busy is not the link's rate.
    this.#quick = Math.max(Math.round(rate * QUEUE_MS), Math.floor(this.#quick / 2));
    if (this.#quick >= limit) {
      this.#before = undefined;
      return;
    }
    const helped = this.#before === undefined ? now >= this.#notUntil : rate > this.#before * BETTER;
    if (helped && limit < this.#options.mostBytes && limit / rate < LONG_MS) {
      this.#before = rate;
      this.#climbed = 2 * limit;
      return;
    }
    if (!helped && this.#before !== undefined) {
      this.#climbed = Math.floor(this.#climbed / 2);
      this.#notUntil = now + AGAIN_MS;
    }
    this.#before = undefined;
  }

  #restart(now: number): void {
    this.#quick = 0;
    this.#climbed = 0;
    this.#before = undefined;
    this.#notUntil = 0;
    this.#bytes = 0;
    this.#began = now;
    this.#last = now;
  }
}
