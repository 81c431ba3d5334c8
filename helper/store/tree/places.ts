/**
 * Finds names in a tree so that no race leads out of it: every folder on the way is held open (O_PATH), every name is looked up in the
 * folder that is held and never followed by the kernel; links are read and resolved here, inside the root. What runs in the tree may
 * rename and replace what it likes meanwhile: it only changes what is found.
 *
 * Synchronous, for worker threads. Names are latin1 strings.
 */
import { constants, statSync } from 'node:fs';
import { closeOpen, makeFolderAt, openAt, readlinkAt } from '../../system/syscall/files.ts';
import { O_PATH } from '../../system/syscall/libc.ts';

const { O_DIRECTORY, O_NOFOLLOW } = constants;
const FOLDER = O_PATH | O_DIRECTORY | O_NOFOLLOW;
/** Also for what `.` or a path on the host names. */
const FOLLOWED = O_PATH | O_DIRECTORY;
const MAX_LINKS = 40;

/** One name in a folder that is held open. `.`: the folder itself. */
export interface Place {
  folder: number;
  name: string;
  /** In the tree, `/` first. */
  path: string;
}

interface Frame {
  fd: number;
  path: string;
}

const components = (path: string): string[] => path.split('/').filter((part) => part !== '' && part !== '.');

export class Places {
  readonly #root: number;
  readonly #mounts: ReadonlyMap<string, string>;
  /** The folder of the last place: entries of an archive that follow each other mostly lie in one. */
  #last: { asked: string; frame: Frame } | undefined;
  /** What led to it may lead elsewhere now. */
  #stale = false;
  /** Held for the last place only. */
  #held: number | undefined;

  /** @param root an open folder, the caller's @param mounts where other trees lie in this one: path in it → path on the host */
  constructor(root: number, mounts: ReadonlyMap<string, string>) {
    this.#root = root;
    this.#mounts = mounts;
  }

  /**
   * A name and the folder that it is in, valid until the next call. Links on the way are followed within the tree, not the last component.
   * Folders that are missing on the way are made (0755, root) with `make`.
   * @throws SystemCallError ENOENT, ENOTDIR, ELOOP
   */
  find(path: string, make: boolean): Place {
    this.#release();
    const parts = components(path);
    const name = parts.pop();
    if (name === undefined) return { folder: this.#root, name: '.', path: '/' };
    const parent = this.#folder(parts.join('/'), make);
    const here = `${parent.path}/${name}`;
    const mounted = this.#mounts.get(here);
    if (mounted === undefined) return { folder: parent.fd, name, path: here };
    if (statSync(Buffer.from(mounted, 'latin1')).isDirectory()) {
      this.#held = openAt(this.#root, mounted, FOLLOWED);
      return { folder: this.#held, name: '.', path: here };
    }
    // A file that is bound: its folder on the host stands in for the one in the tree.
    const slash = mounted.lastIndexOf('/');
    this.#held = openAt(this.#root, mounted.slice(0, slash) || '/', FOLLOWED);
    return { folder: this.#held, name: mounted.slice(slash + 1), path: here };
  }

  /** A folder or a link was taken away: all is looked up again. */
  forget(): void {
    this.#stale = true;
  }

  close(): void {
    this.#release();
    this.#leave();
  }

  #leave(): void {
    if (this.#last && this.#last.frame.fd !== this.#root) closeOpen(this.#last.frame.fd);
    this.#last = undefined;
    this.#stale = false;
  }

  #release(): void {
    if (this.#held !== undefined) closeOpen(this.#held);
    this.#held = undefined;
  }

  #folder(asked: string, make: boolean): Frame {
    if (this.#last?.asked === asked && !this.#stale) return this.#last.frame;
    this.#leave();
    const frame = this.#walk(asked, make);
    this.#last = { asked, frame };
    return frame;
  }

  #walk(path: string, make: boolean): Frame {
    const stack: Frame[] = [{ fd: this.#root, path: '' }];
    const pending = components(path).reverse();
    const leave = (from: number): void => {
      for (const { fd } of stack.splice(from)) if (fd !== this.#root) closeOpen(fd);
    };
    let links = 0;
    try {
      for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
        const top = stack[stack.length - 1] as Frame;
        if (part === '..') {
          if (stack.length > 1) leave(stack.length - 1);
          continue;
        }
        const here = `${top.path}/${part}`;
        const mounted = this.#mounts.get(here);
        if (mounted !== undefined) {
          stack.push({ fd: openAt(this.#root, mounted, FOLLOWED), path: here });
          continue;
        }
        const target = linkTarget(top.fd, part);
        if (target !== undefined) {
          links += 1;
          if (links > MAX_LINKS) throw Object.assign(new Error(`ELOOP: too many levels of symbolic links, '${path}'`), { code: 'ELOOP' });
          if (target.startsWith('/')) leave(1);
          pending.push(...components(target).reverse());
          continue;
        }
        stack.push({ fd: enter(top.fd, part, make), path: here });
      }
      return stack.pop() as Frame;
    } finally {
      // The frame that is kept was popped; on a failure all are closed.
      leave(0);
    }
  }
}

function linkTarget(folder: number, name: string): string | undefined {
  try {
    return readlinkAt(folder, name);
  } catch {
    return undefined;
  }
}

function enter(parent: number, name: string, make: boolean): number {
  try {
    return openAt(parent, name, FOLDER);
  } catch (error) {
    if (!make || (error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    makeFolderAt(parent, name, 0o755);
    return openAt(parent, name, FOLDER);
  }
}
