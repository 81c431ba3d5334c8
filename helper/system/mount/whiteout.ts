import type { BigIntStats } from 'node:fs';
import { lgetxattr } from '../syscall/index.ts';

/** A character device 0:0 in a folder of an overlay: the name is deleted. Source: kernel, filesystems/overlayfs. */
export const isWhiteout = (stat: BigIntStats): boolean => stat.isCharacterDevice() && stat.rdev === 0n;

type Attributes = Pick<BigIntStats, 'mode' | 'uid' | 'gid'>;

/** Whether two folders differ in nothing but what lies below them: their times are of no account. */
export const sameAttributes = (a: Attributes, b: Attributes): boolean => a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

/** Both are folders, and one stands for the other: it lies in an upper layer only for what is below it. */
export const sameFolder = (a: BigIntStats, b: BigIntStats): boolean => a.isDirectory() && b.isDirectory() && sameAttributes(a, b);

/** A folder that hides what lies below it in lower layers. */
export function isOpaque(file: string): boolean {
  try {
    return lgetxattr(file, 'trusted.overlay.opaque')?.toString() === 'y';
  } catch {
    return false;
  }
}
