const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/**
 * How long to wait before attempt `attempt` (1 is the first after a failure): doubling from 0.25 s to 10 s, less up to a quarter
 * so that many hosts lost at once don't come back at once.
 *
 * @param random in [0, 1)
 */
export function backoffMs(attempt: number, random: number): number {
  const full = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(attempt - 1, 16));
  return Math.round(full * (1 - random / 4));
}
