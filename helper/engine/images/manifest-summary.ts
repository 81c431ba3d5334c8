import type { ImageManifestSummary } from '../../contract/docker/index.ts';
import type { Parts } from './parts.ts';
import { isWhole, sizeOf } from './parts.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';

/** `Manifests` of an image: itself, and its names' images for other platforms. */
export function manifestsOf(parts: Parts, image: ImageRecord, names: readonly Reference[]): ImageManifestSummary[] {
  const records = new Set([image, ...names.flatMap((name) => parts.catalog.variants(name).map(({ record }) => record))]);
  return [...records].map((record) => summaryOf(parts, record));
}

function summaryOf(parts: Parts, image: ImageRecord): ImageManifestSummary {
  const { os, architecture, variant } = image.config;
  const platform = { architecture, os, ...(variant ? { variant } : {}) };
  const { mediaType, digest, size } = image.manifestDescriptor;
  const content = size + image.manifest.config.size + image.manifest.layers.reduce((sum, layer) => sum + layer.size, 0);
  const unpacked = sizeOf(parts, image);
  return {
    ID: digest,
    Descriptor: { mediaType, digest, size, platform },
    Available: isWhole(parts, image),
    Size: { Total: content + unpacked, Content: content },
    Kind: 'image',
    ImageData: { Platform: platform, Size: { Unpacked: unpacked }, Containers: parts.usage(image.id).map(({ id }) => id) },
  };
}
