import { closeSync, constants, openSync, readFileSync, readlinkSync } from 'node:fs';
import { CLONE, chroot, closeFd, fchdir, moveMount, O_PATH, openTree, setns, unshare } from '../syscall/index.ts';
import { parseMountInfo } from './mountinfo.ts';
import { unmount, unmountCopy } from './overlay.ts';

/** The mount namespace that a process is in, as a name; undefined when the process is gone. */
export function mountNamespaceOf(pid: number | 'self'): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/mnt`);
  } catch {
    return undefined;
  }
}

/** Where something is mounted, as another process sees it; nothing when it is gone. */
function targetsOf(pid: number): Set<string> {
  try {
    return new Set(parseMountInfo(readFileSync(`/proc/${pid}/mountinfo`, 'utf8')).map(({ target }) => target));
  } catch {
    return new Set();
  }
}

/**
 * Brings what is mounted at `target` in another process's mount namespace to the same place in ours; there it stays as well.
 * @returns whether something is mounted there
 * @throws SystemCallError ENOSYS before Linux 5.2
 */
export function takeMount(pid: number, target: string): boolean {
  if (!targetsOf(pid).has(target)) return false;
  const detached = withProcess(pid, () => openTree(target));
  try {
    moveMount(detached, target);
  } finally {
    closeFd(detached);
  }
  return true;
}

/** Unmounts, lazily, those of `targets` that are mounted in the mount namespace of another process. */
export function unmountElsewhere(pid: number, targets: Iterable<string>): void {
  const mounted = targetsOf(pid);
  const there = [...targets].filter((target) => mounted.has(target));
  if (there.length === 0) return;
  withProcess(pid, () => {
    for (const target of there) unmount(target);
  });
}

/** Takes away the copies of others' mounts whose place `isOurs`, in the mount namespace of another process. @returns how many */
export function unmountCopiesElsewhere(pid: number, isOurs: (target: string) => boolean): number {
  const there = [...targetsOf(pid)].filter(isOurs);
  if (there.length === 0) return 0;
  withProcess(pid, () => {
    for (const target of there) unmountCopy(target);
  });
  return there.length;
}

function withProcess<T>(pid: number, work: () => T): T {
  const open: number[] = [];
  try {
    const namespace = open[open.push(openSync(`/proc/${pid}/ns/mnt`, constants.O_RDONLY)) - 1] as number;
    const root = open[open.push(openSync(`/proc/${pid}/root`, O_PATH | constants.O_DIRECTORY)) - 1] as number;
    return inMountNamespace({ namespace, root }, work);
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** A mount namespace and the folder that is the root of who is in it: open descriptors. */
export interface Elsewhere {
  namespace: number;
  root: number;
}

/**
 * Runs `work`, which may not wait for anything, with the main thread in another mount namespace (10 µs). The kernel refuses a thread that
 * shares its working folder with others, as all of a process do: from here on the main thread has its own. The thread pool never leaves.
 * Source: setns(2), CLONE_FS in clone(2)
 */
export function inMountNamespace<T>(there: Elsewhere, work: () => T): T {
  const open: number[] = [];
  const folder = (name: string): number => open[open.push(openSync(name, O_PATH | constants.O_DIRECTORY)) - 1] as number;
  try {
    const own = open[open.push(openSync('/proc/self/ns/mnt', constants.O_RDONLY)) - 1] as number;
    const root = folder('/');
    const working = folder('.');
    // Each time: a thread that was started since shares it again.
    unshare(CLONE.FS);
    setns(there.namespace, CLONE.NEWNS);
    try {
      enterRoot(there.root);
      return work();
    } finally {
      try {
        setns(own, CLONE.NEWNS);
        enterRoot(root);
        fchdir(working);
      } catch {
        // What looks at another tree than it believes must not go on; what runs outlives it.
        process.kill(process.pid, 'SIGKILL');
      }
    }
  } finally {
    for (const fd of open) closeSync(fd);
  }
}

/** setns leads to the root of the namespace, which is not ours where we were started in a chroot. */
function enterRoot(root: number): void {
  fchdir(root);
  chroot('.');
}
