import { execFileSync } from 'node:child_process';
import { MS, mount } from '../syscall/index.ts';

/** Mounts an EROFS image from its file, read-only; without a loop device where the kernel can (Linux 6.12 and later). */
export function mountErofs(file: string, target: string): void {
  try {
    mount(file, target, 'erofs', MS.RDONLY | MS.NODEV);
  } catch (error) {
    // Before Linux 6.12 the source must be a block device: mount(8) sets a loop device up that goes with the mount.
    if ((error as { code?: string }).code !== 'ENOTBLK') throw error;
    execFileSync('mount', ['-t', 'erofs', '-o', 'ro,nodev,loop', file, target], { stdio: ['ignore', 'ignore', 'pipe'] });
  }
}
