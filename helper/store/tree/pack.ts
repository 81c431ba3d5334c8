/**
 * A tree of files as a tar, a buffer at a time: owners, modes, times, links, hard links, devices, file capabilities.
 *
 * Synchronous, for worker threads: of a thousand small files a trip to the thread pool for each call took ten times as long as the calls.
 * What runs in the tree may change it meanwhile: every folder is held open, each name is looked up in the folder that is held, and no link
 * is followed. A file has as many bytes as its header says. Names are latin1 strings, one character a byte.
 */
import { constants, readSync } from 'node:fs';
import {
  bytesOf,
  closeOpen,
  type FileStat,
  identityOf,
  isGone,
  KIND,
  kindOf,
  nameOf,
  openAt,
  PATH_MAX,
  readFolder,
  readlinkAt,
  statAt,
  statOpen,
  xattrOf,
} from '../../system/syscall/files.ts';
import { type TarEntry, writeHeader } from '../tar/header.ts';
import type { TarType } from '../tar/reader.ts';
import { tarEnd } from '../tar/writer.ts';

const BLOCK = 512;
const CAPABILITY = 'security.capability';
const OPAQUE = 'trusted.overlay.opaque';
const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, S_IFDIR, S_IFREG, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO } = constants;

/** All names are UTF-8 strings here. */
export interface PackTask {
  /** An open folder, and a name in it: the top of the tree. `.`: the folder itself. */
  folder: number;
  file: string;
  /** The top's path in the tree that `mounts`, `hollow` and `only` speak of. */
  path: string;
  /** Name of the top in the archive (`data`, `.`, `/`); what is below it is named `data/…`. Empty: names without a prefix. */
  name: string;
  /** Where other trees lie in this one: path in the tree → path on the host. */
  mounts: ReadonlyMap<string, string>;
  /** Their contents are left out: files are written empty, folders without what is in them. */
  hollow: readonly string[];
  /** The upper folder of an overlay: its deletions are noted as a layer notes them, and only these go in (latin1 strings). */
  upper?: { only: readonly string[] };
}

interface Level {
  fd: number;
  path: string;
  name: string;
  entries: string[];
  at: number;
}

/** Not the file's fault. */
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOMEM']);

/** `data`, `x` → `data/x`; without a top name just `x`. */
const inFolder = (name: string, entry: string): string => (name === '' || name.endsWith('/') ? `${name}${entry}` : `${name}/${entry}`);
const TYPES: Partial<Record<number, TarType>> = { [S_IFCHR]: 'character', [S_IFBLK]: 'block', [S_IFIFO]: 'fifo', [S_IFLNK]: 'symlink' };

export class Packer {
  readonly #task: PackTask;
  readonly #mounts: ReadonlyMap<string, string>;
  readonly #hollow: ReadonlySet<string>;
  readonly #only: ReadonlySet<string> | undefined;
  readonly #stack: Level[] = [];
  /** Files with several names → the name in the archive. */
  readonly #links = new Map<string, string>();
  #file: { fd: number; left: number } | undefined;
  /** What had no room in the last buffer. */
  #rest: Buffer | undefined;
  #padding = 0;
  #begun = false;
  #ended = false;

  constructor(task: PackTask) {
    this.#task = task;
    this.#mounts = new Map([...task.mounts].map(([path, source]) => [bytesOf(path), bytesOf(source)]));
    this.#hollow = new Set(task.hollow.map(bytesOf));
    this.#only = task.upper && new Set(task.upper.only);
  }

  /** @returns bytes written to `out`: as many as it holds, fewer at the end, 0 when all has been said @throws what the file system throws */
  fill(out: Buffer): number {
    let at = 0;
    while (at < out.length) {
      if (this.#rest) {
        const length = this.#rest.copy(out, at);
        this.#rest = length < this.#rest.length ? this.#rest.subarray(length) : undefined;
        at += length;
      } else if (this.#file) at = this.#read(this.#file, out, at);
      else if (this.#padding > 0) {
        const length = Math.min(this.#padding, out.length - at);
        out.fill(0, at, at + length);
        this.#padding -= length;
        at += length;
      } else if (this.#ended) break;
      else at = this.#step(out, at);
    }
    return at;
  }

  /** Lets go of all that is open; the folder of the task is the caller's. */
  close(): void {
    if (this.#file) closeOpen(this.#file.fd);
    this.#file = undefined;
    for (const { fd } of this.#stack.splice(0)) closeOpen(fd);
    this.#ended = true;
  }

  /** The next entry: at most its header is written. */
  #step(out: Buffer, at: number): number {
    if (!this.#begun) {
      this.#begun = true;
      const { folder, file, path, name } = this.#task;
      return this.#add(out, at, folder, bytesOf(file), KIND.unknown, bytesOf(path), bytesOf(name));
    }
    const level = this.#stack[this.#stack.length - 1];
    if (!level) {
      this.#ended = true;
      this.#rest = tarEnd();
      return at;
    }
    const entry = level.entries[level.at++];
    if (entry === undefined) {
      this.#stack.pop();
      closeOpen(level.fd);
      return at;
    }
    const name = nameOf(entry);
    const path = level.path === '/' ? `/${name}` : `${level.path}/${name}`;
    const mounted = this.#mounts.size > 0 ? this.#mounts.get(path) : undefined;
    if (mounted !== undefined) return this.#add(out, at, level.fd, mounted, KIND.unknown, path, inFolder(level.name, name), true);
    return this.#add(out, at, level.fd, name, kindOf(entry), path, inFolder(level.name, name));
  }

  /** @param kind what the folder says that it is, if it does @param follow it is a path on the host, which may be a link */
  #add(out: Buffer, at: number, folder: number, file: string, kind: number, path: string, name: string, follow = false): number {
    if (this.#only && path !== '/' && !this.#only.has(path)) return at;
    const isHollow = this.#hollow.has(path);
    const flags = O_RDONLY | (follow || file === '.' ? 0 : O_NOFOLLOW);
    if (!isHollow && kind === KIND.file) return this.#openFile(out, at, openedAt(folder, file, flags | O_NONBLOCK), name);
    const stat = statedAt(folder, file, follow);
    if (!stat) return at;
    if (stat.type === S_IFDIR) {
      const fd = isHollow ? undefined : openedAt(folder, file, flags | O_DIRECTORY);
      return this.#folder(out, at, fd, stat, path, name);
    }
    if (stat.type === S_IFREG) {
      if (!isHollow) return this.#openFile(out, at, openedAt(folder, file, flags | O_NONBLOCK), name);
      return this.#link(out, at, stat, name) ?? this.#header(out, at, { ...common(stat), name, type: 'file', size: 0 });
    }
    const type = TYPES[stat.type];
    // Sockets can't be in an archive.
    if (type === undefined) return at;
    if (type === 'character' && this.#only && stat.major === 0 && stat.minor === 0) {
      const slash = name.lastIndexOf('/') + 1;
      return this.#mark(out, at, stat, `${name.slice(0, slash)}.wh.${name.slice(slash)}`);
    }
    if (type === 'symlink') {
      const linkName = linkedAt(folder, file);
      return linkName === undefined ? at : this.#header(out, at, { ...common(stat), name, type, size: 0, mode: 0o777, linkName });
    }
    const numbers = type === 'fifo' ? {} : { major: stat.major, minor: stat.minor };
    return this.#header(out, at, { ...common(stat), name, type, size: 0, ...numbers });
  }

  /** @param fd undefined: its content is not wanted, or it went */
  #folder(out: Buffer, at: number, fd: number | undefined, stat: FileStat, path: string, name: string): number {
    let place = at;
    try {
      if (fd !== undefined && this.#only && path !== '/' && attribute(fd, OPAQUE)?.toString() === 'y') {
        place = this.#mark(out, place, stat, `${inFolder(name, '')}.wh..wh..opq`);
      }
      if (name !== '') {
        const capability = fd === undefined ? undefined : attribute(fd, CAPABILITY);
        place = this.#header(out, place, { ...common(stat), name: inFolder(name, ''), type: 'directory', size: 0, capability });
      }
      if (fd !== undefined && path.length < PATH_MAX) {
        this.#stack.push({ fd, path, name, entries: readFolder(fd), at: 0 });
        fd = undefined;
      }
      return place;
    } finally {
      if (fd !== undefined) closeOpen(fd);
    }
  }

  /** What is open counts: it may not be the file that was looked at. */
  #openFile(out: Buffer, at: number, fd: number | undefined, name: string): number {
    if (fd === undefined) return at;
    let kept = false;
    try {
      const stat = statOpen(fd);
      if (stat.type !== S_IFREG) return at;
      const link = this.#link(out, at, stat, name);
      if (link !== undefined) return link;
      const place = this.#header(out, at, { ...common(stat), name, type: 'file', size: stat.size, capability: attribute(fd, CAPABILITY) });
      if (stat.links > 1) this.#links.set(identityOf(stat), name);
      if (stat.size > 0) {
        this.#file = { fd, left: stat.size };
        this.#padding = (BLOCK - (stat.size % BLOCK)) % BLOCK;
        kept = true;
      }
      return place;
    } finally {
      if (!kept) closeOpen(fd);
    }
  }

  /** A further name of a file that is in the archive. Undefined: it is none. */
  #link(out: Buffer, at: number, stat: FileStat, name: string): number | undefined {
    const linkName = stat.links > 1 ? this.#links.get(identityOf(stat)) : undefined;
    return linkName === undefined ? undefined : this.#header(out, at, { ...common(stat), name, type: 'link', size: 0, linkName });
  }

  /** A layer's note that something of the layers below is hidden. */
  #mark(out: Buffer, at: number, stat: FileStat, name: string): number {
    return this.#header(out, at, { ...common(stat), name, type: 'file', size: 0, mode: 0o600 });
  }

  #header(out: Buffer, at: number, entry: TarEntry): number {
    // Behind what has no room, nothing goes into this buffer.
    const instead = writeHeader(out, this.#rest ? out.length : at, entry);
    if (!instead) return at + BLOCK;
    this.#rest = this.#rest ? Buffer.concat([this.#rest, instead]) : instead;
    return at;
  }

  /** Zeros where the file has become shorter. */
  #read(file: { fd: number; left: number }, out: Buffer, at: number): number {
    const wanted = Math.min(file.left, out.length - at);
    const length = readSync(file.fd, out, at, wanted, null);
    if (length === 0) out.fill(0, at, at + wanted);
    const taken = length === 0 ? wanted : length;
    file.left -= taken;
    if (file.left === 0) {
      this.#file = undefined;
      closeOpen(file.fd);
    }
    return at + taken;
  }
}

const common = (stat: FileStat): Pick<TarEntry, 'mode' | 'uid' | 'gid' | 'mtime'> => ({
  mode: stat.mode,
  uid: stat.uid,
  gid: stat.gid,
  mtime: stat.mtimeSeconds,
});

/** Undefined for what went since its folder was read, or can't be opened: an archive of the rest is better than none. */
function openedAt(folder: number, name: string, flags: number): number | undefined {
  try {
    return openAt(folder, name, flags);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (EXHAUSTED.has(code ?? '') || (flags & O_DIRECTORY && !isGone(error))) throw error;
    return undefined;
  }
}

function statedAt(folder: number, name: string, follow: boolean): FileStat | undefined {
  try {
    return statAt(folder, name, { follow });
  } catch {
    return undefined;
  }
}

function linkedAt(folder: number, name: string): string | undefined {
  try {
    return readlinkAt(folder, name);
  } catch {
    return undefined;
  }
}

/** Undefined where it can't be asked for. */
function attribute(fd: number, name: string): Buffer | undefined {
  try {
    return xattrOf(fd, name);
  } catch {
    return undefined;
  }
}
