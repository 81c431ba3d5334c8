/**
 * Blobs by digest in an OCI image layout, which other tools can read:
 *
 *   DATA/images/oci-layout
 *   DATA/images/index.json            the images (written by engine/images/catalog.ts)
 *   DATA/images/blobs/sha256/<hex>    manifests, configs, layers as they came
 *   DATA/images/ingest/               blobs on their way in; `<hex>.partial` is a download that can go on
 *   DATA/images/trash/                large blobs on their way out
 *
 * A blob is under its name only when all of it is there, verified and on disk.
 * Source: OCI image layout specification
 */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, promises as fs } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { Failure } from '../engine/failure.ts';
import { forEachAtOnce, KeyedQueue } from '../engine/queue.ts';
import { moveAside, READS_AT_ONCE, readJson, sweepTemporary, syncFolder, writeFileDurably, writeJson } from './durable.ts';
import { Rubbish } from './rubbish.ts';

const PARTIAL = /^([0-9a-f]{64})\.partial$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;
const LAYOUT = v.object({ imageLayoutVersion: v.literal('1.0.0') });
/** Partial downloads older than this are not worth keeping. */
const PARTIAL_AGE_MS = 24 * 3600 * 1000;
/** Freeing the blocks of a larger file takes a thread of the pool for so long that whatever comes next waits for it. */
const UNLINK_BYTES = 1024 * 1024;

export function digestOf(data: Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

export class Content {
  readonly root: string;
  readonly #blobs: string;
  readonly #ingest: string;
  readonly #trash: string;
  readonly #known = new Map<string, number>();
  readonly #queue = new KeyedQueue();
  readonly #removals = new Set<Promise<void>>();
  readonly #rubbish: Rubbish;
  readonly #complain: (error: unknown) => void;

  /**
   * @param root the image layout's folder
   * @param complain told of a removed blob that still takes space
   */
  constructor(root: string, complain: (error: unknown) => void) {
    this.root = root;
    this.#complain = complain;
    this.#rubbish = new Rubbish(complain);
    this.#blobs = path.join(root, 'blobs', 'sha256');
    this.#ingest = path.join(root, 'ingest');
    this.#trash = path.join(root, 'trash');
  }

  /** Makes the layout, learns what is there, removes what a crash left. */
  async start(): Promise<void> {
    await fs.mkdir(this.#blobs, { recursive: true, mode: 0o700 });
    await fs.mkdir(this.#ingest, { recursive: true, mode: 0o700 });
    await fs.rm(this.#trash, { recursive: true, force: true });
    await fs.mkdir(this.#trash, { mode: 0o700 });
    await sweepTemporary(this.root);
    await sweepTemporary(this.#blobs);
    const layout = path.join(this.root, 'oci-layout');
    // Not for us: other tools look at it before anything else.
    const known = await readJson(layout, (value) => v.parse(LAYOUT, value));
    if (known.status !== 'ok') await writeJson(layout, { imageLayoutVersion: '1.0.0' });
    const blobs = (await fs.readdir(this.#blobs)).filter((name) => DIGEST.test(`sha256:${name}`));
    await forEachAtOnce(blobs, READS_AT_ONCE, async (name) => {
      const { size } = await fs.stat(path.join(this.#blobs, name));
      this.#known.set(`sha256:${name}`, size);
    });
    for (const name of await fs.readdir(this.#ingest)) {
      if (!PARTIAL.test(name)) await fs.rm(path.join(this.#ingest, name), { recursive: true, force: true });
    }
    await this.sweepPartials(PARTIAL_AGE_MS, () => false);
  }

  /**
   * Removes downloads that nobody went on with.
   * @param olderThanMs since their last byte; default: a day
   * @param inUse whether a running pull may go on with the one of this digest
   * @returns bytes freed
   */
  async sweepPartials(olderThanMs: number | undefined, inUse: (digest: string) => boolean): Promise<number> {
    let freed = 0;
    for (const name of await fs.readdir(this.#ingest)) {
      const hex = PARTIAL.exec(name)?.[1];
      if (!hex || inUse(`sha256:${hex}`)) continue;
      const file = path.join(this.#ingest, name);
      const stat = await fs.stat(file).catch(() => undefined);
      if (!stat || Date.now() - stat.mtimeMs < (olderThanMs ?? PARTIAL_AGE_MS)) continue;
      await fs.rm(file, { force: true });
      freed += stat.size;
    }
    return freed;
  }

  /** Size in bytes; undefined when it is not there. */
  size(digest: string): number | undefined {
    return this.#known.get(digest);
  }

  has(digest: string): boolean {
    return this.#known.has(digest);
  }

  digests(): string[] {
    return [...this.#known.keys()];
  }

  /** @throws Failure invalidParameter on a digest that is none (it would be a path) */
  path(digest: string): string {
    if (!DIGEST.test(digest)) throw new Failure('invalidParameter', `unsupported digest: ${JSON.stringify(digest)}`);
    return path.join(this.#blobs, digest.slice(7));
  }

  /**
   * Reads a small blob (manifest, config), verified. One that is damaged is moved aside, so that it can come anew.
   * @throws Failure notFound, or system when it is damaged
   */
  async read(digest: string): Promise<Buffer> {
    const file = this.path(digest);
    const data = await fs.readFile(file).catch(async (error: NodeJS.ErrnoException) => {
      this.#known.delete(digest);
      if (error.code === 'ENOENT') throw new Failure('notFound', `blob not found: ${digest}`);
      throw new Failure('system', `blob can't be read: ${digest} (now ${await moveAside(file)}): ${error.message}`, { cause: error });
    });
    if (digestOf(data) === digest) return data;
    this.#known.delete(digest);
    throw new Failure('system', `blob is damaged: ${digest} (now ${await moveAside(file)})`);
  }

  stream(digest: string, start = 0): Readable {
    return createReadStream(this.path(digest), { start, highWaterMark: 256 * 1024 });
  }

  /** Stores a small blob. @returns its digest */
  async put(data: Uint8Array): Promise<string> {
    const digest = digestOf(data);
    await this.#queue.run(digest, async () => {
      if (this.#known.has(digest)) return;
      await writeFileDurably(this.path(digest), data);
      this.#known.set(digest, data.length);
    });
    return digest;
  }

  /** A path for a blob whose digest is not known yet. */
  newIngest(): string {
    return path.join(this.#ingest, randomBytes(8).toString('hex'));
  }

  /** Where a download of this digest is kept, and how much of it is there. */
  async partial(digest: string): Promise<{ path: string; has: number }> {
    const file = path.join(this.#ingest, `${path.basename(this.path(digest))}.partial`);
    const stat = await fs.stat(file).catch(() => undefined);
    return { path: file, has: stat?.size ?? 0 };
  }

  /** Takes in a file of ours that was verified and synced, under its digest. */
  async adopt(file: string, digest: string): Promise<void> {
    await this.#queue.run(digest, async () => {
      if (this.#known.has(digest)) {
        await fs.rm(file, { force: true });
        return;
      }
      const { size } = await fs.stat(file);
      await fs.rename(file, this.path(digest));
      await syncFolder(this.#blobs);
      this.#known.set(digest, size);
    });
  }

  /** The blob is gone at once for everybody; its file goes in the background (after a crash: with the next start or sweep). */
  remove(digest: string): void {
    const size = this.#known.get(digest) ?? 0;
    this.#known.delete(digest);
    // In the queue: whoever brings the blob again waits for this.
    const removal = this.#queue.run(digest, () => this.#remove(this.path(digest), size)).catch(this.#complain);
    this.#removals.add(removal);
    void removal.finally(() => this.#removals.delete(removal));
  }

  async close(): Promise<void> {
    await Promise.all(this.#removals);
    await this.#rubbish.empty();
  }

  async #remove(file: string, size: number): Promise<void> {
    if (size <= UNLINK_BYTES) return unlinkIfThere(file);
    const target = path.join(this.#trash, randomBytes(8).toString('hex'));
    await fs.rename(file, target);
    this.#rubbish.add(target);
  }
}

/** One call, where `rm` makes several, each waiting for its turn in the thread pool. */
async function unlinkIfThere(file: string): Promise<void> {
  await fs.unlink(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}
