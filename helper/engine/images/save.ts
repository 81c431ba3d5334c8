/**
 * GET /images/{name}/get and /images/get?names=: an archive that is a docker-save one and an OCI layout at once, as newer
 * dockerds write it: layers are uncompressed blobs named by their diffID, so that every loader takes it.
 */
import { Readable } from 'node:stream';
import { digestOf } from '../../store/content.ts';
import { decompressed } from '../../store/layers/compression.ts';
import { tarEnd, tarHeader, tarPadding } from '../../store/tar/writer.ts';
import { Failure } from '../failure.ts';
import { MEDIA, platformText, samePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { findImage, imageEvent, sameRepository } from './parts.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName, format, parseAny } from './references.ts';
import type { Platform } from './types.ts';

interface Saved {
  image: ImageRecord;
  tags: Reference[];
}

/**
 * @returns the archive; it fails midway if a layer's blob is damaged. Blobs are leased while it is read
 * @throws Failure notFound before the first byte
 */
export function save(parts: Parts, references: string[], platform: Platform | undefined, signal: AbortSignal): Readable {
  const images = chooseImages(parts, references, platform);
  for (const { image } of images) {
    if (platform && !samePlatform(image.config, platform)) {
      throw new Failure('system', `no suitable export target found for platform ${platformText(platform)}`);
    }
  }
  const lease = parts.leases.take();
  for (const { image } of images) {
    lease.add(image.id);
    for (const diffId of image.config.rootfs.diff_ids) {
      lease.add(diffId);
      const blob = parts.layers.get(diffId)?.blob;
      if (!blob || !parts.content.has(blob.digest)) throw new Failure('system', `the layer ${diffId} can't be saved: its blob is missing`);
      lease.add(blob.digest);
    }
  }
  const stream = Readable.from(writeArchive(parts, images, signal), { objectMode: false, highWaterMark: 512 * 1024 });
  stream.once('close', () => lease.release());
  for (const { image } of images) imageEvent(parts, 'save', image.id, image.id, image);
  return stream;
}

/** An image by id has no tags in the archive, one by name has that, a repository without a tag brings all its tags. */
function chooseImages(parts: Parts, references: string[], platform: Platform | undefined): Saved[] {
  const chosen = new Map<string, Saved>();
  const add = (image: ImageRecord, tag: Reference | undefined): void => {
    const saved = chosen.get(image.id) ?? { image, tags: [] };
    chosen.set(image.id, saved);
    if (tag && !saved.tags.some((other) => format(other) === format(tag))) saved.tags.push(tag);
  };
  for (const text of references) {
    const any = parseAny(text);
    if (any.kind === 'name' && any.reference.tag === undefined && any.reference.digest === undefined) {
      let found = false;
      for (const image of parts.catalog.all()) {
        for (const name of parts.catalog.namesOf(image.id)) {
          if (name.tag === undefined || !sameRepository(name, any.reference)) continue;
          found = true;
          if (parts.catalog.byName(name, platform)?.record === image) add(image, name);
        }
      }
      if (found) continue;
    }
    const { image, name } = wanted(parts, text, platform);
    add(image, name?.tag === undefined || name.digest !== undefined ? undefined : name);
  }
  return [...chosen.values()];
}

/** Of a name's images the one for the platform; another one is the caller's to refuse, in its words. */
function wanted(parts: Parts, text: string, platform: Platform | undefined): ReturnType<typeof findImage> {
  const found = findImage(parts, text);
  const better = platform && found.name ? parts.catalog.byName(found.name, platform) : undefined;
  return better ? { ...found, image: better.record } : found;
}

async function* writeArchive(parts: Parts, images: Saved[], signal: AbortSignal): AsyncGenerator<Buffer> {
  yield tarHeader('blobs/', undefined);
  yield tarHeader('blobs/sha256/', undefined);
  const written = new Set<string>();
  const index: unknown[] = [];
  for (const { image, tags } of images) {
    for (const diffId of image.config.rootfs.diff_ids) {
      if (written.has(diffId)) continue;
      written.add(diffId);
      yield* writeLayer(parts, diffId, signal);
    }
    const config = await parts.content.read(image.id);
    const manifest = layoutManifest(parts, image, config.length);
    for (const data of [config, manifest]) {
      const digest = digestOf(data);
      if (written.has(digest)) continue;
      written.add(digest);
      yield* writeFile(blobPath(digest), data, image.config.created);
    }
    const descriptor = { mediaType: MEDIA.ociManifest, digest: digestOf(manifest), size: manifest.length };
    if (tags.length === 0) index.push(descriptor);
    for (const tag of tags) {
      const annotations = { 'io.containerd.image.name': format(tag), 'org.opencontainers.image.ref.name': tag.tag };
      index.push({ ...descriptor, annotations });
    }
  }
  yield* writeFile('index.json', json({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: index }));
  yield* writeFile('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  // As Go's encoder writes them, with a newline.
  const named = repositories(images);
  if (Object.keys(named).length > 0) yield* writeFile('repositories', jsonLine(named));
  yield* writeFile('manifest.json', jsonLine(images.map(({ image, tags }) => dockerEntry(image, tags, images))));
  yield tarEnd();
}

/** The parent is named where it is in the archive as well. */
function dockerEntry(image: ImageRecord, tags: Reference[], all: Saved[]): unknown {
  const parent = all.find((other) => other.image.id === image.parent)?.image.id;
  return {
    Config: blobPath(image.id),
    RepoTags: tags.length > 0 ? tags.map(familiar) : null,
    Layers: image.config.rootfs.diff_ids.map(blobPath),
    ...(parent ? { Parent: parent } : {}),
  };
}

/** The oldest form: repository, tag, id of the top layer. */
function repositories(images: Saved[]): Record<string, Record<string, string>> {
  const all: Record<string, Record<string, string>> = {};
  for (const { image, tags } of images) {
    const top = image.chain.at(-1)?.slice(7) ?? image.id.slice(7);
    for (const tag of tags) all[familiarName(tag)] = { ...all[familiarName(tag)], [tag.tag as string]: top };
  }
  return all;
}

function layoutManifest(parts: Parts, image: ImageRecord, configSize: number): Buffer {
  return json({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, digest: image.id, size: configSize },
    layers: image.config.rootfs.diff_ids.map((diffId) => ({
      mediaType: MEDIA.ociLayer,
      digest: diffId,
      size: parts.layers.get(diffId)?.tarSize ?? 0,
    })),
  });
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

function jsonLine(value: unknown): Buffer {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function blobPath(digest: string): string {
  return `blobs/sha256/${digest.slice(7)}`;
}

function* writeFile(name: string, data: Buffer, created?: string): Generator<Buffer> {
  const seconds = Date.parse(created ?? '') / 1000;
  // A year before 1970 (what some builders write for none) has no form here.
  // biome-ignore lint/complexity/useMathMinMax: without a date it is NaN, of which Math.max makes NaN
  yield tarHeader(name, data.length, seconds > 0 ? seconds : 0);
  yield data;
  yield tarPadding(data.length);
}

async function* writeLayer(parts: Parts, diffId: string, signal: AbortSignal): AsyncGenerator<Buffer> {
  const layer = parts.layers.get(diffId);
  const blob = layer?.blob;
  if (!layer || !blob) throw new Failure('notFound', `layer does not exist: ${diffId}`);
  yield tarHeader(blobPath(diffId), layer.tarSize);
  let size = 0;
  const source = parts.content.stream(blob.digest);
  try {
    for await (const piece of decompressed(source as AsyncIterable<Buffer>)) {
      signal.throwIfAborted();
      size += piece.length;
      yield piece;
    }
  } finally {
    source.destroy();
  }
  if (size !== layer.tarSize) throw new Failure('system', `the blob of layer ${diffId} is damaged`);
  yield tarPadding(size);
}
