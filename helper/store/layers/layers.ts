/**
 * Unpacked layers, each under its diffID and shared by all images that have it.
 *
 *   DATA/layers/<32 hex of the diffID>/layer.json   what it is; written last, so a folder without it is not a layer
 *                                     layer.erofs   or `tree/`: its content
 *   DATA/layers/ingest/                             layers on their way in; emptied at start
 *   RUN/layers/<n>/                                 mount points
 *
 * A layer's content does not depend on what lies below it, so its place is its diffID; chainIDs are names that the
 * image store resolves. Nothing is mounted after a start: the helper's mount namespace went with the last one.
 */
import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import path from 'node:path';
import * as v from 'valibot';
import type { Log } from '../../engine/context.ts';
import { Failure } from '../../engine/failure.ts';
import { forEachAtOnce, KeyedQueue } from '../../engine/queue.ts';
import { emptyFolder, READS_AT_ONCE, readJson, syncFolder, writeUnseen } from '../durable.ts';
import { Rubbish } from '../rubbish.ts';
import { settleAll } from '../settle.ts';
import type { Compression } from './compression.ts';
import type { DeferredStep } from './folder.ts';
import { timeOf } from './folder.ts';
import type { JobResult } from './job.ts';
import { applyStep, mountErofs, unmount } from './kernel.ts';
import { JobPool } from './pool.ts';
import { probeErofs } from './probe.ts';

export type LayerKind = 'erofs' | 'folder';

export interface LayerInfo {
  diffId: string;
  kind: LayerKind;
  /** What dockerd calls the layer's size: bytes of its files. */
  size: number;
  /** Bytes of its uncompressed archive. */
  tarSize: number;
  entries: number;
  /** The bytes it was unpacked from; they stay as long as it does, so that push and save have them. */
  blob: LayerBlob | undefined;
}

export interface LayerBlob {
  digest: string;
  size: number;
  compression: Compression;
}

/** A layer on its way in. */
export interface LayerIngest {
  write(chunk: Buffer): Promise<void>;
  /**
   * All has come. Puts the layer under its diffID (nothing happens if it is there) and returns what was found out.
   * @param keepBlob called when all is verified, before the layer counts: takes leases, moves the blob to its place
   * @throws Failure when `expected.diffId` or `expected.digest` differ; nothing is kept then
   */
  finish(expected: { digest?: string; diffId?: string }, keepBlob: (result: JobResult) => Promise<void>): Promise<JobResult>;
  abort(): Promise<void>;
}

/** Unpacked layers behind one interface, whatever they are on disk. */
export interface Layers {
  readonly kind: LayerKind;
  /** Reads what is on disk, removes what half-done work left. */
  start(): Promise<void>;
  get(diffId: string): LayerInfo | undefined;
  all(): LayerInfo[];
  /** The unpacked layer of a blob, by the blob's digest. */
  ofBlob(digest: string): LayerInfo | undefined;
  /** @param blob file that keeps the bytes as they come, and how many of the coming ones it holds already */
  add(blob: { path: string; has: number }): Promise<LayerIngest>;
  /** Folder with the layer's content, mounted if need be. @throws Failure notFound */
  directory(diffId: string): Promise<string>;
  /** Where its content is now: a folder, or (not mounted) the file that holds it; undefined for a layer that is not there. */
  place(diffId: string): string | undefined;
  /** At once for everybody; resolves when its files are out of the way. */
  remove(diffId: string): Promise<void>;
  /** Unmounts what `keep` does not name. */
  unmountOthers(keep: ReadonlySet<string>): Promise<void>;
  close(): Promise<void>;
}

const Record = v.object({
  version: v.literal(1),
  diffId: v.string(),
  kind: v.picklist(['erofs', 'folder']),
  size: v.number(),
  tarSize: v.number(),
  entries: v.number(),
  blob: v.optional(v.object({ digest: v.string(), size: v.number(), compression: v.picklist(['none', 'gzip', 'zstd', 'bzip2', 'xz']) })),
});

function hex(diffId: string): string {
  return diffId.slice('sha256:'.length);
}

export interface LayersOptions {
  data: string;
  run: string;
  log: Log;
  /** Undefined: EROFS where the kernel mounts it from a file. */
  kind?: LayerKind | undefined;
  pool?: JobPool | undefined;
}

const ingestFolder = (data: string): string => path.join(data, 'layers', 'ingest');

export async function createLayers(options: LayersOptions): Promise<Layers> {
  const kind = options.kind ?? ((await probeErofs(ingestFolder(options.data))) ? 'erofs' : 'folder');
  return new LayerStore(options, kind);
}

/** The kernel waits for the same things for each. */
const UNMOUNTS_AT_ONCE = 16;

class LayerStore implements Layers {
  readonly kind: LayerKind;
  readonly #root: string;
  readonly #ingest: string;
  readonly #trash: string;
  readonly #mounts: string;
  readonly #log: Log;
  readonly #pool: JobPool;
  readonly #known = new Map<string, LayerInfo>();
  /** Blob digest to diffID. */
  readonly #blobs = new Map<string, string>();
  readonly #mounted = new Map<string, string>();
  readonly #queue = new KeyedQueue();
  readonly #rubbish: Rubbish;
  #mountNumber = 0;

  constructor(options: LayersOptions, kind: LayerKind) {
    this.kind = kind;
    this.#root = path.join(options.data, 'layers');
    this.#ingest = ingestFolder(options.data);
    this.#trash = path.join(this.#root, 'trash');
    this.#mounts = path.join(options.run, 'layers');
    this.#log = options.log;
    this.#pool = options.pool ?? new JobPool();
    this.#rubbish = new Rubbish((error) => this.#log.warn('a removed layer still takes space', { error: String(error) }));
  }

  async start(): Promise<void> {
    await fs.mkdir(this.#root, { recursive: true, mode: 0o700 });
    for (const leftovers of [this.#ingest, this.#trash]) await emptyFolder(leftovers);
    const names = (await fs.readdir(this.#root)).filter((name) => name !== 'ingest' && name !== 'trash');
    await forEachAtOnce(names, READS_AT_ONCE, async (name) => {
      const folder = path.join(this.#root, name);
      const record = await readJson(path.join(folder, 'layer.json'), (value) => v.parse(Record, value));
      if (record.status === 'ok' && hex(record.value.diffId).startsWith(name)) {
        const { diffId, kind, size, tarSize, entries, blob } = record.value;
        this.#learn({ diffId, kind, size, tarSize, entries, blob });
      } else {
        if (record.status === 'damaged') this.#log.error('a layer can not be read and is left out', { folder, reason: record.reason });
        // To the trash, which the next start empties: a container may be running on it.
        await fs.rename(folder, path.join(this.#trash, randomBytes(8).toString('hex')));
      }
    });
    await this.#clearMounts();
  }

  async #clearMounts(): Promise<void> {
    await fs.mkdir(this.#mounts, { recursive: true, mode: 0o700 });
    for (const name of await fs.readdir(this.#mounts)) {
      const target = path.join(this.#mounts, name);
      await unmount(target);
      await fs.rmdir(target).catch((error) => this.#log.warn('old mount point stays', { target, error: String(error) }));
      this.#mountNumber = Math.max(this.#mountNumber, Number.parseInt(name, 36) || 0);
    }
  }

  get(diffId: string): LayerInfo | undefined {
    return this.#known.get(diffId);
  }

  all(): LayerInfo[] {
    return [...this.#known.values()];
  }

  ofBlob(digest: string): LayerInfo | undefined {
    const diffId = this.#blobs.get(digest);
    return diffId === undefined ? undefined : this.#known.get(diffId);
  }

  async add(blob: { path: string; has: number }): Promise<LayerIngest> {
    const folder = path.join(this.#ingest, randomBytes(8).toString('hex'));
    await fs.mkdir(folder, { mode: 0o700 });
    const target = path.join(folder, this.kind === 'erofs' ? 'layer.erofs' : 'tree');
    if (this.kind === 'folder') await fs.mkdir(target, { mode: 0o700 });
    const discard = async (): Promise<void> => fs.rm(folder, { recursive: true, force: true });
    const job = await this.#pool.open({ kind: this.kind, target, blob: blob.path, blobHas: blob.has }).catch(async (error) => {
      await discard();
      throw error;
    });
    return {
      write: (chunk) => job.write(chunk),
      abort: async () => {
        await job.abort();
        await discard();
      },
      finish: async (expected, keepBlob) => {
        try {
          const { result, onDisk } = await job.finish();
          if (expected.digest && expected.digest !== result.digest) {
            throw new Failure('system', `filesystem layer verification failed for digest ${expected.digest}`);
          }
          if (expected.diffId && expected.diffId !== result.diffId) {
            throw new Failure('system', `layer ${expected.diffId} has the diffID ${result.diffId}`);
          }
          if (this.kind === 'folder') await runDeferred(target, result.deferred);
          await this.#keep(folder, result, onDisk, () => keepBlob(result));
          return result;
        } catch (error) {
          await discard();
          throw error;
        }
      },
    };
  }

  /**
   * Puts a layer that is on its way to the disk under its name. What need not wait for each other is written at once: on a busy disk
   * each sync takes as long as everybody's writes.
   */
  async #keep(folder: string, result: JobResult, onDisk: Promise<void>, keepBlob: () => Promise<void>): Promise<void> {
    await this.#queue.run(result.diffId, async () => {
      if (this.#known.has(result.diffId)) {
        await onDisk;
        await keepBlob();
        await fs.rm(folder, { recursive: true, force: true });
        return;
      }
      const info: LayerInfo = {
        diffId: result.diffId,
        kind: this.kind,
        size: result.contentSize,
        tarSize: result.tarSize,
        entries: result.entries,
        blob: { digest: result.digest, size: result.size, compression: result.compression },
      };
      await settleAll([onDisk, writeUnseen(path.join(folder, 'layer.json'), { version: 1, ...info })]);
      const home = this.#folder(result.diffId);
      await this.#discard(home);
      try {
        await settleAll([keepBlob(), fs.rename(folder, home).then(() => syncFolder(this.#root))]);
      } catch (error) {
        await this.#discard(home);
        throw error;
      }
      this.#learn(info);
    });
  }

  #learn(info: LayerInfo): void {
    this.#known.set(info.diffId, info);
    if (info.blob) this.#blobs.set(info.blob.digest, info.diffId);
  }

  directory(diffId: string): Promise<string> {
    return this.#queue.run(diffId, async () => {
      const info = this.#known.get(diffId);
      if (!info) throw new Failure('notFound', `layer does not exist: ${diffId}`);
      if (info.kind === 'folder') return path.join(this.#folder(diffId), 'tree');
      const mounted = this.#mounted.get(diffId);
      if (mounted) return mounted;
      this.#mountNumber++;
      // Short: all lower directories of an overlay must fit into one page of mount options.
      const target = path.join(this.#mounts, this.#mountNumber.toString(36));
      await fs.mkdir(target, { mode: 0o700 });
      try {
        await mountErofs(path.join(this.#folder(diffId), 'layer.erofs'), target);
      } catch (error) {
        await fs.rmdir(target);
        throw new Failure('system', `layer ${diffId} can't be mounted: ${(error as Error).message}`, { cause: error });
      }
      this.#mounted.set(diffId, target);
      return target;
    });
  }

  place(diffId: string): string | undefined {
    const info = this.#known.get(diffId);
    if (!info) return undefined;
    const mounted = this.#mounted.get(diffId);
    return mounted ?? path.join(this.#folder(diffId), info.kind === 'folder' ? 'tree' : 'layer.erofs');
  }

  remove(diffId: string): Promise<void> {
    this.#forget(diffId);
    return this.#queue.run(diffId, async () => {
      this.#forget(diffId);
      await this.#unmount(diffId);
      await this.#discard(this.#folder(diffId));
    });
  }

  #forget(diffId: string): void {
    const blob = this.#known.get(diffId)?.blob;
    if (blob) this.#blobs.delete(blob.digest);
    this.#known.delete(diffId);
  }

  /** Out of the way at once; what it takes to free the space happens after the answer, or after a crash at the next start. */
  async #discard(folder: string): Promise<void> {
    const target = path.join(this.#trash, randomBytes(8).toString('hex'));
    try {
      await fs.rename(folder, target);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    this.#rubbish.add(target);
  }

  async unmountOthers(keep: ReadonlySet<string>): Promise<void> {
    const others = [...this.#mounted.keys()].filter((diffId) => !keep.has(diffId));
    await forEachAtOnce(others, UNMOUNTS_AT_ONCE, (diffId) => this.#queue.run(diffId, () => this.#unmount(diffId)));
  }

  async close(): Promise<void> {
    await this.#pool.close();
    await this.#rubbish.empty();
    await this.unmountOthers(new Set());
  }

  async #unmount(diffId: string): Promise<void> {
    const target = this.#mounted.get(diffId);
    if (!target) return;
    await unmount(target);
    this.#mounted.delete(diffId);
    await fs.rmdir(target).catch(() => {});
  }

  #folder(diffId: string): string {
    return path.join(this.#root, hex(diffId).slice(0, 32));
  }
}

async function runDeferred(tree: string, steps: DeferredStep[]): Promise<void> {
  const root = Buffer.from(`${tree}/`);
  for (const step of steps) {
    const file = Buffer.concat([root, Buffer.from(step.path, 'latin1')]);
    if (step.kind !== 'directory') {
      const name = file.toString();
      if (!Buffer.from(name).equals(file)) throw new Failure('invalidParameter', `name that is not UTF-8: ${JSON.stringify(step.path)}`);
      await applyStep(name, step).catch((error: NodeJS.ErrnoException) => {
        // Attributes that this file system can't hold are left out, as dockerd does.
        if (step.kind !== 'xattr' || !['EOPNOTSUPP', 'ENOTSUP', 'EPERM'].includes(error.code ?? '')) throw error;
      });
      if (step.kind === 'xattr') continue;
    }
    await fs.lchown(file, step.meta.uid, step.meta.gid);
    await fs.chmod(file, step.meta.mode);
    await fs.utimes(file, timeOf(step.meta), timeOf(step.meta));
  }
}
