import type { BigIntStats } from 'node:fs';
import { lgetxattr } from '../syscall/index.ts';

/** A character device 0:0 in a folder of an overlay: the name is deleted. Source: kernel, filesystems/overlayfs. */
export const isWhiteout = (stat: BigIntStats): boolean => stat.isCharacterDevice() && stat.rdev === 0n;

/** A folder that hides what lies below it in lower layers. */
export function isOpaque(file: string): boolean {
  try {
    return lgetxattr(file, 'trusted.overlay.opaque')?.toString() === 'y';
  } catch {
    return false;
  }
}
