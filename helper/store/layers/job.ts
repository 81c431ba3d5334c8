/**
 * One layer on its way in: bytes as they arrive are hashed, kept as a blob, decompressed, hashed again (the diffID)
 * and unpacked, in one pass. Runs in a worker thread, or in process where there is no bundled worker.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';
import { settleAll } from '../settle.ts';
import { checkSpace } from '../space.ts';
import { TarReader } from '../tar/reader.ts';
import { LayerBuilder } from './builder.ts';
import type { Compression, Decompressor } from './compression.ts';
import { createDecompressor, detectCompression } from './compression.ts';
import { ErofsImage } from './erofs/image.ts';
import { writeFully } from './erofs/output.ts';
import type { DeferredStep } from './folder.ts';
import { FolderUnpacker } from './folder.ts';

export interface JobOptions {
  /** erofs: `target` is a file to be made; folder: an empty folder that is there. */
  kind: 'erofs' | 'folder';
  target: string;
  /** Where the bytes are kept as they come; made or appended to. Undefined: not kept. */
  blob: string | undefined;
  /** Bytes at the start of the stream that the blob file holds already (a resumed download is fed from its start). */
  blobHas: number;
}

export interface JobResult {
  /** `sha256:…` and length of the bytes as they came. */
  digest: string;
  size: number;
  compression: Compression;
  /** `sha256:…` and length of the uncompressed archive. */
  diffId: string;
  tarSize: number;
  entries: number;
  /** What dockerd calls the layer's size. */
  contentSize: number;
  deferred: DeferredStep[];
}

/** Free space is looked at, and the disk set to work, each time that an archive has grown by this. */
const CHECK_BYTES = 16 * 1024 * 1024;

const dataSync = promisify(fs.fdatasync);

export class LayerJob {
  readonly #options: JobOptions;
  readonly #blobHash = createHash('sha256');
  readonly #tarHash = createHash('sha256');
  readonly #backend: ErofsImage | FolderUnpacker;
  readonly #builder: LayerBuilder;
  readonly #reader: TarReader;
  readonly #imageFd: number | undefined;
  readonly #blobFd: number | undefined;
  #decompressor: Decompressor | undefined;
  #compression: Compression = 'none';
  #start: Buffer = Buffer.alloc(0);
  #size = 0;
  #tarSize = 0;
  #sizeChecked = 0;
  /** Writing to the disk what has come so far. */
  #syncing: Promise<void> | undefined;
  #syncFailed: { error: unknown } | undefined;
  #settled: Promise<void> | undefined;
  #closed = false;

  /** @throws on a target or blob that can't be opened */
  constructor(options: JobOptions) {
    this.#options = options;
    checkSpace(path.dirname(options.target));
    if (options.kind === 'erofs') {
      this.#imageFd = fs.openSync(options.target, 'wx', 0o600);
      this.#backend = new ErofsImage(this.#imageFd, createHash('sha256').update(options.target).digest().subarray(0, 16));
    } else {
      this.#backend = new FolderUnpacker(options.target);
    }
    if (options.blob !== undefined) this.#blobFd = fs.openSync(options.blob, 'a', 0o600);
    this.#builder = new LayerBuilder(this.#backend);
    this.#reader = new TarReader(this.#builder);
  }

  /** Takes one chunk; the next may come when this has resolved. */
  async write(chunk: Buffer): Promise<void> {
    const before = this.#size;
    this.#size += chunk.length;
    if (this.#blobFd !== undefined && this.#size > this.#options.blobHas) {
      writeFully(this.#blobFd, chunk.subarray(Math.max(0, this.#options.blobHas - before)), null);
    }
    if (!this.#decompressor) {
      // A copy: the chunk's memory is used again as soon as this returns.
      this.#start = Buffer.concat([this.#start, chunk]);
      if (this.#start.length < 6) return;
      await this.#begin();
      return;
    }
    await this.#feed(chunk);
  }

  /** All has come: resolves when the layer is whole and known; it is on its way to the disk then (see `settled`). */
  async finish(): Promise<JobResult> {
    if (!this.#decompressor) await this.#begin();
    await this.#decompressor?.end();
    this.#reader.end();
    const counts = this.#builder.finish();
    const tarDigest = `sha256:${this.#tarHash.digest('hex')}`;
    this.#settled = this.#settle();
    this.#settled.catch(() => undefined);
    return {
      digest: this.#compression === 'none' ? tarDigest : `sha256:${this.#blobHash.digest('hex')}`,
      size: this.#size,
      compression: this.#compression,
      diffId: tarDigest,
      tarSize: this.#tarSize,
      entries: counts.entries,
      contentSize: counts.size,
      deferred: this.#backend instanceof FolderUnpacker ? this.#backend.deferred : [],
    };
  }

  /** After `finish`: resolves when all is on disk. */
  async settled(): Promise<void> {
    await this.#settled;
  }

  async #settle(): Promise<void> {
    // Beside the one that may be under way: on a busy disk each takes as long as the other.
    await settleAll([this.#syncing, this.#sync()]);
    // The kernel reports a failed write once: to the one who asked first.
    if (this.#syncFailed) throw this.#syncFailed.error;
    this.#close();
  }

  /** Gives up: closes everything; files are the caller's to remove. */
  abort(): void {
    this.#decompressor?.destroy();
    if (this.#backend instanceof FolderUnpacker) this.#backend.abandon();
    this.#close();
  }

  async #begin(): Promise<void> {
    this.#compression = detectCompression(this.#start);
    const take = (piece: Buffer): void => {
      this.#tarHash.update(piece);
      this.#tarSize += piece.length;
      if (this.#tarSize - this.#sizeChecked > CHECK_BYTES) {
        this.#sizeChecked = this.#tarSize;
        checkSpace(path.dirname(this.#options.target));
        this.#syncAhead();
      }
      this.#reader.write(piece);
    };
    this.#decompressor = createDecompressor(this.#compression, take);
    await this.#feed(this.#start);
  }

  async #feed(chunk: Buffer): Promise<void> {
    // Uncompressed, both digests are the same: hash once.
    if (this.#compression !== 'none') this.#blobHash.update(chunk);
    await this.#decompressor?.write(chunk);
  }

  /** In the thread pool, both files at once: another layer of this thread goes on meanwhile. */
  async #sync(): Promise<void> {
    await settleAll([this.#imageFd, this.#blobFd].map((fd) => (fd === undefined ? undefined : dataSync(fd))));
  }

  /** Layers that come together end together: without this the disk would rest until then, and everything else after that. */
  #syncAhead(): void {
    this.#syncing ??= this.#sync()
      .catch((error: unknown) => {
        this.#syncFailed ??= { error };
      })
      .then(() => {
        this.#syncing = undefined;
      });
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // A number that is closed may be another file's at once.
    if (this.#syncing) void this.#syncing.then(() => this.#closeFiles());
    else this.#closeFiles();
  }

  #closeFiles(): void {
    if (this.#imageFd !== undefined) fs.closeSync(this.#imageFd);
    if (this.#blobFd !== undefined) fs.closeSync(this.#blobFd);
  }
}
