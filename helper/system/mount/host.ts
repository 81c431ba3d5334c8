import { closeSync, constants, openSync, readSync, realpathSync } from 'node:fs';
import path from 'node:path';
import { cloneTree, closeFd, moveMount, O_PATH, openTree } from '../syscall/index.ts';
import { type Elsewhere, inMountNamespace } from './elsewhere.ts';
import { type MountEntry, parseMountInfo } from './mountinfo.ts';

const TABLE_BYTES = 64 * 1024;

/**
 * The mounts of the host as they are now, for an engine in a mount namespace of its own (docs/decisions/0013). It holds open the host's
 * root folder and its namespace, and with them nothing that the host could want to unmount.
 */
export class HostMounts {
  readonly #there: Elsewhere;
  readonly #table: number;
  readonly #own: string[];
  /**
   * Prefix of names for file functions, children's as well: what is below it is looked up through the host's mounts by any thread.
   * Absolute links are not: they lead to our own root.
   */
  readonly root: string;

  /** @param own folders of the engine, in which it mounts what the host does not see */
  constructor(there: Elsewhere, own: readonly string[]) {
    this.#there = there;
    this.#own = own.map((folder) => realpathSync(folder));
    this.root = `/proc/${process.pid}/fd/${there.root}`;
    // What it shows is the namespace in which it was opened.
    this.#table = inMountNamespace(there, () => openSync('/proc/self/mountinfo', constants.O_RDONLY));
  }

  /** The host's mounts, from 0.1 ms on. */
  table(): MountEntry[] {
    const parts: Buffer[] = [];
    for (let at = 0; ; ) {
      const part = Buffer.allocUnsafe(TABLE_BYTES);
      const size = readSync(this.#table, part, 0, part.length, at);
      if (size === 0) return parseMountInfo(Buffer.concat(parts).toString('utf8'));
      parts.push(part.subarray(0, size));
      at += size;
    }
  }

  /** Whether a name without links is in the engine's own folders, where the host sees less than we do. */
  isOwn(name: string): boolean {
    return this.#own.some((folder) => name === folder || name.startsWith(`${folder}/`));
  }

  /**
   * Mounts a copy of what is open (O_PATH, found below `root`) at a place of ours, with its propagation; `unmountCopy` takes it away.
   * @param recursive with what is mounted below it
   * @throws SystemCallError
   */
  take(fd: number, place: string, recursive: boolean): void {
    const detached = inMountNamespace(this.#there, () => cloneTree(fd, recursive));
    try {
      moveMount(detached, place);
    } finally {
      closeFd(detached);
    }
  }

  /** Runs `work`, which may not wait for anything, as the host's processes see files. */
  inside<T>(work: () => T): T {
    return inMountNamespace(this.#there, work);
  }

  /** Arguments of nsenter(1) that lead a program there. */
  get enter(): string[] {
    return [`--mount=/proc/${process.pid}/fd/${this.#there.namespace}`];
  }
}

/** Of the namespace that we are in. */
export function openHere(): Elsewhere {
  return { namespace: openSync('/proc/self/ns/mnt', constants.O_RDONLY), root: openSync('/', O_PATH | constants.O_DIRECTORY) };
}

/** Whether the kernel gives copies of mounts (Linux 5.2 and later), and lets us have them. */
export function canTakeMounts(): boolean {
  try {
    closeFd(openTree('/proc'));
    return true;
  } catch {
    return false;
  }
}

/** At or below these, mounts are the system's own: programs, their settings, the kernel's file systems. */
const SYSTEM = new Set(
  'bin sbin lib lib32 lib64 usr etc proc sys dev/pts dev/mqueue nix gnu run/lock run/systemd run/netns var/lib/nfs'
    .split(' ')
    .map((name) => `/${name}`),
);
/** And these themselves, but not what is mounted below: disks, homes, other engines' containers. */
const FOLDERS = new Set(['/', '/dev', '/dev/shm', '/run', '/var', '/var/lib', '/var/log', '/var/run', '/var/tmp', '/tmp', '/opt']);

/**
 * What a copy of the host's mounts has that the engine does without, so that the host can unmount it: what the engine would keep busy
 * for as long as it runs, or a monitor that it has started. What is shared comes and goes with the host's, and stays.
 *
 * @param used files and folders, absolute and without links, that the engine uses by their names
 * @param own folders of which the engine uses all that is mounted below, too
 * @returns what to unmount, the upper ones of a stack first. Pure.
 */
export function dispensable(table: readonly MountEntry[], used: readonly string[], own: readonly string[]): MountEntry[] {
  const byId = new Map(table.map((entry) => [entry.id, entry]));
  const above = new Set([...used, ...own].flatMap(ancestors));
  const isKept = ({ target }: MountEntry): boolean =>
    FOLDERS.has(target) || above.has(target) || ancestors(target).some((folder) => SYSTEM.has(folder) || own.includes(folder));
  const kept = new Set<number>();
  for (const entry of table.filter(isKept)) {
    for (let at: MountEntry | undefined = entry; at && !kept.has(at.id); at = byId.get(at.parent)) kept.add(at.id);
  }
  const isSettled = (entry: MountEntry | undefined): boolean => entry !== undefined && entry.shared === undefined && !entry.slave;
  return table.filter(({ id, parent }) => !kept.has(id) && isSettled(byId.get(parent))).reverse();
}

/** A name and the folders above it. */
function ancestors(name: string): string[] {
  const above = path.posix.dirname(name);
  return above === name ? [name] : [name, ...ancestors(above)];
}

/** Closes what `openHere` opened. */
export function closeElsewhere({ namespace, root }: Elsewhere): void {
  closeSync(namespace);
  closeSync(root);
}
