import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { nowNanos } from './instant.ts';

const MS = 1_000_000n;
const START_MS = 1_764_000_000_000;
let wallMs = START_MS;
let steady = 5_000_000_000n;
beforeEach(() => {
  vi.spyOn(Date, 'now').mockImplementation(() => wallMs);
  vi.spyOn(process.hrtime, 'bigint').mockImplementation(() => steady);
});
afterEach(() => {
  vi.restoreAllMocks();
});
/** Both clocks go on by so many milliseconds, the machine's by `more` of its own. */
const pass = (ms: number, more = 0): void => {
  wallMs += ms + more;
  steady += BigInt(ms) * MS;
};
const off = (): bigint => nowNanos() - BigInt(wallMs) * MS;

it('goes with the machine’s clock: between its milliseconds, after a sleep, when it is slewed', () => {
  nowNanos();
  steady += 400_000n;
  expect(off()).toBe(400_000n);
  // A laptop that slept an hour: the steady clock did not go on.
  pass(1, 3_600_000);
  expect(off()).toBe(0n);
  for (let at = 0; at < 1000; at += 1) {
    pass(10, at % 5 === 0 ? 1 : 0);
    expect(off()).toBeGreaterThanOrEqual(0n);
    expect(off()).toBeLessThan(3n * MS);
  }
});

it('gives later times to later calls, but for a clock that was set back', () => {
  let before = nowNanos();
  for (const [ms, more] of [
    [0, 0],
    [0, 0],
    [1, -1],
    [5, -3],
    [0, -500],
    [3, 0],
  ] as const) {
    pass(ms, more);
    const now = nowNanos();
    expect(now).toBeGreaterThan(before);
    before = now;
  }
  pass(10, -60_000);
  expect(off()).toBe(0n);
  expect(nowNanos()).toBeLessThan(before);
});

it('is never ahead of the machine’s clock, also where it was held up while it read the two', () => {
  let real = BigInt(START_MS + 86_400_000) * MS;
  let holdUp = 0n;
  vi.mocked(Date.now).mockImplementation(() => {
    real += holdUp;
    steady += holdUp;
    return Number(real / MS);
  });
  for (const held of [1_700_000n, 0n, 300_000n, 1_900_000n, 0n]) {
    holdUp = held;
    const now = nowNanos();
    expect(now).toBeLessThanOrEqual(real);
    expect(now).toBeGreaterThan(real - 3n * MS);
    real += 10n * MS;
    steady += 10n * MS;
  }
});
