import { statfsSync } from 'node:fs';
import { Failure } from '../engine/failure.ts';

/** Images never take the last of a disk: what the engine writes about containers must find room, and so must the host. */
const RESERVE_SHARE = 0.01;
const MOST_RESERVED = 256 * 1024 * 1024;
const MEBIBYTE = 1024 * 1024;
/** With less nothing can be written any more that has more than a few words. */
const FULL_BYTES = 64 * 1024;

/** Whether the file system of `folder` has no room: for failures of programs that don't say so. */
export function isFull(folder: string): boolean {
  const { bavail, bsize, ffree } = statfsSync(folder);
  return bavail * bsize < FULL_BYTES || ffree === 0;
}

/**
 * For large writes that go on for long (a layer that a few compressed bytes become).
 * @throws Failure system when the file system of `folder` has less left than what is kept for records
 */
export function checkSpace(folder: string): void {
  const { bavail, blocks, bsize } = statfsSync(folder);
  const free = bavail * bsize;
  const reserve = Math.min(MOST_RESERVED, blocks * bsize * RESERVE_SHARE);
  if (free >= reserve) return;
  const shown = (bytes: number): string => `${(bytes / MEBIBYTE).toFixed(1)} MiB`;
  throw new Failure(
    'system',
    `no space left on device: ${folder} has ${shown(free)} left, of which ${shown(reserve)} are kept for the engine's records`,
  );
}
