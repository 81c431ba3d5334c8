/**
 * A folder as frames of a copy stream: owners, modes, times, extended attributes, hard links, devices, holes. It may change
 * meanwhile: every folder on the way is held open, no link is followed, and a file has as many bytes as its entry says.
 */
import { createHash, type Hash } from 'node:crypto';
import { type BigIntStats, constants, promises as fs } from 'node:fs';
import type { CopyEntry, CopyMessage } from '../../contract/copy.ts';
import { getxattr, listxattr, O_PATH, seek } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';
import { dataHeader, holeBytes, holeFrame, messageBytes, messageFrame } from './frames.ts';

const CHUNK_BYTES = 512 * 1024;
/** Small frames go together. */
const BATCH_BYTES = 64 * 1024;
const FOLDER = O_PATH | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** What overlayfs keeps in attributes of an upper folder and can't be read without its lower ones. */
const BOUND = ['trusted.overlay.redirect', 'trusted.overlay.metacopy'];

export interface TreeSource {
  /** The folder on this host. */
  folder: string;
  /** It is the upper folder of an overlay. */
  upper: boolean;
  signal: AbortSignal;
}

interface Level {
  handle: fs.FileHandle;
  path: string;
  names: string[];
}

/** Extended attributes that travel. @throws Failure for an upper folder that can't be understood alone */
export function keepsXattr(name: string, upper: boolean): boolean {
  // The policy of this host, not of that one.
  if (name === 'security.selinux') return false;
  if (!upper || !/^(trusted|user)\.overlay\./.test(name)) return true;
  if (BOUND.includes(name)) throw new Failure('system', `the writable layer can't be copied: it has the attribute ${name}`);
  return name === 'trusted.overlay.opaque';
}

function xattrsOf(file: string, upper: boolean): Pick<CopyEntry, 'Xattrs'> {
  const names = listxattr(file).filter((name) => keepsXattr(name, upper));
  const values = names.flatMap((name) => {
    const value = getxattr(file, name);
    return value ? [[name, value.toString('base64')]] : [];
  });
  return values.length > 0 ? { Xattrs: Object.fromEntries(values) } : {};
}

/** Linux' encoding of device numbers. */
function device(rdev: bigint): { Major: number; Minor: number } {
  const major = ((rdev >> 8n) & 0xfffn) | ((rdev >> 32n) & ~0xfffn);
  const minor = (rdev & 0xffn) | ((rdev >> 12n) & ~0xffn);
  return { Major: Number(major), Minor: Number(minor) };
}

export class TreeReader {
  readonly #source: TreeSource;
  readonly #hash: Hash = createHash('sha256');
  /** `dev:ino` of files with several names. */
  readonly #nodes = new Map<string, number>();
  #batch: Buffer[] = [];
  #batched = 0;

  constructor(source: TreeSource) {
    this.#source = source;
  }

  /** All frames of the folder, its end included. */
  async *frames(): AsyncGenerator<Buffer> {
    const stack: Level[] = [];
    try {
      stack.push(await this.#enter(await fs.open(this.#source.folder, FOLDER), ''));
      while (stack.length > 0) {
        this.#source.signal.throwIfAborted();
        const level = stack[stack.length - 1] as Level;
        const name = level.names.pop();
        if (name === undefined) {
          stack.pop();
          await level.handle.close();
          continue;
        }
        yield* this.#visit(level, name, stack);
        if (this.#batched >= BATCH_BYTES) yield this.#take();
      }
      this.#push(messageFrame(messageBytes({ Type: 'end', Sha256: this.#hash.digest('hex') })));
      yield this.#take();
    } finally {
      for (const { handle } of stack) await handle.close();
    }
  }

  #push(...buffers: Buffer[]): void {
    for (const buffer of buffers) {
      this.#batch.push(buffer);
      this.#batched += buffer.length;
    }
  }

  #take(): Buffer {
    const all = Buffer.concat(this.#batch);
    this.#batch = [];
    this.#batched = 0;
    return all;
  }

  #message(message: CopyMessage): void {
    const bytes = messageBytes(message);
    this.#hash.update(bytes);
    this.#push(messageFrame(bytes));
  }

  async #enter(handle: fs.FileHandle, path: string): Promise<Level> {
    try {
      const held = `/proc/self/fd/${handle.fd}`;
      const stat = await fs.stat(`${held}/.`, { bigint: true });
      this.#message({ ...this.#entry(path, 'folder', stat), ...xattrsOf(held, this.#source.upper) });
      const names = await fs.readdir(held, { encoding: 'latin1' });
      // Taken from the end.
      return { handle, path, names: names.sort().reverse() };
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  #entry(path: string, kind: CopyEntry['Kind'], stat: BigIntStats): CopyEntry {
    return {
      Type: 'entry',
      Path: path,
      Kind: kind,
      Mode: Number(stat.mode & 0o7777n),
      Uid: Number(stat.uid),
      Gid: Number(stat.gid),
      Mtime: String(stat.mtimeNs),
    };
  }

  async *#visit(level: Level, name: string, stack: Level[]): AsyncGenerator<Buffer> {
    const file = Buffer.concat([Buffer.from(`/proc/self/fd/${level.handle.fd}/`), Buffer.from(name, 'latin1')]);
    const path = level.path === '' ? name : `${level.path}/${name}`;
    const stat = await gone(fs.lstat(file, { bigint: true }));
    if (!stat) return;
    if (stat.isDirectory()) {
      const handle = await gone(fs.open(file, FOLDER));
      if (handle) stack.push(await this.#enter(handle, path));
      return;
    }
    const node = this.#node(stat);
    if (node?.known) {
      this.#message({ ...this.#entry(path, 'link', stat), Node: node.number });
      return;
    }
    const numbered = node ? { Node: node.number } : {};
    if (stat.isFile()) {
      yield* this.#file(file, path, numbered);
      return;
    }
    const kind = stat.isSymbolicLink()
      ? 'symlink'
      : stat.isCharacterDevice()
        ? 'character'
        : stat.isBlockDevice()
          ? 'block'
          : stat.isFIFO()
            ? 'fifo'
            : undefined;
    // Sockets are of no use without the process that listens.
    if (!kind) return;
    const target = kind === 'symlink' ? await gone(fs.readlink(file, { encoding: 'latin1' })) : undefined;
    if (kind === 'symlink' && target === undefined) return;
    const held = await gone(fs.open(file, O_PATH | constants.O_NOFOLLOW));
    if (!held) return;
    try {
      this.#message({
        ...this.#entry(path, kind, stat),
        ...numbered,
        ...(target === undefined ? {} : { Target: target }),
        ...(kind === 'character' || kind === 'block' ? device(stat.rdev) : {}),
        ...xattrsOf(`/proc/self/fd/${held.fd}`, this.#source.upper),
      });
    } finally {
      await held.close();
    }
  }

  #node(stat: BigIntStats): { number: number; known: boolean } | undefined {
    if (stat.nlink <= 1n) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const number = this.#nodes.get(key);
    if (number !== undefined) return { number, known: true };
    this.#nodes.set(key, this.#nodes.size);
    return { number: this.#nodes.size - 1, known: false };
  }

  async *#file(file: Buffer, path: string, numbered: { Node?: number }): AsyncGenerator<Buffer> {
    // What is open counts; non-blocking, should a FIFO have taken the place of the file that was looked at.
    const handle = await gone(fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK));
    if (!handle) return;
    try {
      const stat = await handle.stat({ bigint: true });
      if (!stat.isFile()) return;
      const size = Number(stat.size);
      const xattrs = xattrsOf(`/proc/self/fd/${handle.fd}`, this.#source.upper);
      this.#message({ ...this.#entry(path, 'file', stat), Size: size, ...numbered, ...xattrs });
      const sparse = Number(stat.blocks) * 512 < size;
      for (let at = 0; at < size; ) {
        const data = sparse ? Math.min(seek(handle.fd, 'data', at) ?? size, size) : at;
        if (data > at) {
          this.#hole(data - at);
          at = data;
          continue;
        }
        const end = sparse ? Math.min(seek(handle.fd, 'hole', at) ?? size, size) : size;
        const length = Math.min(CHUNK_BYTES, Math.max(1, end - at));
        yield* this.#data(handle, at, length);
        at += length;
      }
    } finally {
      await handle.close();
    }
  }

  #hole(length: number): void {
    const bytes = holeBytes(length);
    this.#hash.update(bytes);
    this.#push(holeFrame(bytes));
  }

  /** Exactly `length` bytes: zeros where the file has become shorter. */
  async *#data(handle: fs.FileHandle, position: number, length: number): AsyncGenerator<Buffer> {
    this.#source.signal.throwIfAborted();
    const buffer = Buffer.allocUnsafe(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await handle.read(buffer, filled, length - filled, position + filled);
      if (bytesRead === 0) {
        buffer.fill(0, filled);
        break;
      }
      filled += bytesRead;
    }
    this.#hash.update(buffer);
    this.#push(dataHeader(length), buffer);
    if (this.#batched >= BATCH_BYTES) yield this.#take();
  }
}

/** Undefined for what went, or became something else, since its folder was read. */
async function gone<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}
