import { type BigIntStats, constants, promises as fs } from 'node:fs';
import { Readable } from 'node:stream';
import { type Header, type Pack, pack as tarPack } from 'tar-stream';
import { lgetxattr } from '../../../system/syscall/index.ts';
import { majorMinor } from '../../devices/index.ts';
import { paxBlock } from './pax.ts';
import { openPlace, type Place, type Tree } from './walk.ts';

const CHUNK_BYTES = 256 * 1024;
/** The one extended attribute that images carry: file capabilities. */
const CAPABILITY = 'security.capability';

export interface PackOptions {
  tree: Tree;
  /** Name of the top entry in the archive (`data`, `.`, `/`); what is below it is named `data/…`. Empty: names without a prefix. */
  name: string;
  signal: AbortSignal;
  /** Whether an entry (its path in the container) goes in; a folder that doesn't takes what is below it along. */
  filter?: (path: string, stat: BigIntStats) => boolean;
  /** Contents of these are left out: files are written empty, folders without their entries (mounts, for export). */
  hollow?: (path: string) => boolean;
  /** Instead of an entry: what overlayfs notes in an upper folder, as a layer notes it. */
  rename?: (path: string, stat: BigIntStats, file: string) => { name: string; empty: boolean } | undefined;
}

/** `data`, `x` → `data/x`; without a top name just `x`. */
function inFolder(name: string, entry: string): string {
  return name === '' || name.endsWith('/') ? `${name}${entry}` : `${name}/${entry}`;
}

type EntryHeader = Partial<Header> & Pick<Header, 'name'>;

class Packer {
  readonly pack = tarPack({ highWaterMark: CHUNK_BYTES });
  #options: PackOptions;
  /** `dev:ino` of files with several names → the name in the archive. */
  #links = new Map<string, string>();

  constructor(options: PackOptions) {
    this.#options = options;
  }

  /** `file`: its capabilities go before the header. */
  async #header(header: EntryHeader, file?: string): Promise<void> {
    this.#capabilities(file);
    await new Promise<void>((resolve, reject) => {
      const sink = this.pack.entry(header, (error) => (error ? reject(error) : resolve()));
      sink.on('error', reject);
      // A file without content is over only when it is said to be; other kinds are at once.
      if (header.type === 'file') sink.end(undefined);
    });
  }

  #capabilities(file: string | undefined): void {
    if (file === undefined) return;
    let value: Buffer | undefined;
    try {
      value = lgetxattr(file, CAPABILITY);
    } catch {
      return; // a file system without them
    }
    // No entry is being written now, so what is pushed lies before the next one's header.
    if (value) this.pack.push(paxBlock(`SCHILY.xattr.${CAPABILITY}`, value));
  }

  async add(file: string, path: string, name: string, stat: BigIntStats): Promise<void> {
    const { filter, hollow, rename, signal } = this.#options;
    signal.throwIfAborted();
    if (filter && !filter(path, stat)) return;
    const base = headerOf(stat);
    const instead = rename?.(path, stat, file);
    if (instead?.empty) {
      await this.#header({ ...base, name: instead.name, type: 'file', size: 0, mode: 0o600 });
      if (!stat.isDirectory()) return;
    }
    const isHollow = hollow?.(path) ?? false;
    if (stat.isDirectory()) {
      if (name !== '') await this.#header({ ...base, name: inFolder(name, ''), type: 'directory' }, file);
      if (!isHollow) await this.#folder(file, path, name);
    } else if (stat.isFile()) await this.#file(file, name, stat, isHollow);
    else if (stat.isSymbolicLink()) {
      const linkname = await fs.readlink(file).catch(() => undefined);
      if (linkname !== undefined) await this.#header({ ...base, name, type: 'symlink', linkname, mode: 0o777 });
    } else if (stat.isCharacterDevice() || stat.isBlockDevice()) {
      const { major, minor } = majorMinor(stat.rdev);
      const type = stat.isCharacterDevice() ? 'character-device' : 'block-device';
      await this.#header({ ...base, name, type, devmajor: major, devminor: minor });
    } else if (stat.isFIFO()) await this.#header({ ...base, name, type: 'fifo' });
    // Sockets can't be in an archive.
  }

  async #folder(file: string, path: string, name: string): Promise<void> {
    const handle = await openPlace(file).catch((error: NodeJS.ErrnoException) => {
      // Since it was looked at, it went or became something else.
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
      throw error;
    });
    if (!handle) return;
    try {
      const held = `/proc/self/fd/${handle.fd}`;
      const names = await fs.readdir(held);
      names.sort();
      for (const entry of names) {
        const child = path === '/' ? `/${entry}` : `${path}/${entry}`;
        const mounted = this.#options.tree.mounts.get(child);
        const where = mounted ?? `${held}/${entry}`;
        const stat = await (mounted ? fs.stat(where, { bigint: true }) : fs.lstat(where, { bigint: true })).catch(() => undefined);
        // Gone since the folder was read.
        if (stat) await this.add(where, child, inFolder(name, entry), stat);
      }
    } finally {
      await handle.close();
    }
  }

  async #file(file: string, name: string, stat: BigIntStats, hollow: boolean): Promise<void> {
    const base = headerOf(stat);
    const key = `${stat.dev}:${stat.ino}`;
    const linkname = this.#links.get(key);
    if (stat.nlink > 1n && linkname !== undefined) return this.#header({ ...base, name, type: 'link', linkname, size: 0 });
    if (hollow) return this.#header({ ...base, name, type: 'file', size: 0 });
    // Not the file that was looked at, perhaps: what is open counts. Non-blocking, should a FIFO have taken its place.
    const handle = await fs.open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(() => undefined);
    if (!handle) return;
    try {
      const opened = await handle.stat({ bigint: true });
      if (!opened.isFile()) return;
      if (stat.nlink > 1n) this.#links.set(key, name);
      await this.#content(handle, { ...headerOf(opened), name, type: 'file', size: Number(opened.size) }, file);
    } finally {
      await handle.close();
    }
  }

  /** Exactly as many bytes as the header says, also when the file grows or shrinks meanwhile. */
  async #content(handle: fs.FileHandle, header: EntryHeader, file: string): Promise<void> {
    let left = header.size ?? 0;
    if (left === 0) return this.#header(header, file);
    this.#capabilities(file);
    let settle: (error?: Error | null) => void = () => undefined;
    const written = new Promise<void>((resolve, reject) => {
      settle = (error) => (error ? reject(error) : resolve());
    });
    written.catch(() => undefined);
    const sink = this.pack.entry(header, (error) => settle(error));
    sink.on('error', (error) => settle(error));
    let position = 0;
    while (left > 0) {
      this.#options.signal.throwIfAborted();
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left));
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
      const bytes = bytesRead === 0 ? buffer.fill(0) : buffer.subarray(0, bytesRead);
      position += bytes.length;
      left -= bytes.length;
      if (!sink.write(bytes)) await drained(sink);
    }
    sink.end(undefined);
    await written;
  }
}

function headerOf(stat: BigIntStats): Omit<EntryHeader, 'name'> {
  return { mode: Number(stat.mode & 0o7777n), uid: Number(stat.uid), gid: Number(stat.gid), mtime: new Date(Number(stat.mtimeMs)) };
}

/**
 * A place and all below it as a tar: owners, modes, times, links, hard links, devices. Reads as the reader reads.
 * `done` runs when it is over, however it ends.
 */
export function packTree(place: Place, options: PackOptions, done: () => Promise<void> | void): Readable {
  const packer = new Packer(options);
  const work = async (): Promise<void> => {
    const stat = await place.stat();
    if (stat) await packer.add(place.file, place.path, options.name, stat);
    packer.pack.finalize();
  };
  const body = Readable.from(packer.pack as AsyncIterable<Buffer>, { objectMode: false, highWaterMark: CHUNK_BYTES });
  const abort = (): void => void body.destroy(new Error('aborted'));
  options.signal.addEventListener('abort', abort, { once: true });
  const packing = work().catch((error) => packer.pack.destroy(error instanceof Error ? error : new Error(String(error))));
  body.once('close', () => {
    options.signal.removeEventListener('abort', abort);
    packer.pack.destroy();
    // The walk ends at its next write; only then may what it walks be let go.
    void packing.then(async () => {
      await place.close().catch(() => undefined);
      await done();
    });
  });
  return body;
}

/** @throws when the reader goes away, or has gone while a file was read */
function drained(sink: ReturnType<Pack['entry']>): Promise<void> {
  return new Promise((resolve, reject) => {
    const gone = (): void => reject(new Error('the reader went away'));
    if (sink.destroyed) return gone();
    sink.once('drain', resolve);
    sink.once('close', gone);
  });
}
