/** An engine's time stamp: whole seconds since the epoch and nanoseconds, since a number can't hold both. */
export interface LogTime {
  seconds: number;
  nanos: number;
}

export function compareTimes(a: LogTime, b: LogTime): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}

/** As `since` wants it: dockerd takes seconds with a fraction only. */
export function sinceParameter({ seconds, nanos }: LogTime): string {
  return `${seconds}.${String(nanos).padStart(9, '0')}`;
}

const STAMP = /^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/;

/** Reads RFC 3339 stamps with nanoseconds. Lines of one second share the costly part. */
export class LogTimeReader {
  #second = '';
  #zone = '';
  #seconds = 0;

  read(stamp: string): LogTime | undefined {
    const match = STAMP.exec(stamp);
    if (!match) return undefined;
    const [, second = '', fraction = '', zone = ''] = match;
    if (second !== this.#second || zone !== this.#zone) {
      const ms = Date.parse(second + zone);
      if (Number.isNaN(ms)) return undefined;
      this.#second = second;
      this.#zone = zone;
      this.#seconds = Math.floor(ms / 1000);
    }
    return { seconds: this.#seconds, nanos: Number(fraction.padEnd(9, '0')) };
  }
}
