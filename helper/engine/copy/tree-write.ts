/**
 * Makes a folder of the entries of a copy stream. The stream is hostile: each entry must lie in a folder that this stream has made
 * and is still in, names are single components, hard links lead to files that it has made, and nothing is ever opened twice. As
 * nobody else knows the folder before it is whole, no name in it can become something else meanwhile.
 */
import { type BinaryLike, createHash } from 'node:crypto';
import { constants, promises as fs } from 'node:fs';
import type { CopyEntry } from '../../contract/copy.ts';
import { checkSpace } from '../../store/space.ts';
import { mknod, setTimes, setxattr } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';

/** Kernel limits less the host's folders before the path (see store/layers/tree.ts); and what is kept in memory. */
const LIMITS = { pathBytes: 3840, nameBytes: 255, targetBytes: 4095, nodes: 1_000_000 };
const SPACE_CHECK_BYTES = 16 * 1024 * 1024;
const WRITE_BYTES = 1024 * 1024;

const damaged = (what: string): Failure => new Failure('invalidParameter', `the copy's stream is damaged: ${what}`);

export interface TreeTarget {
  /** Not there yet. */
  folder: string;
  /** It becomes the upper folder of an overlay. */
  upper: boolean;
}

interface OpenFile {
  handle: fs.FileHandle;
  entry: CopyEntry;
  /** Where the next data belongs. */
  at: number;
  size: number;
  /** Data that is not written yet, and how much: network chunks are small, and each write is a trip to another thread. */
  pending: Buffer[];
  pendingBytes: number;
  /** Bytes of the file that are written; what lies between is a hole. */
  written: number;
}

export class TreeWriter {
  readonly #target: TreeTarget;
  readonly #root: Buffer;
  readonly #hash = createHash('sha256');
  /** Folders that the stream is in; their attributes come when it leaves them. */
  readonly #stack: { path: string; entry: CopyEntry }[] = [];
  readonly #nodes = new Map<number, string>();
  #file: OpenFile | undefined;
  #unchecked = 0;
  /** Bytes of files so far, holes not counted. */
  bytes = 0;

  constructor(target: TreeTarget) {
    this.#target = target;
    this.#root = Buffer.from(target.folder);
    checkSpace(parentOf(target.folder));
  }

  hash(bytes: BinaryLike): void {
    this.#hash.update(bytes);
  }

  async entry(entry: CopyEntry): Promise<void> {
    if (this.#file) throw damaged('a file is shorter than was said');
    if (this.#stack.length === 0) {
      if (entry.Path !== '' || entry.Kind !== 'folder') throw damaged('a folder that does not begin with itself');
      await fs.mkdir(this.#root, { mode: 0o700 });
      this.#stack.push({ path: '', entry });
      return;
    }
    if (entry.Node !== undefined && entry.Kind === 'folder') throw damaged('a folder with several names');
    await this.#leaveTo(checkPath(entry.Path));
    const file = this.#path(entry.Path);
    await this.#make(entry, file);
    if (entry.Node !== undefined && entry.Kind !== 'link') {
      if (this.#nodes.size >= LIMITS.nodes) throw damaged('too many files with several names');
      this.#nodes.set(entry.Node, entry.Path);
    }
  }

  async data(data: Buffer): Promise<void> {
    const file = this.#openFile(data.length);
    this.#unchecked += data.length;
    if (this.#unchecked > SPACE_CHECK_BYTES) {
      this.#unchecked = 0;
      checkSpace(this.#target.folder);
    }
    file.pending.push(data);
    file.pendingBytes += data.length;
    file.at += data.length;
    this.bytes += data.length;
    if (file.pendingBytes >= WRITE_BYTES || file.at === file.size) await flush(file);
    if (file.at === file.size) await this.#finish(file);
  }

  async hole(length: number): Promise<void> {
    const file = this.#openFile(length);
    await flush(file);
    file.at += length;
    if (file.at === file.size) await this.#finish(file);
  }

  /** All entries have come. @throws Failure when they are not what was sent */
  async end(sha256: string): Promise<void> {
    if (this.#file) throw damaged('a file is shorter than was said');
    if (this.#stack.length === 0) throw damaged('a folder without entries');
    if (this.#hash.digest('hex') !== sha256) throw damaged('its digest is not the one that was sent');
    await this.#leaveTo(undefined);
  }

  async abort(): Promise<void> {
    await this.#file?.handle.close().catch(() => undefined);
    this.#file = undefined;
  }

  #path(path: string): Buffer {
    return path === '' ? this.#root : Buffer.concat([this.#root, Buffer.from('/'), Buffer.from(path, 'latin1')]);
  }

  /** Finishes the folders that the stream has left. @param parent folder that is entered or stayed in; undefined: none */
  async #leaveTo(parent: string | undefined): Promise<void> {
    for (let top = this.#stack.at(-1); top && top.path !== parent; top = this.#stack.at(-1)) {
      this.#stack.pop();
      await this.#describe(top.entry, this.#path(top.path));
    }
    if (parent !== undefined && this.#stack.length === 0) throw damaged('an entry outside of the folders that were sent');
  }

  async #make(entry: CopyEntry, file: Buffer): Promise<void> {
    switch (entry.Kind) {
      case 'folder':
        await fs.mkdir(file, { mode: 0o700 });
        this.#stack.push({ path: entry.Path, entry });
        return;
      case 'file':
        await this.#begin(entry, file);
        return;
      case 'link': {
        const first = this.#nodes.get(entry.Node ?? -1);
        if (first === undefined) throw damaged('a further name of a file that was not sent');
        await fs.link(this.#path(first), file);
        return;
      }
      case 'symlink': {
        const target = entry.Target ?? '';
        if (target === '' || target.length > LIMITS.targetBytes || target.includes('\0')) throw damaged('a link that leads nowhere');
        await fs.symlink(Buffer.from(target, 'latin1'), file);
        break;
      }
      default: {
        const kind = { fifo: constants.S_IFIFO, block: constants.S_IFBLK, character: constants.S_IFCHR }[entry.Kind];
        const name = file.toString();
        if (!Buffer.from(name).equals(file)) throw new Failure('invalidParameter', `device with a name that is not UTF-8: ${name}`);
        mknod(name, kind | 0o600, { major: entry.Major ?? 0, minor: entry.Minor ?? 0 });
      }
    }
    await this.#describe(entry, file);
  }

  async #begin(entry: CopyEntry, file: Buffer): Promise<void> {
    const size = entry.Size ?? 0;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const handle = await fs.open(file, flags, 0o600);
    this.#file = { handle, entry, at: 0, size, pending: [], pendingBytes: 0, written: 0 };
    if (size === 0) await this.#finish(this.#file);
  }

  #openFile(length: number): OpenFile {
    const file = this.#file;
    if (!file) throw damaged('data that belongs to no file');
    if (length < 0 || file.at + length > file.size) throw damaged('a file is longer than was said');
    return file;
  }

  async #finish(file: OpenFile): Promise<void> {
    const { handle, entry } = file;
    // It ends with a hole.
    if (file.written < file.size) await handle.truncate(file.size);
    await handle.chown(entry.Uid, entry.Gid);
    await handle.chmod(entry.Mode);
    // A chown takes capabilities away, so they come after it.
    setXattrs(`/proc/self/fd/${handle.fd}`, entry, this.#target.upper);
    setTimes(handle.fd, BigInt(entry.Mtime));
    this.#file = undefined;
    await handle.close();
  }

  /** Owner, mode, attributes and times of anything but files. */
  async #describe(entry: CopyEntry, file: Buffer): Promise<void> {
    await fs.lchown(file, entry.Uid, entry.Gid);
    if (entry.Kind !== 'symlink') await fs.chmod(file, entry.Mode);
    if (entry.Xattrs) {
      // O_PATH: the thing itself, whatever it is.
      const held = await fs.open(file, 0o10000000 | constants.O_NOFOLLOW);
      try {
        setXattrs(`/proc/self/fd/${held.fd}`, entry, this.#target.upper);
      } finally {
        await held.close();
      }
    }
    setTimes(file, BigInt(entry.Mtime));
  }
}

async function flush(file: OpenFile): Promise<void> {
  for (let rest = file.pending; rest.length > 0; ) {
    const { bytesWritten } = await file.handle.writev(rest, file.at - file.pendingBytes);
    file.pendingBytes -= bytesWritten;
    rest = after(rest, bytesWritten);
  }
  if (file.pending.length > 0) file.written = file.at;
  file.pending = [];
}

/** What is left of some buffers when so many bytes of them are done. */
function after(buffers: Buffer[], bytes: number): Buffer[] {
  let done = bytes;
  return buffers.flatMap((buffer) => {
    const skip = Math.min(done, buffer.length);
    done -= skip;
    return skip === buffer.length ? [] : [buffer.subarray(skip)];
  });
}

/** @returns the parent's path */
function checkPath(path: string): string {
  if (path === '' || path.length > LIMITS.pathBytes || path.includes('\0')) throw damaged('a name that is none, or too long');
  const slash = path.lastIndexOf('/');
  const name = path.slice(slash + 1);
  if (name === '' || name === '.' || name === '..' || name.length > LIMITS.nameBytes) throw damaged('a name that is none, or too long');
  return slash < 0 ? '' : path.slice(0, slash);
}

function parentOf(folder: string): string {
  return folder.slice(0, folder.lastIndexOf('/')) || '/';
}

function setXattrs(file: string, entry: CopyEntry, upper: boolean): void {
  for (const [name, value] of Object.entries(entry.Xattrs ?? {})) {
    // With its other attributes overlayfs would show parts of other layers.
    if (upper && /^(trusted|user)\.overlay\./.test(name) && name !== 'trusted.overlay.opaque') throw damaged(`the attribute ${name}`);
    try {
      setxattr(file, name, Buffer.from(value, 'base64'));
    } catch (error) {
      // What this file system or this kernel can't hold is left out, as it is from images.
      if (!['EOPNOTSUPP', 'ENOTSUP', 'EPERM', 'EINVAL', 'ERANGE', 'E2BIG'].includes((error as NodeJS.ErrnoException).code ?? ''))
        throw error;
    }
  }
}
