const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * How long to wait before attempt `attempt` (1 is the first after a failure): doubling from `firstMs` to `longestMs`, less up to a
 * quarter so that many hosts lost at once don't come back at once.
 *
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number, firstMs = FIRST_MS, longestMs = LONGEST_MS): number {
  const full = Math.min(longestMs, firstMs * 2 ** Math.min(attempt - 1, 16));
  return Math.round(full * (1 - random / 4));
}
