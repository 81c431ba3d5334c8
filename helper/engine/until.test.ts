import { describe, expect, it } from 'vitest';
import { toNanos } from './instant.ts';
import { untilFilter, untilNanos } from './until.ts';

describe('until', () => {
  it.each([
    ['2026-01-02T03:04:05.123456789Z', toNanos('2026-01-02T03:04:05.123456789Z')],
    ['2026-01-02T03:04:05+02:00', toNanos('2026-01-02T01:04:05Z')],
    ['2026-01-02T03Z', toNanos('2026-01-02T03:00:00Z')],
    ['2026-01-02Z', toNanos('2026-01-02T00:00:00Z')],
    ['1700000000.5', 1_700_000_000_500_000_000n],
    ['1700000000', 1_700_000_000_000_000_000n],
  ])('%s is a point in time', (text, nanos) => expect(untilNanos(text)).toBe(nanos));

  it('a date without a zone is meant where the engine is', () => {
    expect(untilNanos('2026-06-02T03:04')).toBe(BigInt(new Date(2026, 5, 2, 3, 4).getTime()) * 1_000_000n);
    expect(untilNanos('2026-06-02')).toBe(BigInt(new Date(2026, 5, 2).getTime()) * 1_000_000n);
  });

  it('a duration is that long ago', () => {
    const ago = Number(BigInt(Date.now()) * 1_000_000n - untilNanos('1h30m')) / 1e9;
    expect(ago).toBeGreaterThan(5399);
    expect(ago).toBeLessThan(5401);
  });

  it.each(['nope', '2020-13-01', '1h2', '', '2020-01-01T25:00:00Z'])('%j is none', (text) =>
    expect(() => untilNanos(text)).toThrow(`failed to parse value as time or duration: ${JSON.stringify(text)}`),
  );

  it('there is one at most', () => {
    expect(untilFilter(undefined)).toBeUndefined();
    expect(() => untilFilter(['1h', '2h'])).toThrow('more than one until filter specified');
  });
});
