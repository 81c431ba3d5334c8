import { closeSync, constants, mkdirSync, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { CLONE, MS, mount, setns, umount2, unshare } from '../syscall/index.ts';

/**
 * Network namespaces, each kept by a bind mount of their nsfs file. Synchronous: the main thread is in the other namespace
 * for the length of one block, in which no other JavaScript can run; libuv's threads never leave the host's.
 */
const own = openSync('/proc/thread-self/ns/net', constants.O_RDONLY);

function comeBack(): void {
  try {
    setns(own, CLONE.NEWNET);
  } catch (error) {
    // Going on in a container's namespace would open the engine's sockets there: nothing is worse.
    console.error('cannot return to the own network namespace', error);
    process.abort();
  }
}

/** Runs `work` in the namespace of the open file `fd`. `work` must not be async. */
export function inNamespace<T>(fd: number, work: () => T): T {
  setns(fd, CLONE.NEWNET);
  try {
    return work();
  } finally {
    comeBack();
  }
}

/** The same for a namespace by its path (a bind mount, or /proc/PID/ns/net). */
export function inNamespaceAt<T>(file: string, work: () => T): T {
  const fd = openSync(file, constants.O_RDONLY);
  try {
    return inNamespace(fd, work);
  } finally {
    closeSync(fd);
  }
}

/** A new namespace, bound at `file`. Nothing is left if it throws. */
export function createNamespace(file: string): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  writeFileSync(file, '', { mode: 0o600 });
  try {
    unshare(CLONE.NEWNET);
    try {
      mount('/proc/thread-self/ns/net', file, null, MS.BIND);
    } finally {
      comeBack();
    }
  } catch (error) {
    removeNamespace(file);
    throw error;
  }
}

/** Binds the namespace of a running process, after the mount namespace that held its first bind is gone. */
export function bindNamespace(file: string, pid: number): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o711 });
  removeNamespace(file);
  writeFileSync(file, '', { mode: 0o600 });
  mount(`/proc/${pid}/ns/net`, file, null, MS.BIND);
}

/** Idempotent. The kernel takes the namespace apart by itself once no process and no bind keeps it. */
export function removeNamespace(file: string): void {
  try {
    umount2(file);
  } catch {
    // Not mounted: a plain file that a crash left.
  }
  rmSync(file, { force: true });
}

export function listNamespaces(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
