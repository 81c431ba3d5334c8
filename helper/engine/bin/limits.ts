import type { BinEntry } from '../../contract/gantry.ts';

const DAY_MS = 86_400_000;

export interface Limits {
  maxBytes: number;
  /** 0: no limit. */
  keepDays: number;
}

/** When an entry goes by itself; '' for never. */
export function expiry(removedAt: string, { keepDays }: Limits): string {
  return keepDays === 0 ? '' : new Date(Date.parse(removedAt) + keepDays * DAY_MS).toISOString();
}

/**
 * Which entries have to go: those that are too old, then the oldest until the rest fits. Pure.
 * @param entries newest first
 */
export function overdue(entries: readonly Pick<BinEntry, 'Id' | 'RemovedAt' | 'Bytes'>[], limits: Limits, now: number): string[] {
  const gone: string[] = [];
  let bytes = 0;
  for (const { Id, RemovedAt, Bytes } of entries) {
    const old = limits.keepDays > 0 && now >= Date.parse(RemovedAt) + limits.keepDays * DAY_MS;
    if (old || bytes + Bytes > limits.maxBytes) gone.push(Id);
    else bytes += Bytes;
  }
  return gone;
}
