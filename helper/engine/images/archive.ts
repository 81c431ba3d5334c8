/**
 * Reads an image archive (docker-save or OCI layout, plain or compressed as a whole) in one pass: layers go to the
 * layer store as they come by, without waiting for the manifest, which often is the archive's last entry; small files
 * are kept in memory until it is known what they are for.
 */
import type { Readable } from 'node:stream';
import { decompressed, detectCompression } from '../../store/layers/compression.ts';
import type { JobResult } from '../../store/layers/job.ts';
import type { Lease } from '../../store/leases.ts';
import type { TarHeader } from '../../store/tar/reader.ts';
import { TarReader } from '../../store/tar/reader.ts';
import { Failure } from '../failure.ts';
import type { ImageLayerIngest } from './ingest.ts';
import { ingestLayer } from './ingest.ts';
import type { Parts } from './parts.ts';

export interface ArchiveLayer {
  digest: string;
  size: number;
  diffId: string;
  compression: JobResult['compression'];
}

export interface Archive {
  /** Manifests, configs, indexes by their path. */
  files: Map<string, Buffer>;
  /** Layers by their path; what is no layer is not here. */
  layers: Map<string, ArchiveLayer>;
}

/** Told of a layer's progress: bytes so far and in all. */
export type LayerProgress = (path: string, current: number, total: number) => void;

/** JSON in an image archive; more is not one. */
const SMALL_FILE = 8 * 1024 * 1024;
const SMALL_FILES_IN_ALL = 64 * 1024 * 1024;
const START = 512;
/** Each name is kept until the archive's end. */
const MOST_ENTRIES = 100_000;
const LONGEST_PATH = 4096;

type Step = { kind: 'entry'; header: TarHeader } | { kind: 'data'; chunk: Buffer } | { kind: 'end' };

/** @throws Failure invalidParameter on what is no archive; nothing is kept but what `lease` holds */
export async function readArchive(
  parts: Parts,
  lease: Lease,
  stream: Readable,
  progress: LayerProgress,
  signal: AbortSignal,
): Promise<Archive> {
  const unpacker = new ArchiveUnpacker(parts, lease, progress);
  let steps: Step[] = [];
  const reader = new TarReader({
    entry: (header) => steps.push({ kind: 'entry', header }),
    data: (chunk) => steps.push({ kind: 'data', chunk }),
    entryEnd: () => steps.push({ kind: 'end' }),
  });
  // The tar reader is synchronous and layers are not: what one chunk brings is worked off before the next is read.
  const workOff = async (): Promise<void> => {
    const now = steps;
    steps = [];
    for (const step of now) await unpacker.take(step);
  };
  try {
    await pump(stream, (piece) => reader.write(piece), workOff, signal);
    reader.end();
    return await unpacker.finish();
  } catch (error) {
    await unpacker.abort();
    throw error;
  }
}

/** Feeds a stream, decompressed if need be, to a synchronous `take`; `settle` is awaited between pieces. */
async function pump(stream: Readable, take: (piece: Buffer) => void, settle: () => Promise<void>, signal: AbortSignal): Promise<void> {
  const onAbort = (): void => void stream.destroy(new Error('aborted'));
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    for await (const piece of decompressed(stream as AsyncIterable<Buffer>)) {
      signal.throwIfAborted();
      take(piece);
      await settle();
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

class ArchiveUnpacker {
  readonly #parts: Parts;
  readonly #lease: Lease;
  readonly #progress: LayerProgress;
  readonly #files = new Map<string, Buffer>();
  readonly #links = new Map<string, string>();
  readonly #layers = new Map<string, Promise<ArchiveLayer>>();
  #smallBytes = 0;
  #entries = 0;
  #current: Current | undefined;

  constructor(parts: Parts, lease: Lease, progress: LayerProgress) {
    this.#parts = parts;
    this.#lease = lease;
    this.#progress = progress;
  }

  async take(step: Step): Promise<void> {
    if (step.kind === 'entry') this.#entry(step.header);
    else if (step.kind === 'data') await this.#data(step.chunk);
    else await this.#end();
  }

  async finish(): Promise<Archive> {
    const layers = new Map<string, ArchiveLayer>();
    for (const [path, layer] of this.#layers) layers.set(path, await layer);
    for (const [path, target] of this.#links) {
      const layer = layers.get(target);
      const file = this.#files.get(target);
      if (layer) layers.set(path, layer);
      else if (file) this.#files.set(path, file);
    }
    return { files: this.#files, layers };
  }

  async abort(): Promise<void> {
    await this.#current?.ingest?.abort();
    await Promise.allSettled(this.#layers.values());
  }

  #entry(header: TarHeader): void {
    this.#entries++;
    if (this.#entries > MOST_ENTRIES || header.name.length > LONGEST_PATH || header.linkName.length > LONGEST_PATH) {
      throw new Failure('invalidParameter', 'invalid archive: too many entries, or too long names, for images');
    }
    const path = clean(header.name);
    if (header.type === 'symlink' || header.type === 'link') {
      const base = header.type === 'link' ? '' : path.slice(0, path.lastIndexOf('/') + 1);
      this.#links.set(path, clean(base + header.linkName));
    }
    this.#current =
      header.type === 'file' ? { path, size: header.size, seen: 0, mode: 'unknown', start: [], ingest: undefined } : undefined;
    if (header.type === 'file') this.#skipKnown(path);
  }

  /** In OCI layouts the path is the digest: what is here already is not read again. */
  #skipKnown(path: string): void {
    const hex = /^blobs\/sha256\/([0-9a-f]{64})$/.exec(path)?.[1];
    if (!hex || !this.#current) return;
    const digest = `sha256:${hex}`;
    this.#lease.add(digest);
    const info = this.#parts.layers.ofBlob(digest);
    if (!info || !this.#parts.content.has(digest)) return;
    this.#lease.add(info.diffId);
    const layer = { digest, size: this.#current.size, diffId: info.diffId, compression: info.blob?.compression ?? ('none' as const) };
    this.#layers.set(path, Promise.resolve(layer));
    this.#current.mode = 'skip';
  }

  async #data(chunk: Buffer): Promise<void> {
    const current = this.#current;
    if (!current) return;
    current.seen += chunk.length;
    if (current.mode === 'unknown') {
      current.start.push(chunk);
      if (current.seen >= Math.min(START, current.size)) await this.#decide(current);
    } else if (current.mode === 'small') {
      current.start.push(Buffer.from(chunk));
    } else if (current.mode === 'layer') {
      await current.ingest?.write(chunk);
      this.#progress(current.path, current.seen, current.size);
    }
  }

  async #decide(current: Current): Promise<void> {
    const start = Buffer.concat(current.start);
    if (detectCompression(start) !== 'none' || isTar(start)) {
      current.mode = 'layer';
      current.ingest = await ingestLayer(this.#parts, this.#lease);
      current.start = [];
      await current.ingest.write(start);
      return;
    }
    const small = current.size <= SMALL_FILE && this.#smallBytes + current.size <= SMALL_FILES_IN_ALL;
    current.mode = small ? 'small' : 'skip';
    current.start = small ? [start] : [];
    if (small) this.#smallBytes += current.size;
  }

  async #end(): Promise<void> {
    const current = this.#current;
    this.#current = undefined;
    if (!current) return;
    if (current.mode === 'unknown') this.#files.set(current.path, Buffer.alloc(0));
    if (current.mode === 'small') this.#files.set(current.path, Buffer.concat(current.start));
    if (current.mode === 'layer' && current.ingest) {
      // Not awaited: the next layer is read while this one is written to disk.
      const layer = current.ingest.finish();
      const named = layer.then(({ digest, size, diffId, compression }) => ({ digest, size, diffId, compression }));
      named.catch(() => {});
      this.#layers.set(current.path, named);
    }
  }
}

interface Current {
  path: string;
  size: number;
  seen: number;
  mode: 'unknown' | 'small' | 'layer' | 'skip';
  start: Buffer[];
  ingest: ImageLayerIngest | undefined;
}

/** The first block is a tar header, or zeros: an archive of nothing. */
function isTar(start: Buffer): boolean {
  if (start.length < START) return false;
  if (start.toString('latin1', 257, 262) === 'ustar') return true;
  return start.every((byte) => byte === 0);
}

/** A path as archives refer to it: no leading `./`, no `..`. */
function clean(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Reads a file of the archive as JSON. @throws Failure invalidParameter */
export function archiveJson(archive: Archive, path: string): unknown {
  const file = archive.files.get(clean(path));
  if (!file) throw new Failure('invalidParameter', `invalid archive: does not contain ${path}`);
  try {
    return JSON.parse(file.toString());
  } catch (error) {
    throw new Failure('invalidParameter', `invalid archive: ${path}: ${(error as Error).message}`);
  }
}

export function archiveFile(archive: Archive, path: string): Buffer | undefined {
  return archive.files.get(clean(path));
}

export function archiveLayer(archive: Archive, path: string): ArchiveLayer | undefined {
  return archive.layers.get(clean(path));
}
