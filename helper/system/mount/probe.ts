import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { mountOf, mounts } from './mountinfo.ts';
import { mountOverlay, unmount } from './overlay.ts';

/** What the kernel says of an overlay that it will never mount; anything else (a full disk) may pass. */
const NEVER = /^(EINVAL|ENODEV|EOPNOTSUPP|EPERM)$/;

/**
 * Why no overlay can have its writable layer in `folder`, for the end of a sentence; undefined when it can. Found out by mounting one,
 * since which file systems can be used is the kernel's to know. Source: kernel Documentation/filesystems/overlayfs.rst, "Upper and lower".
 */
export async function overlayProblem(folder: string): Promise<string | undefined> {
  const probe = path.join(folder, '.overlay');
  const at = (name: string): string => path.join(probe, name);
  try {
    rmSync(probe, { recursive: true, force: true });
    for (const name of ['', 'lower', 'upper', 'work', 'target']) mkdirSync(at(name), { mode: 0o700 });
    mountOverlay({ lower: [at('lower')], upper: at('upper'), work: at('work'), target: at('target') });
    unmount(at('target'));
  } catch (error) {
    const { code = '' } = error as { code?: string };
    if (!NEVER.test(code)) return undefined;
    if (code === 'ENODEV') return 'this kernel has no overlayfs: load its module ("modprobe overlay")';
    const { type } = mountOf(folder, await mounts()) ?? {};
    return `overlayfs can have no writable layers on its file system (${type ?? 'unknown'}): ${code}. Choose a folder on ext4, XFS or btrfs`;
  } finally {
    try {
      rmSync(probe, { recursive: true, force: true });
    } catch {
      // A disk that can't be written to says so where it matters.
    }
  }
  return undefined;
}
