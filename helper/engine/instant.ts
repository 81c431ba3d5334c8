/**
 * Points in time as the Docker API writes them: RFC 3339 in UTC with nanoseconds, trailing zeros cut as Go does.
 * Stored as text, compared as text only through toNanos.
 */
export const NEVER = '0001-01-01T00:00:00Z';

const MILLISECOND = 1_000_000n;
/** So far the clock may be set back without time standing still meanwhile: more is a clock that was wrong. */
const STEP_BACK = 1_000n * MILLISECOND;

/** The steady clock's zero in nanoseconds since the epoch: it lies between these. */
let earliest = 0n;
let latest = -1n;
let last = 0n;

/**
 * Nanoseconds since the epoch. Two calls never give the same, and the later one gives more (the order of events depends on it),
 * unless the machine's clock was set back by more than a second.
 *
 * The machine's clock has milliseconds here, the steady one nanoseconds; but that one stands still while a laptop sleeps, and is
 * not corrected when the other is: where they drift apart it is set anew. Each reading says a little more of how the two lie, also
 * one that was held up in between: never is ours ahead, for clients ask for events until now by the machine's.
 */
export function nowNanos(): bigint {
  const before = process.hrtime.bigint();
  const wall = BigInt(Date.now()) * MILLISECOND;
  const steady = process.hrtime.bigint();
  const [low, high] = [wall - steady, wall + MILLISECOND - before];
  if (low > latest || high < earliest) [earliest, latest] = [low, high];
  if (low > earliest) earliest = low;
  if (high < latest) latest = high;
  const now = earliest + steady;
  last = now > last || last - now > STEP_BACK ? now : last + 1n;
  return last;
}

export function nowInstant(): string {
  return fromNanos(nowNanos());
}

/** `2026-11-24T19:04:10.123456789Z` */
export function fromNanos(nanos: bigint): string {
  const seconds = nanos / 1_000_000_000n;
  const rest = nanos % 1_000_000_000n;
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  const fraction = rest.toString().padStart(9, '0').replace(/0+$/, '');
  return fraction ? `${whole}.${fraction}Z` : `${whole}Z`;
}

/** @throws RangeError on what is not RFC 3339 */
export function toNanos(instant: string): bigint {
  const match = /^(\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)$/.exec(instant);
  const ms = match ? Date.parse(`${match[1]?.replace(' ', 'T')}${match[3]}`) : Number.NaN;
  if (!match || Number.isNaN(ms)) throw new RangeError(`not an RFC 3339 time: ${instant}`);
  return BigInt(ms) * 1_000_000n + BigInt((match[2] ?? '').padEnd(9, '0'));
}

/** `since`/`until` of the API: Unix seconds with optional fraction (`1700000000.5`), or RFC 3339. Undefined when empty or 0. */
export function parseTimestamp(text: string | undefined): bigint | undefined {
  if (!text || text === '0') return undefined;
  const unix = /^(-?\d+)(?:\.(\d{1,9})\d*)?$/.exec(text);
  if (unix) return BigInt(unix[1] ?? 0) * 1_000_000_000n + BigInt((unix[2] ?? '').padEnd(9, '0'));
  return toNanos(/[Zz]$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
}
