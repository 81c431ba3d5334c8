import { readFileSync } from 'node:fs';
import { availableCapabilities } from './capabilities.ts';

let least: number | undefined;

/**
 * The least oom_score_adj that a container can have here: without CAP_SYS_RESOURCE nobody may go below their own score,
 * and the runtime would refuse the container.
 */
export function leastOomScoreAdj(): number {
  least ??= availableCapabilities().includes('CAP_SYS_RESOURCE') ? -1000 : Number(readFileSync('/proc/self/oom_score_adj', 'utf8'));
  return least;
}

/** What the user is told when less was asked for. */
export function oomScoreWarning(asked: number): string[] {
  const bound = leastOomScoreAdj();
  return asked < bound ? [`The host lets nobody lower oom_score_adj below ${bound}. The container gets ${bound} instead of ${asked}.`] : [];
}
