import path from 'node:path';
import { closeFd, fsconfig, fsmount, fsopen, MS, mount, moveMount, readMountLog, umount2 } from '../syscall/index.ts';

export interface OverlayRequest {
  /** Read-only layers, top-most first. */
  lower: string[];
  /** Writable layer and overlayfs' own work folder, on one file system; without them the mount is read-only. */
  upper?: string;
  work?: string;
  target: string;
}

/**
 * Mounts an overlay in well under a millisecond, without a process. Layers are given one by one (`lowerdir+`, Linux 6.5),
 * so that neither their number nor the length of their names meets the one-page limit of mount(2)'s option string.
 * Source: kernel Documentation/filesystems/overlayfs.rst
 */
export function mountOverlay(request: OverlayRequest): void {
  if (appendable) {
    try {
      mountByContext(request);
      return;
    } catch (error) {
      if (!isUnknownParameter(error)) throw error;
      appendable = false;
    }
  }
  mountByOptions(request);
}

let appendable = true;

function isUnknownParameter(error: unknown): boolean {
  const code = (error as { code?: string }).code;
  return code === 'ENOSYS' || (code === 'EINVAL' && (error as Error).message.includes('lowerdir+'));
}

function mountByContext({ lower, upper, work, target }: OverlayRequest): void {
  const context = fsopen('overlay');
  try {
    fsconfig(context, 'string', 'source', 'overlay');
    for (const layer of lower) fsconfig(context, 'string', 'lowerdir+', layer);
    if (upper && work) {
      fsconfig(context, 'string', 'upperdir', upper);
      fsconfig(context, 'string', 'workdir', work);
    }
    try {
      fsconfig(context, 'create', null, null);
    } catch (error) {
      const words = readMountLog(context);
      if (words) (error as Error).message += `: ${words}`;
      throw error;
    }
    const detached = fsmount(context, 0);
    try {
      moveMount(detached, target);
    } finally {
      closeFd(detached);
    }
  } finally {
    closeFd(context);
  }
}

/** For older kernels: relative names from the layers' common folder keep the option string below a page. */
function mountByOptions({ lower, upper, work, target }: OverlayRequest): void {
  const base = commonFolder(lower);
  const before = process.cwd();
  process.chdir(base);
  try {
    const layers = lower.map((layer) => (path.relative(base, layer) || '.').replace(/[:\\,]/g, '\\$&')).join(':');
    const writable = upper && work ? `,upperdir=${upper},workdir=${work}` : '';
    mount('overlay', target, 'overlay', upper ? 0 : MS.RDONLY, `lowerdir=${layers}${writable}`);
  } finally {
    process.chdir(before);
  }
}

function commonFolder(paths: string[]): string {
  const [first = '/', ...others] = paths.map((name) => path.dirname(name));
  const parts = first.split('/');
  while (!others.every((other) => other === parts.join('/') || other.startsWith(`${parts.join('/')}/`))) parts.pop();
  return parts.join('/') || '/';
}

/** Detaches whatever is mounted at `target`; a target that is no mount (any more) is fine. */
export function unmount(target: string): void {
  try {
    umount2(target);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code !== 'EINVAL' && code !== 'ENOENT') throw error;
  }
}
