import type { StatisticsSample } from '../../contract/gantry.ts';
import type { Usage } from '../containers/types.ts';

/** What was counted up to a moment. `at` in seconds since the epoch. */
export interface Reading {
  usage: Usage;
  at: number;
}

/**
 * Figures between two readings of one run; without an earlier one, since the container's start. Undefined when no time has passed.
 * A counter that went back (an interface that was taken away) counts as nothing.
 */
export function sampleOf(now: Reading, before: Reading | undefined): StatisticsSample | undefined {
  const same = before && before.usage.startedAt === now.usage.startedAt ? before : undefined;
  const seconds = now.at - (same?.at ?? Date.parse(now.usage.startedAt) / 1000);
  if (!(seconds > 0)) return undefined;
  const rate = (field: 'cpuNanos' | 'rxBytes' | 'txBytes' | 'readBytes' | 'writtenBytes'): number =>
    Math.max(0, now.usage[field] - (same?.usage[field] ?? 0)) / seconds;
  return {
    Time: Math.floor(now.at),
    Cpu: rate('cpuNanos') / 1e9,
    Memory: now.usage.memoryBytes,
    Processes: now.usage.processes,
    NetworkIn: rate('rxBytes'),
    NetworkOut: rate('txBytes'),
    DiskRead: rate('readBytes'),
    DiskWrite: rate('writtenBytes'),
  };
}
