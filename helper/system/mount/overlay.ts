import { closeSync, constants, openSync } from 'node:fs';
import { closeFd, fsconfig, fsmount, fsopen, MS, mount, moveMount, readMountLog, umount2, umountApart } from '../syscall/index.ts';

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
  if (appendable === false) {
    mountByOptions(request);
    return;
  }
  try {
    mountByContext(request);
    appendable = true;
  } catch (error) {
    // Before 6.5 a kernel takes any parameter, and says EINVAL of all together in the end.
    if (appendable || !/^(EINVAL|ENOSYS)$/.test((error as { code?: string }).code ?? '')) throw error;
    try {
      mountByOptions(request);
    } catch {
      throw error;
    }
    appendable = false;
  }
}

/** Whether this kernel takes layers one by one; undefined until the first mount tells. */
let appendable: boolean | undefined;

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

/** For older kernels: names of open descriptors keep the option string of 127 layers below a page. */
export function mountByOptions({ lower, upper, work, target }: OverlayRequest): void {
  const descriptors: number[] = [];
  try {
    for (const layer of lower) descriptors.push(openSync(layer, constants.O_RDONLY | constants.O_DIRECTORY));
    const layers = descriptors.map((fd) => `/proc/self/fd/${fd}`).join(':');
    const writable = upper && work ? `,upperdir=${escaped(upper)},workdir=${escaped(work)}` : '';
    mount('overlay', target, 'overlay', upper ? 0 : MS.RDONLY, `lowerdir=${layers}${writable}`);
  } finally {
    for (const fd of descriptors) closeSync(fd);
  }
}

const escaped = (file: string): string => file.replace(/[:\\,]/g, '\\$&');

/** `unmount` that nobody stands still for. @throws what `unmount` throws */
export async function unmountApart(target: string): Promise<void> {
  await umountApart(target);
  // It can't tell what went wrong; nothing is mounted there any more when all went well.
  unmount(target);
}

/**
 * The same for a copy of somebody else's mounts: what is mounted below it is not unmounted where it was copied from, which the kernel
 * does else where mounts are shared.
 */
export function unmountCopy(target: string): void {
  try {
    mount(null, target, null, MS.PRIVATE | MS.REC);
  } catch (error) {
    const code = (error as { code?: string }).code;
    if (code === 'EINVAL' || code === 'ENOENT') return;
    throw error;
  }
  unmount(target);
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
