/** What the layer store needs of the kernel and of the C library. Loaded at first use: koffi costs memory. */
import type { DeferredStep } from './folder.ts';

/** Mounts an EROFS image from its file, read-only. */
export async function mountErofs(file: string, target: string): Promise<void> {
  const { mountErofs: mount } = await import('../../system/mount/index.ts');
  mount(file, target);
}

/** Unmounts at once for new users; the kernel frees it when the last one is gone. Nothing happens when nothing is mounted there. */
export async function unmount(target: string): Promise<void> {
  const { unmountApart } = await import('../../system/mount/index.ts');
  await unmountApart(target);
}

/** Makes a device node, a FIFO or a whiteout, or sets an extended attribute. @param path absolute */
export async function applyStep(path: string, step: Exclude<DeferredStep, { kind: 'directory' }>): Promise<void> {
  const { lsetxattr, mknod } = await import('../../system/syscall/index.ts');
  if (step.kind === 'xattr') lsetxattr(path, step.name, step.value);
  else mknod(path, step.mode, { major: step.major, minor: step.minor });
}
