import { type BigIntStats, constants, promises as fs } from 'node:fs';
import { O_PATH } from '../../../system/syscall/index.ts';

/**
 * A container's tree, walked so that no race leads out of it: every folder on the way is held open (O_PATH), every name is looked up
 * in the folder that is held and never followed by the kernel; links are read and resolved here, inside the root.
 * A process in the container may rename and replace what it likes meanwhile: it only changes what is found.
 */
export interface Tree {
  /** `/proc/PID/root` of a running container, or the mounted rootfs. */
  root: string;
  /** Where other trees lie in it (volumes of a container that does not run): path in the container → host path. */
  mounts: ReadonlyMap<string, string>;
  /** Folders whose content is the kernel's (/proc, /sys, /dev): there is nothing in them to copy. Paths in the container. */
  hidden: ReadonlySet<string>;
}

/** Whether a path lies in a folder that is the kernel's. */
export function isHidden(tree: Tree, path: string): boolean {
  for (const folder of tree.hidden) if (path.startsWith(`${folder}/`)) return true;
  return false;
}

type Handle = fs.FileHandle;
const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const MAX_LINKS = 40;

const below = (folder: Handle, name: string): string => `/proc/self/fd/${folder.fd}/${name}`;

/** One name in a folder that is held open. Close it when done. */
export class Place {
  /** Path in the container, `/` for the root. */
  readonly path: string;
  readonly name: string;
  #folder: Handle;

  constructor(folder: Handle, name: string, path: string) {
    this.#folder = folder;
    this.name = name;
    this.path = path;
  }

  /** The folder's descriptor. Valid until `close`. */
  get folder(): number {
    return this.#folder.fd;
  }

  /** For system calls that don't follow a link in the last component. Valid until `close`. */
  get file(): string {
    return this.name === '' ? `/proc/self/fd/${this.#folder.fd}/.` : below(this.#folder, this.name);
  }

  /** Undefined: not there. */
  async stat(): Promise<BigIntStats | undefined> {
    try {
      return await fs.lstat(this.file, { bigint: true });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
      throw error;
    }
  }

  readlink(): Promise<string> {
    return fs.readlink(this.file);
  }

  close(): Promise<void> {
    return this.#folder.close();
  }
}

interface Frame {
  handle: Handle;
  /** Path in the container; `` for the root. */
  path: string;
}

const components = (name: string): string[] => name.split('/').filter((part) => part !== '' && part !== '.');

/**
 * Finds `name` in `tree`. Links on the way are followed within the tree; the last component only with `follow`.
 * Missing folders on the way are an ENOENT unless `make` is given: then they are made (0755, root).
 */
export async function find(tree: Tree, name: string, options: { follow?: boolean; make?: boolean } = {}): Promise<Place> {
  const stack: Frame[] = [{ handle: await fs.open(`${tree.root}/.`, FOLDER & ~constants.O_NOFOLLOW), path: '' }];
  const top = (): Frame => stack[stack.length - 1] as Frame;
  const pending = components(name).reverse();
  let links = 0;
  let last: { name: string; path: string } | undefined;
  try {
    for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
      if (part === '..') {
        if (stack.length > 1) await (stack.pop() as Frame).handle.close();
        continue;
      }
      const { handle, path } = top();
      const here = `${path}/${part}`;
      const isLast = pending.length === 0;
      const mounted = tree.mounts.get(here);
      if (mounted !== undefined) {
        if (isLast && !(await fs.stat(mounted)).isDirectory()) {
          // A file that is bound: its folder on the host stands in for the one in the container.
          const slash = mounted.lastIndexOf('/');
          stack.push({ handle: await fs.open(mounted.slice(0, slash) || '/', FOLDER & ~constants.O_NOFOLLOW), path });
          last = { name: mounted.slice(slash + 1), path: here };
          break;
        }
        stack.push({ handle: await fs.open(mounted, FOLDER & ~constants.O_NOFOLLOW), path: here });
        continue;
      }
      const target = !isLast || options.follow ? await fs.readlink(below(handle, part)).catch(() => undefined) : undefined;
      if (target !== undefined) {
        links += 1;
        if (links > MAX_LINKS) throw Object.assign(new Error(`ELOOP: too many levels of symbolic links, '${name}'`), { code: 'ELOOP' });
        if (target.startsWith('/')) for (const frame of stack.splice(1)) await frame.handle.close();
        pending.push(...components(target).reverse());
        continue;
      }
      if (isLast) {
        last = { name: part, path: here };
        break;
      }
      stack.push({ handle: await openFolder(handle, part, options.make ?? false), path: here });
    }
    const { handle, path } = stack.pop() as Frame;
    return new Place(handle, last?.name ?? '', last?.path ?? (path || '/'));
  } finally {
    // The frame that the place keeps was popped; on a failure all are closed.
    for (const frame of stack) await frame.handle.close();
  }
}

async function openFolder(parent: Handle, name: string, make: boolean): Promise<Handle> {
  try {
    return await fs.open(below(parent, name), FOLDER);
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    await fs.mkdir(below(parent, name), { mode: 0o755 });
    return fs.open(below(parent, name), FOLDER);
  }
}

/** Runs `work` with a place and closes it. */
export async function withPlace<T>(
  tree: Tree,
  name: string,
  options: { follow?: boolean; make?: boolean },
  work: (place: Place) => Promise<T>,
): Promise<T> {
  const place = await find(tree, name, options);
  try {
    return await work(place);
  } finally {
    await place.close();
  }
}
