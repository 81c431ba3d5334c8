import { parseGoDuration } from './duration.ts';
import { Failure } from './failure.ts';
import { nowNanos, parseTimestamp } from './instant.ts';

const DATE = /^\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,9})?)?)?)?/;
const ZONE = /(?:Z|[+-]\d\d:\d\d)$/i;

/**
 * A point in time as the `until` filters take it: Unix seconds with a fraction, a date with or without a time of day and a zone (without:
 * this machine's), or how long ago (`24h`, `1h30m`). Nanoseconds since the epoch.
 *
 * @throws Failure invalidParameter
 * Source: moby api/types/time/timestamp.go
 */
export function untilNanos(text: string): bigint {
  const age = parseGoDuration(text);
  if (age !== undefined && text !== '0') return nowNanos() - BigInt(Math.trunc(age));
  const date = DATE.exec(text)?.[0];
  const zone = ZONE.exec(text.slice(date?.length ?? 0))?.[0] ?? '';
  try {
    if (date !== undefined && date.length + zone.length === text.length) return dateNanos(date, zone);
    if (text !== '' && !text.includes('-')) return parseTimestamp(text) ?? 0n;
  } catch {
    // Said below.
  }
  throw new Failure('invalidParameter', `failed to parse value as time or duration: ${JSON.stringify(text)}`);
}

function dateNanos(date: string, zone: string): bigint {
  const [whole = '', fraction = ''] = date.split('.');
  const missing = '0000-00-00T00:00:00'.slice(whole.length);
  const ms = Date.parse(`${whole}${missing}${zone.toUpperCase()}`);
  if (Number.isNaN(ms)) throw new RangeError(`no such time: ${date}`);
  return BigInt(ms) * 1_000_000n + BigInt(fraction.padEnd(9, '0'));
}

/** The one `until` of a prune. @throws Failure invalidParameter */
export function untilFilter(values: readonly string[] | undefined): bigint | undefined {
  const [text, ...more] = values ?? [];
  if (more.length > 0) throw new Failure('invalidParameter', 'more than one until filter specified');
  return text === undefined ? undefined : untilNanos(text);
}
