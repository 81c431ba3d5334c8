import { expect, it } from 'vitest';
import { shutdownSeconds } from './shut-down.ts';

it.each<[number, (number | null | undefined)[], number | undefined]>([
  [15, [], 20],
  // Nobody set one: the container has ten seconds all the same, and must be killed when they are over, not left.
  [0, [undefined, null, 3], 15],
  [3, [30], 35],
  [-1, [1], undefined],
  [15, [1, -1], undefined],
])('a shutdown with %j configured and containers that were promised %j may take %j seconds', (configured, timeouts, seconds) => {
  expect(shutdownSeconds(configured, timeouts)).toBe(seconds);
});
