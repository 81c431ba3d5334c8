import { compareTimes, type LogTime } from './log-time.ts';

interface Seen {
  time: LogTime;
  err: boolean;
  length: number;
}

/** Lines whose order may differ from their times' (stdout and stderr are stamped apart) lie much closer than this. */
const REMEMBERED = 4096;

/**
 * Where a log was read to, so that reading goes on without loss or duplicates after a cut: asks again for everything after the
 * last line that it has forgotten, and drops what it remembers.
 */
export class LogPosition {
  #ring: Seen[] = [];
  #next = 0;
  #forgotten: LogTime | undefined;
  #again: Map<string, number> | undefined;

  /** A line came in order. @returns false: it was delivered before the cut */
  accept(time: LogTime | undefined, err: boolean, length: number): boolean {
    if (!time) return true;
    if (this.#again && this.#repeats(time, err, length)) return false;
    const seen = { time, err, length };
    if (this.#ring.length < REMEMBERED) {
      this.#ring.push(seen);
      return true;
    }
    const old = this.#ring[this.#next] as Seen;
    if (!this.#forgotten || compareTimes(old.time, this.#forgotten) > 0) this.#forgotten = old.time;
    this.#ring[this.#next] = seen;
    this.#next = (this.#next + 1) % REMEMBERED;
    return true;
  }

  /**
   * After a cut. @returns where to read from; undefined: from the start.
   *
   * @param fromStart reading began with the log's first line: until something was forgotten it begins there again, so that a line
   *   stamped before all that was read and written after it is not missed
   */
  resume(fromStart: boolean): LogTime | undefined {
    if (this.#ring.length === 0) return undefined;
    this.#again = new Map();
    let first = (this.#ring[0] as Seen).time;
    for (const { time, err, length } of this.#ring) {
      const key = keyOf(time, err, length);
      this.#again.set(key, (this.#again.get(key) ?? 0) + 1);
      if (compareTimes(time, first) < 0) first = time;
    }
    return this.#forgotten ?? (fromStart ? undefined : first);
  }

  #repeats(time: LogTime, err: boolean, length: number): boolean {
    if (this.#forgotten && compareTimes(time, this.#forgotten) <= 0) return true;
    const key = keyOf(time, err, length);
    const count = this.#again?.get(key) ?? 0;
    if (count === 0) return false;
    if (count === 1) this.#again?.delete(key);
    else this.#again?.set(key, count - 1);
    if (this.#again?.size === 0) this.#again = undefined;
    return true;
  }
}

function keyOf(time: LogTime, err: boolean, length: number): string {
  return `${time.seconds}.${time.nanos} ${err ? 2 : 1} ${length}`;
}
