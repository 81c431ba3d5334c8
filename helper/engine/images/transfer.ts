/** Images as they travel from engine to engine: layers in the bytes in which they are kept, only those that the other one lacks. */
import { digestOf } from '../../store/content.ts';
import { Failure } from '../failure.ts';
import type { ArchiveLayer } from './archive.ts';
import { stored, takeIn } from './create.ts';
import { makeManifest } from './load.ts';
import type { Descriptor } from './manifest.ts';
import { parseManifest } from './manifest.ts';
import type { Parts } from './parts.ts';
import { findImage, hasLayer, imageEvent } from './parts.ts';
import type { ImageRecord } from './record.ts';
import { parseConfig } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, format, parseNamed, withDefaultTag } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { ImageSource, ImageTarget } from './types.ts';

/** @throws Failure notFound; system when a layer's bytes are missing */
export async function outgoing(parts: Parts, orphans: Orphans, reference: string): Promise<ImageSource> {
  const { image, name } = findImage(parts, reference);
  const lease = parts.leases.take();
  const release = (): void => {
    lease.release();
    void sweep(parts, orphans);
  };
  try {
    lease.add(image.id);
    lease.add(image.manifestDescriptor.digest);
    const layers = image.config.rootfs.diff_ids.map((diffId) => {
      const { digest, size } = stored(parts, lease, diffId);
      if (!parts.content.has(digest)) throw new Failure('system', `the layer ${diffId} can't be copied: its blob is missing`);
      return { diffId, digest, size };
    });
    const names = name ? [name] : namesOf(parts, image);
    return {
      id: image.id,
      names: names.map(format),
      familiarNames: names.map(familiar),
      config: await parts.content.read(image.id),
      manifest: {
        mediaType: image.manifestDescriptor.mediaType,
        data: await parts.content.read(image.manifestDescriptor.digest),
      },
      layers,
      open: (diffId) => parts.content.stream(layers.find((layer) => layer.diffId === diffId)?.digest ?? ''),
      release,
    };
  } catch (error) {
    release();
    throw error;
  }
}

/** Names by digest are of the manifest that travels, or they would lie. */
function namesOf(parts: Parts, image: ImageRecord): Reference[] {
  return parts.catalog.namesOf(image.id).filter(({ digest }) => digest === undefined || digest === image.manifestDescriptor.digest);
}

export function incoming(parts: Parts, orphans: Orphans, signal: AbortSignal): ImageTarget {
  const lease = parts.leases.take();
  const came = new Map<string, ArchiveLayer>();
  return {
    has(diffId) {
      // Leased before it is looked for: it can't go in between.
      lease.add(diffId);
      if (!hasLayer(parts, diffId)) return false;
      came.set(diffId, stored(parts, lease, diffId));
      return true;
    },
    async add({ diffId, digest }, bytes) {
      lease.add(digest);
      came.set(diffId, await takeIn(parts, lease, bytes, signal, undefined, { diffId, digest }));
    },
    async register({ id, config, manifest, names }, { keepNames }) {
      const { diff_ids: diffIds } = parseConfig(config).rootfs;
      if (digestOf(config) !== id) throw new Failure('invalidParameter', `the config of the image is not ${id}`);
      const layers = diffIds.map((diffId) => {
        const layer = came.get(diffId);
        if (!layer) throw new Failure('invalidParameter', `the layer ${diffId} of the image did not come`);
        return layer;
      });
      const references = names.map((text) => withDefaultTag(parseNamed(text)));
      lease.add(id);
      await parts.content.put(config);
      const own = await keptManifest(parts, lease, id, manifest, layers);
      const descriptor = own ?? (await makeManifest(parts, lease, { id, size: config.length }, layers));
      const wanted = references.filter((name) => {
        if (name.digest !== undefined && name.digest !== descriptor.digest) return false;
        const holder = parts.catalog.byName(name)?.record;
        return !keepNames || !holder || holder.id === id;
      });
      const { record, added } = await parts.catalog.add(descriptor, { names: wanted });
      imageEvent(parts, 'load', id, id, record);
      return { added };
    },
    async release() {
      lease.release();
      await sweep(parts, orphans);
    },
  };
}

/** The manifest that came along, when it is of just these bytes: then the image has the same digest everywhere. */
async function keptManifest(
  parts: Parts,
  lease: { add(digest: string): void },
  id: string,
  { mediaType, data }: { mediaType: string; data: Buffer },
  layers: ArchiveLayer[],
): Promise<Descriptor | undefined> {
  const manifest = parseManifest(data);
  const same =
    manifest.config.digest === id && manifest.layers.map(({ digest }) => digest).join() === layers.map(({ digest }) => digest).join();
  if (!same) return undefined;
  lease.add(digestOf(data));
  return { mediaType, digest: await parts.content.put(data), size: data.length };
}
