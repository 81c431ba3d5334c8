/**
 * Unpacks a tar, compressed or not, into a tree. Every entry is placed by a folder that is held open (places.ts), so that nothing that
 * runs in the tree can lead a write out of it. Synchronous but for what decompresses, for worker threads.
 */
import { chmodSync, constants, fchmodSync, fchownSync } from 'node:fs';
import { posix } from 'node:path';
import { getSystemErrorMap } from 'node:util';
import { Failure } from '../../engine/failure.ts';
import {
  bytesOf,
  chownAt,
  closeOpen,
  type FileStat,
  KIND,
  kindOf,
  linkAt,
  makeFolderAt,
  makeNodeAt,
  nameOf,
  openAt,
  readFolder,
  removeAt,
  setTimesAt,
  statAt,
  symlinkAt,
} from '../../system/syscall/files.ts';
import { O_PATH, SystemCallError, setxattr } from '../../system/syscall/libc.ts';
import { createDecompressor, type Decompressor, detectCompression } from '../layers/compression.ts';
import { writeFully } from '../layers/erofs/output.ts';
import { type TarHeader, TarReader } from '../tar/reader.ts';
import { type Place, Places } from './places.ts';

const { O_RDONLY, O_WRONLY, O_CREAT, O_EXCL, O_DIRECTORY, O_NOFOLLOW, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFLNK } = constants;
const NODES = { character: S_IFCHR, block: S_IFBLK, fifo: S_IFIFO } as const;
const CAPABILITY = 'security.capability';
const CREATE_ATTEMPTS = 5;
/** Bytes that tell every compression. */
const START_BYTES = 6;

/** All names are UTF-8 strings here. */
export interface UnpackTask {
  /** The tree's root, held open by the caller. */
  root: number;
  /** Where other trees lie in it: path in the tree → path on the host. */
  mounts: ReadonlyMap<string, string>;
  /** In the tree; entries are placed below it, wherever it and its links lead within the tree. */
  folder: string;
  /** A folder is not replaced by a file, nor a file by a folder. */
  noOverwriteDirNonDir: boolean;
  /** All files get this owner instead of the archive's. */
  owner: { uid: number; gid: number } | undefined;
}

/** Entry names may not climb out of the folder by themselves; links within the tree are the tree's affair. */
function safeName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') throw new Failure('invalidParameter', `breakout attempt: "${name}" is outside of the destination`);
    parts.push(part);
  }
  return parts.join('/');
}

const utf8 = (name: string): string => Buffer.from(name, 'latin1').toString();

/** As Go says it: `open /proc/x: no such file or directory`. */
function inWords({ call, code, errno, message }: SystemCallError, path: string): Error {
  const words = getSystemErrorMap().get(-errno)?.[1] ?? message;
  return Object.assign(new Error(`${call.replace(/at$/, '')} ${path}: ${words}`), { code });
}

export class Unpacker {
  readonly #task: UnpackTask;
  readonly #folder: string;
  readonly #places: Places;
  /** Of what hard links lead to. */
  readonly #targets: Places;
  readonly #reader: TarReader;
  /** Folders get their times last: each file placed in them changes those. */
  readonly #times: { path: string; header: TarHeader }[] = [];
  #file: { fd: number; header: TarHeader } | undefined;
  #start: Buffer = Buffer.alloc(0);
  #decompressor: Decompressor | undefined;
  #closed = false;

  constructor(task: UnpackTask) {
    this.#task = task;
    this.#folder = bytesOf(task.folder);
    const mounts = new Map([...task.mounts].map(([path, source]) => [bytesOf(path), bytesOf(source)]));
    this.#places = new Places(task.root, mounts);
    this.#targets = new Places(task.root, mounts);
    this.#reader = new TarReader({
      entry: (header) => this.#entry(header),
      data: (chunk) => {
        if (this.#file) writeFully(this.#file.fd, chunk, null);
      },
      entryEnd: () => this.#entryEnd(),
    });
  }

  /** Takes one chunk; its memory may be used again when this has resolved. @throws what is wrong with the archive or the tree */
  async write(chunk: Buffer): Promise<void> {
    if (this.#decompressor) return this.#decompressor.write(chunk);
    // A copy: the chunk's memory is used again as soon as this returns.
    this.#start = Buffer.concat([this.#start, chunk]);
    if (this.#start.length >= START_BYTES) await this.#begin();
  }

  /** All has come. */
  async finish(): Promise<void> {
    if (!this.#decompressor) await this.#begin();
    await this.#decompressor?.end();
    this.#reader.end();
    for (const { path, header } of this.#times.reverse()) this.#setFolderTime(path, header);
    this.close();
  }

  /** Lets go of all that is open; the root is the caller's. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#decompressor?.destroy();
    if (this.#file) closeOpen(this.#file.fd);
    this.#file = undefined;
    this.#places.close();
    this.#targets.close();
  }

  async #begin(): Promise<void> {
    this.#decompressor = createDecompressor(detectCompression(this.#start), (piece) => this.#reader.write(piece));
    await this.#decompressor.write(this.#start);
  }

  #entry(header: TarHeader): void {
    // What is still being decompressed when it is given up.
    if (this.#closed) throw new Failure('system', 'unpacking was stopped');
    const name = safeName(header.name);
    const path = name === '' ? this.#folder : `${this.#folder}/${name}`;
    try {
      this.#putEntry(path, header);
    } catch (error) {
      throw error instanceof SystemCallError ? inWords(error, posix.normalize(utf8(path))) : error;
    }
  }

  #putEntry(path: string, header: TarHeader): void {
    const place = this.#places.find(path, true);
    const stat = statOf(place);
    if (stat && this.#task.noOverwriteDirNonDir && place.path !== '/') this.#checkKind(place, stat, header);
    if (header.type === 'directory') {
      this.#putFolder(place, stat, header);
      this.#times.push({ path, header });
      return;
    }
    if (stat) {
      removeTree(place.folder, place.name, stat.type === S_IFDIR);
      if (stat.type === S_IFDIR || stat.type === S_IFLNK) this.#forget();
    }
    this.#put(place, header);
  }

  #checkKind(place: Place, stat: FileStat, header: TarHeader): void {
    const [was, is] = stat.type === S_IFDIR ? ['directory', 'non-directory'] : ['non-directory', 'directory'];
    if ((stat.type === S_IFDIR) === (header.type === 'directory')) return;
    throw new Failure('invalidParameter', `cannot overwrite ${was} "${utf8(place.path)}" with ${is} "${this.#task.folder}"`);
  }

  #putFolder({ folder, name }: Place, stat: FileStat | undefined, header: TarHeader): void {
    if (stat?.type !== S_IFDIR) {
      if (stat) {
        removeAt(folder, name, false);
        this.#forget();
      }
      makeFolderAt(folder, name, header.mode);
    }
    const fd = openAt(folder, name, O_RDONLY | O_DIRECTORY | (name === '.' ? 0 : O_NOFOLLOW));
    try {
      const { uid, gid } = this.#owner(header);
      fchownSync(fd, uid, gid);
      fchmodSync(fd, header.mode);
    } finally {
      closeOpen(fd);
    }
  }

  #put(place: Place, header: TarHeader): void {
    const { folder, name } = place;
    switch (header.type) {
      case 'symlink':
        symlinkAt(header.linkName, folder, name);
        this.#after(folder, name, header);
        return;
      case 'link':
        this.#link(place, header);
        return;
      case 'character':
      case 'block':
      case 'fifo':
        makeNodeAt(folder, name, NODES[header.type] | header.mode, header);
        this.#after(folder, name, header);
        return;
      default:
        this.#file = { fd: create(folder, name), header };
    }
  }

  #link({ folder, name }: Place, header: TarHeader): void {
    const target = this.#targets.find(`${this.#folder}/${safeName(header.linkName)}`, false);
    linkAt(target.folder, target.name, folder, name);
  }

  /** What is made with a mode has it less the process's umask. */
  #after(folder: number, name: string, header: TarHeader): void {
    const { uid, gid } = this.#owner(header);
    chownAt(folder, name, uid, gid);
    if (header.type !== 'symlink') {
      const fd = openAt(folder, name, O_PATH | O_NOFOLLOW);
      try {
        chmodSync(`/proc/self/fd/${fd}`, header.mode);
      } finally {
        closeOpen(fd);
      }
    }
    setTimesAt(folder, name, header.mtimeSeconds, header.mtimeNanos);
  }

  #entryEnd(): void {
    const file = this.#file;
    if (!file) return;
    const { fd, header } = file;
    const { uid, gid } = this.#owner(header);
    fchownSync(fd, uid, gid);
    fchmodSync(fd, header.mode);
    const capability = header.xattrs?.get(CAPABILITY);
    // A chown takes capabilities away, so they come after it.
    if (capability) setCapability(fd, capability);
    setTimesAt(fd, undefined, header.mtimeSeconds, header.mtimeNanos);
    this.#file = undefined;
    closeOpen(fd);
  }

  #owner({ uid, gid }: TarHeader): { uid: number; gid: number } {
    return this.#task.owner ?? { uid, gid };
  }

  #forget(): void {
    this.#places.forget();
    this.#targets.forget();
  }

  /** One that went meanwhile has none. */
  #setFolderTime(path: string, { mtimeSeconds, mtimeNanos }: TarHeader): void {
    try {
      const { folder, name } = this.#places.find(path, false);
      setTimesAt(folder, name, mtimeSeconds, mtimeNanos);
    } catch {
      // It is the tree's affair.
    }
  }
}

function statOf({ folder, name }: Place): FileStat | undefined {
  try {
    return statAt(folder, name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Left out where the file system can't hold it, as dockerd does. */
function setCapability(fd: number, value: Buffer): void {
  try {
    setxattr(`/proc/self/fd/${fd}`, CAPABILITY, value);
  } catch (error) {
    if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
}

/** A new file; one that another has put there meanwhile gives way. */
function create(folder: number, name: string): number {
  for (let attempt = 1; ; attempt++) {
    try {
      return openAt(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === CREATE_ATTEMPTS) throw error;
      removeAt(folder, name, false);
    }
  }
}

/** Removes a name and all below it. Every folder is held open and never a link followed. */
function removeTree(folder: number, name: string, isFolder: boolean): void {
  if (isFolder) {
    const fd = openAt(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    try {
      for (const entry of readFolder(fd)) {
        const kind = kindOf(entry);
        const below = nameOf(entry);
        removeTree(fd, below, kind === KIND.unknown ? statAt(fd, below).type === S_IFDIR : kind === KIND.folder);
      }
    } finally {
      closeOpen(fd);
    }
  }
  removeAt(folder, name, isFolder);
}
