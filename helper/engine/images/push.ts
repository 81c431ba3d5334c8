/**
 * POST /images/{name}/push.
 *
 * An image that was pulled is pushed as it came. Layers that are stored uncompressed (loaded, committed, built) are
 * compressed on the way, as dockerd does, and the manifest is written for what was sent.
 */
import { Readable } from 'node:stream';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import type { Repository } from '../../registry/client.ts';
import { withRepository } from '../../registry/client.ts';
import { RegistryFailure } from '../../registry/errors.ts';
import type { Limiter } from '../../registry/limiter.ts';
import type { UploadSource } from '../../registry/upload.ts';
import { uploadBlob } from '../../registry/upload.ts';
import { Failure } from '../failure.ts';
import type { Descriptor } from './manifest.ts';
import { MEDIA } from './manifest.ts';
import type { Parts } from './parts.ts';
import { findImage, imageEvent, sameRepository } from './parts.ts';
import type { Emit } from './progress.ts';
import { streamProgress } from './progress.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName, parseNamed, parseRepositoryTag, repositoryOf } from './references.ts';
import { shortId } from './remove.ts';
import type { Platform, PushOptions } from './types.ts';

interface Push {
  parts: Parts;
  repository: Repository;
  reference: Reference;
  /** Of several images with the name this machine's, unless said. */
  platform: Platform | undefined;
  limiter: Limiter;
  compressed: CompressedLayers;
  emit: Emit;
  signal: AbortSignal;
}

/** What layers became when they were compressed for a push, so that the next one finds them on the registry. By diffID. */
export type CompressedLayers = Map<string, { digest: string; size: number }>;

/** @throws Failure invalidParameter on a bad name, notFound when there is nothing of the platform; what the registry says comes with the iteration */
export async function push(
  parts: Parts,
  limiter: Limiter,
  compressed: CompressedLayers,
  options: PushOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const reference = options.tag ? parseRepositoryTag(options.image, options.tag) : parseNamed(options.image);
  if (reference.digest !== undefined) throw new Failure('invalidParameter', 'cannot push a digest reference');
  const { platform } = options;
  if (platform) findImage(parts, familiar(reference), platform);
  return streamProgress(signal, async (emit, inner) => {
    emit({ status: `The push refers to repository [${repositoryOf(reference)}]` });
    const targets = targetsOf(parts, reference);
    // Mirrors are for reading only.
    const settings = { ...parts.context.config, registryMirrors: [] };
    try {
      const { domain, path } = reference;
      await withRepository({ domain, path, auth: options.auth, settings, actions: 'pull,push' }, inner, async (repository) => {
        await repository.ping(inner);
        for (const target of targets)
          await pushImage({ parts, repository, reference: target, platform, limiter, compressed, emit, signal: inner });
      });
    } catch (error) {
      throw refusedPush(error);
    }
  });
}

/** For a push, the refusal is all there is to say: neither what was asked nor that nobody may pull it. */
function refusedPush(error: unknown): unknown {
  return error instanceof RegistryFailure ? new Failure(error.kind, error.bare ?? error.message) : error;
}

/** The tag, or without one all tags of the repository. */
function targetsOf(parts: Parts, reference: Reference): Reference[] {
  const names = [...parts.catalog.namesById().values()]
    .flat()
    .filter((name) => name.tag !== undefined && name.digest === undefined && sameRepository(name, reference));
  if (names.length === 0) throw new Failure('notFound', `An image does not exist locally with the tag: ${familiarName(reference)}`);
  const targets = reference.tag === undefined ? names : names.filter((name) => name.tag === reference.tag);
  if (targets.length === 0) throw new Failure('notFound', `tag does not exist: ${familiar(reference)}`);
  return targets;
}

async function pushImage(push: Push): Promise<void> {
  const { parts, repository, reference, emit, signal } = push;
  const found = parts.catalog.byName(reference, push.platform);
  if (!found) throw new Failure('notFound', `tag does not exist: ${familiar(reference)}`);
  const image = found.record;
  const lease = parts.leases.take();
  try {
    const diffIds = image.config.rootfs.diff_ids;
    for (const diffId of new Set(diffIds)) emit({ status: 'Preparing', progressDetail: {}, id: shortId(diffId) });
    const pushing = new Map<string, Promise<Descriptor>>();
    for (const [at, diffId] of diffIds.entries()) {
      const stored = image.manifest.layers[at];
      pushing.set(diffId, pushing.get(diffId) ?? push.limiter.run(signal, () => pushLayer(push, image, diffId, stored)));
    }
    const settled = await Promise.allSettled(pushing.values());
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed) throw (failed as PromiseRejectedResult).reason;
    const layers = await Promise.all(diffIds.map((diffId) => pushing.get(diffId) as Promise<Descriptor>));
    const config = await parts.content.read(image.id);
    await uploadBlob(repository, {
      digest: image.id,
      size: config.length,
      open: (offset) => Readable.from([config.subarray(offset)]),
      signal,
    });
    const manifest = await manifestFor(parts, image, found.descriptor, layers, config.length);
    const { digest, size } = await putManifest(push, manifest);
    await parts.catalog.name({ domain: reference.domain, path: reference.path, digest }, image.id, found.descriptor);
    emit({ status: `${reference.tag}: digest: ${digest} size: ${size}` });
    emit({ progressDetail: {}, aux: { Tag: reference.tag, Digest: digest, Size: size } });
    imageEvent(parts, 'push', familiar(reference), familiarName(reference), image);
  } finally {
    lease.release();
  }
}

async function pushLayer(push: Push, image: ImageRecord, diffId: string, stored: Descriptor | undefined): Promise<Descriptor> {
  const { parts, repository, emit, signal, compressed } = push;
  const id = shortId(diffId);
  const layer = parts.layers.get(diffId);
  // The blob of the image's own manifest, or the one that the layer was unpacked from.
  const own = stored && parts.content.has(stored.digest) ? stored : undefined;
  const blob =
    own && layer?.blob?.digest !== own.digest ? { ...own, compression: /gzip|zstd/.exec(own.mediaType)?.[0] ?? 'none' } : layer?.blob;
  if (!blob) throw new Failure('system', `the layer ${diffId} can't be pushed: its blob is missing`);
  const plain = blob.compression === 'none';
  const known = plain ? compressed.get(diffId) : blob;
  const from = mountSource(push, image);
  const result = await uploadBlob(repository, {
    ...(known ? { digest: known.digest } : {}),
    size: blob.size,
    open: (offset) => parts.content.stream(blob.digest, offset),
    gzip: plain,
    ...(from ? { mountFrom: from } : {}),
    progress: (current) => emit.count(id, 'Pushing', current, blob.size),
    signal,
  } satisfies UploadSource);
  if (plain) compressed.set(diffId, { digest: result.digest, size: result.size || (known?.size ?? 0) });
  const done = { exists: 'Layer already exists', mounted: `Mounted from ${from}`, uploaded: 'Pushed' }[result.how];
  emit({ status: done, progressDetail: {}, id });
  const size = plain ? (compressed.get(diffId)?.size ?? 0) : blob.size;
  const mediaType = own && !plain ? own.mediaType : blob.compression === 'zstd' ? `${MEDIA.ociLayer}+zstd` : MEDIA.dockerLayerGzip;
  return { mediaType, digest: result.digest, size };
}

/** Another repository of the same registry that has this image: its blobs need not travel. */
function mountSource(push: Push, image: ImageRecord): string | undefined {
  const names = push.parts.catalog.namesOf(image.id);
  return names.find((name) => name.digest !== undefined && name.domain === push.reference.domain && name.path !== push.reference.path)
    ?.path;
}

/** The manifest as it was pulled where that is what was sent, else one for what was. */
async function manifestFor(
  parts: Parts,
  image: ImageRecord,
  descriptor: Descriptor,
  layers: Descriptor[],
  configSize: number,
): Promise<{ data: Buffer; mediaType: string }> {
  for (const candidate of [descriptor, image.manifestDescriptor]) {
    if (!parts.content.has(candidate.digest)) continue;
    const data = await parts.content.read(candidate.digest);
    const listed = (JSON.parse(data.toString()) as { layers: Descriptor[] }).layers.map((layer) => layer.digest);
    if (listed.join() === layers.map((layer) => layer.digest).join()) return { data, mediaType: candidate.mediaType };
  }
  const oci = layers.some((layer) => layer.mediaType.startsWith('application/vnd.oci'));
  const manifest = {
    schemaVersion: 2,
    mediaType: oci ? MEDIA.ociManifest : MEDIA.dockerManifest,
    config: { mediaType: oci ? MEDIA.ociConfig : MEDIA.dockerConfig, size: configSize, digest: image.id },
    layers: layers.map(({ mediaType, size, digest }) => ({
      mediaType: oci && mediaType === MEDIA.dockerLayerGzip ? `${MEDIA.ociLayer}+gzip` : mediaType,
      size,
      digest,
    })),
  };
  return { data: Buffer.from(JSON.stringify(manifest, undefined, 3)), mediaType: manifest.mediaType };
}

async function putManifest(push: Push, manifest: { data: Buffer; mediaType: string }): Promise<{ digest: string; size: number }> {
  const { repository, reference, signal } = push;
  const digest = await repository.putManifest(reference.tag as string, manifest.data, manifest.mediaType, signal);
  return { digest, size: manifest.data.length };
}
