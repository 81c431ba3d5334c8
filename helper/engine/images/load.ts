/**
 * POST /images/load.
 * Source: Docker API (docker-save archives: manifest.json, before it `repositories`), OCI image layout
 */
import type { Readable } from 'node:stream';
import * as v from 'valibot';
import type { ProgressMessage } from '../../contract/docker/index.ts';
import { digestOf } from '../../store/content.ts';
import type { Lease } from '../../store/leases.ts';
import { settleAll } from '../../store/settle.ts';
import { Failure } from '../failure.ts';
import type { Archive, ArchiveLayer } from './archive.ts';
import { archiveFile, archiveJson, archiveLayer, readArchive } from './archive.ts';
import { fromLegacy } from './load-legacy.ts';
import type { Descriptor, PlatformDescriptor } from './manifest.ts';
import { choosePlatform, hostPlatform, isIndexType, MEDIA, parseIndex, parseManifest, platformText, samePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { imageEvent } from './parts.ts';
import type { Emit } from './progress.ts';
import { streamProgress } from './progress.ts';
import { parseConfig } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, parseNamed, withDefaultTag } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { Platform } from './types.ts';

/** manifest.json: null stands for a list without entries. */
const SAVED_IMAGE = v.looseObject({
  Config: v.string(),
  RepoTags: v.nullish(v.array(v.string())),
  Layers: v.nullish(v.array(v.string())),
  Parent: v.nullish(v.string()),
});
type SavedImage = v.InferOutput<typeof SAVED_IMAGE>;

/** @throws Failure invalidParameter on what is no image archive */
export function load(
  parts: Parts,
  orphans: Orphans,
  archive: Readable,
  options: { quiet: boolean; platform?: Platform },
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  return streamProgress(signal, async (emit, inner) => {
    const lease = parts.leases.take();
    try {
      const read = await readArchive(
        parts,
        lease,
        archive,
        (path, current, total) => {
          if (!options.quiet) emit.count(layerName(path), 'Loading layer', current, total);
        },
        inner,
      );
      await loadImages(parts, lease, read, emit, options.platform);
    } finally {
      archive.destroy();
      lease.release();
      // Layers that no image of the archive wanted, or of an archive that was broken.
      await sweep(parts, orphans);
    }
  });
}

function layerName(path: string): string {
  return (/([0-9a-f]{64})/.exec(path)?.[1] ?? path).slice(0, 12);
}

async function loadImages(parts: Parts, lease: Lease, archive: Archive, emit: Emit, platform: Platform | undefined): Promise<void> {
  if (archiveFile(archive, 'manifest.json')) {
    const result = v.safeParse(v.array(SAVED_IMAGE), archiveJson(archive, 'manifest.json'));
    if (!result.success) {
      const [issue] = result.issues;
      throw new Failure('invalidParameter', `invalid archive: manifest.json: ${v.getDotPath(issue) ?? ''}: ${issue.message}`);
    }
    const saved = result.output;
    const loaded = new Map<string, string | undefined>();
    for (const image of saved) {
      const id = await loadSaved(parts, lease, archive, image, emit, platform);
      if (id) loaded.set(id, image.Parent ?? undefined);
    }
    if (platform && loaded.size === 0) throw notInArchive(platform);
    for (const [id, parent] of loaded) if (parent && loaded.has(parent)) await link(parts, id, parent);
    return;
  }
  if (archiveFile(archive, 'index.json')) {
    await loadLayout(parts, lease, archive, emit, platform);
    return;
  }
  const legacy = fromLegacy(archive);
  if (legacy.length === 0) throw new Failure('invalidParameter', 'invalid archive: does not contain a manifest.json');
  for (const image of legacy) await loadSaved(parts, lease, archive, image, emit, platform);
}

const notInArchive = (platform: Platform): Failure =>
  new Failure('notFound', `requested platform (${platformText(platform)}) not found in the archive`);

/** @throws Failure invalidParameter when the parent's history is not what the image's begins with */
async function link({ catalog }: Parts, id: string, parent: string): Promise<void> {
  const history = catalog.get(id)?.config.history ?? [];
  const before = catalog.get(parent)?.config.history ?? [];
  const continues = history.length === before.length + 1 && JSON.stringify(history.slice(0, -1)) === JSON.stringify(before);
  if (!continues && history.length + before.length > 0) {
    throw new Failure('invalidParameter', `image ${parent} is not a valid parent for ${id}`);
  }
  await catalog.setParent(id, parent);
}

/** @returns its id, if it was loaded; images of another platform than the one asked for are passed over */
async function loadSaved(
  parts: Parts,
  lease: Lease,
  archive: Archive,
  image: SavedImage,
  emit: Emit,
  platform: Platform | undefined,
): Promise<string | undefined> {
  const config = archiveFile(archive, image.Config);
  if (!config) throw new Failure('invalidParameter', `invalid archive: does not contain ${image.Config}`);
  const parsed = parseConfig(config);
  if (parsed.os !== 'linux') throw new Failure('invalidParameter', `cannot load ${parsed.os} image on linux`);
  if (platform && !samePlatform(parsed, platform)) return undefined;
  // Before anything is kept: a name that can't be leaves no image without one.
  const names = (image.RepoTags ?? []).map(tagOf);
  const layers = checkLayers(parsed.rootfs.diff_ids, image.Layers ?? [], archive);
  const id = digestOf(config);
  lease.add(id);
  const [descriptor] = await settleAll([
    ownManifest(parts, lease, archive, id, layers).then((own) => own ?? makeManifest(parts, lease, { id, size: config.length }, layers)),
    parts.content.put(config),
  ]);
  await register(parts, descriptor, id, names, emit);
  return id;
}

/** A name in manifest.json. One by digest would be the archive's claim, which nobody has seen. @throws Failure invalidParameter */
function tagOf(text: string): Reference {
  const reference = parseNamed(text);
  const { domain, path, tag } = reference;
  if (tag === undefined) throw new Failure('invalidParameter', `invalid tag ${JSON.stringify(text)}`);
  return { domain, path, tag };
}

function checkLayers(diffIds: string[], paths: string[], archive: Archive): ArchiveLayer[] {
  if (diffIds.length !== paths.length) {
    throw new Failure('invalidParameter', `invalid manifest, layers length mismatch: expected ${paths.length}, got ${diffIds.length}`);
  }
  return paths.map((path, at) => {
    const layer = archiveLayer(archive, path);
    if (!layer) throw new Failure('invalidParameter', `invalid archive: does not contain ${path}`);
    if (layer.diffId !== diffIds[at]) {
      throw new Failure('invalidParameter', `invalid diffID for layer ${at}: expected "${diffIds[at]}", got "${layer.diffId}"`);
    }
    return layer;
  });
}

/** Archives of newer dockerds bring the OCI manifest too: it is kept, so that the image has the same digest everywhere. */
async function ownManifest(
  parts: Parts,
  lease: Lease,
  archive: Archive,
  id: string,
  layers: ArchiveLayer[],
): Promise<Descriptor | undefined> {
  for (const [path, data] of archive.files) {
    if (!path.startsWith('blobs/sha256/') || data[0] !== 0x7b || !data.includes(id)) continue;
    try {
      const manifest = parseManifest(data);
      const same =
        manifest.config.digest === id && manifest.layers.map((layer) => layer.digest).join() === layers.map((layer) => layer.digest).join();
      if (!same || digestOf(data) !== `sha256:${path.slice(13)}`) continue;
      lease.add(digestOf(data));
      return { mediaType: manifest.mediaType, digest: await parts.content.put(data), size: data.length };
    } catch {
      // Not a manifest; some other blob that names the config.
    }
  }
  return undefined;
}

const LAYER_TYPE: Record<ArchiveLayer['compression'], string> = {
  none: MEDIA.ociLayer,
  gzip: `${MEDIA.ociLayer}+gzip`,
  zstd: `${MEDIA.ociLayer}+zstd`,
  bzip2: `${MEDIA.ociLayer}+bzip2`,
  xz: `${MEDIA.ociLayer}+xz`,
};

/** Writes the manifest of an image of which only config and layers are known. */
export async function makeManifest(
  parts: Parts,
  lease: Lease,
  config: { id: string; size: number },
  layers: ArchiveLayer[],
): Promise<Descriptor> {
  const manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: { mediaType: MEDIA.ociConfig, digest: config.id, size: config.size },
    layers: layers.map((layer) => ({ mediaType: LAYER_TYPE[layer.compression], digest: layer.digest, size: layer.size })),
  };
  const data = Buffer.from(JSON.stringify(manifest));
  lease.add(digestOf(data));
  return { mediaType: MEDIA.ociManifest, digest: await parts.content.put(data), size: data.length };
}

async function register(parts: Parts, descriptor: Descriptor, id: string, names: Reference[], emit: Emit): Promise<void> {
  for (const name of names) {
    const before = parts.catalog.byName(name)?.record;
    if (before && before.id !== id) {
      emit({ stream: `The image ${familiar(name)} already exists, renaming the old one with ID ${before.id} to empty string\n` });
    }
  }
  const { record } = await parts.catalog.add(descriptor, { names });
  for (const name of names) emit({ stream: `Loaded image: ${familiar(name)}\n` });
  if (names.length === 0) emit({ stream: `Loaded image ID: ${id}\n` });
  imageEvent(parts, 'load', id, id, record);
}

async function loadLayout(parts: Parts, lease: Lease, archive: Archive, emit: Emit, platform: Platform | undefined): Promise<void> {
  const index = parseIndex(archiveFile(archive, 'index.json') as Buffer);
  let loaded = 0;
  for (const entry of index.manifests) {
    const manifest = manifestOf(archive, entry, platform ?? hostPlatform());
    if (!manifest) continue;
    const { config, layers } = parseManifest(manifest.data);
    const configData = blob(archive, config.digest);
    if (!configData) continue;
    const parsed = parseConfig(configData);
    if (platform && !samePlatform(parsed, platform)) continue;
    checkLayers(
      parsed.rootfs.diff_ids,
      layers.map((layer) => `blobs/sha256/${layer.digest.slice(7)}`),
      archive,
    );
    lease.add(config.digest);
    lease.add(manifest.digest);
    await parts.content.put(configData);
    await parts.content.put(manifest.data);
    const descriptor = { mediaType: parseManifest(manifest.data).mediaType, digest: manifest.digest, size: manifest.data.length };
    await register(parts, descriptor, config.digest, layoutNames(entry), emit);
    loaded++;
  }
  if (loaded === 0 && platform) throw notInArchive(platform);
  if (loaded === 0) throw new Failure('invalidParameter', 'invalid archive: does not contain an image for this platform');
}

function blob(archive: Archive, digest: string): Buffer | undefined {
  const data = archiveFile(archive, `blobs/sha256/${digest.slice(7)}`);
  return data && digestOf(data) === digest ? data : undefined;
}

/** The manifest that an entry of index.json leads to, through an index of platforms if need be. */
function manifestOf(archive: Archive, entry: PlatformDescriptor, platform: Platform): { digest: string; data: Buffer } | undefined {
  const data = blob(archive, entry.digest);
  if (!data) return undefined;
  if (!isIndexType(entry.mediaType)) return { digest: entry.digest, data };
  const chosen = choosePlatform(parseIndex(data), platform);
  return chosen && !isIndexType(chosen.mediaType) ? manifestOf(archive, chosen, platform) : undefined;
}

/** Names in an OCI layout: containerd's full one, or a ref name when that is a whole reference. By digest only what has it. */
function layoutNames(entry: PlatformDescriptor): Reference[] {
  const full = entry.annotations?.['io.containerd.image.name'];
  const short = entry.annotations?.['org.opencontainers.image.ref.name'];
  const text = full ?? (short && /[:/]/.test(short) ? short : undefined);
  if (!text) return [];
  try {
    const reference = withDefaultTag(parseNamed(text));
    return reference.digest === undefined || reference.digest === entry.digest ? [reference] : [];
  } catch {
    return [];
  }
}
