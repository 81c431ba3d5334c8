import type { Readable } from 'node:stream';
import { digestOf } from '../../store/content.ts';
import type { Lease } from '../../store/leases.ts';
import { settleAll } from '../../store/settle.ts';
import { Failure } from '../failure.ts';
import type { ArchiveLayer } from './archive.ts';
import { ingestLayer } from './ingest.ts';
import { makeManifest } from './load.ts';
import type { Parts } from './parts.ts';
import { imageEvent } from './parts.ts';
import type { Reference } from './references.ts';
import { familiar, parseRepositoryTag } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { ImageConfigFile, ResolvedImage } from './types.ts';

export interface CreateImage {
  parent?: ResolvedImage;
  layer?: Readable;
  config: Omit<ImageConfigFile, 'rootfs'>;
  repository?: string;
  tag?: string;
}

/** For commit, import and builds: a new image. @returns its id @throws Failure notFound when the parent's layers are gone */
export async function create(parts: Parts, orphans: Orphans, options: CreateImage, signal: AbortSignal): Promise<string> {
  const name = options.repository ? parseRepositoryTag(options.repository, options.tag ?? '') : undefined;
  const lease = parts.leases.take();
  try {
    const layers = (options.parent?.config.rootfs.diff_ids ?? []).map((diffId) => stored(parts, lease, diffId));
    if (options.layer) layers.push(await takeIn(parts, lease, options.layer, signal));
    return await store(parts, lease, layers, options, name);
  } finally {
    lease.release();
    await sweep(parts, orphans);
  }
}

export function stored(parts: Parts, lease: Lease, diffId: string): ArchiveLayer {
  lease.add(diffId);
  const blob = parts.layers.get(diffId)?.blob;
  if (!blob) throw new Failure('notFound', `layer does not exist: ${diffId}`);
  lease.add(blob.digest);
  return { diffId, digest: blob.digest, size: blob.size, compression: blob.compression };
}

/**
 * Reads a stream into the layer store, whatever it is compressed with.
 * @throws Failure when it is not what is `expected`; nothing is kept then
 */
export async function takeIn(
  parts: Parts,
  lease: Lease,
  stream: Readable | AsyncIterable<Buffer>,
  signal: AbortSignal,
  progress?: (current: number) => void,
  expected?: { digest: string; diffId: string },
): Promise<ArchiveLayer> {
  const destroy = (error?: Error): void => void ('destroy' in stream && stream.destroy(error));
  const onAbort = (): void => destroy(new Error('aborted'));
  const ingest = await ingestLayer(parts, lease).catch((error: unknown) => {
    destroy();
    throw error;
  });
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    let current = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      signal.throwIfAborted();
      await ingest.write(chunk);
      current += chunk.length;
      progress?.(current);
    }
    const { diffId, digest, size, compression } = await ingest.finish(expected);
    return { diffId, digest, size, compression };
  } catch (error) {
    await ingest.abort();
    throw error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    destroy();
  }
}

/** Writes config and manifest, and enters the image. @returns its id */
export async function store(
  parts: Parts,
  lease: Lease,
  layers: ArchiveLayer[],
  options: { parent?: ResolvedImage; config: Omit<ImageConfigFile, 'rootfs'> },
  name: Reference | undefined,
): Promise<string> {
  const config = { ...options.config, rootfs: { type: 'layers', diff_ids: layers.map((layer) => layer.diffId) } };
  const data = Buffer.from(JSON.stringify(config));
  const id = digestOf(data);
  lease.add(id);
  const [descriptor] = await settleAll([makeManifest(parts, lease, { id, size: data.length }, layers), parts.content.put(data)]);
  const parent = options.parent && parts.catalog.get(options.parent.id) ? options.parent.id : undefined;
  const { record } = await parts.catalog.add(descriptor, { names: name ? [name] : [], tagged: true, ...(parent ? { parent } : {}) });
  if (name) imageEvent(parts, 'tag', id, familiar(name), record);
  return id;
}
