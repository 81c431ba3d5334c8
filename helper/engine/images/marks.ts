import type { ImageRecord } from './record.ts';

/** What images refer to. */
export interface Marks {
  /** Digests of manifests, configs, and layers as they came. */
  blobs: ReadonlySet<string>;
  diffIds: ReadonlySet<string>;
  chainIds: ReadonlySet<string>;
}

/** Digests of an image's manifest, config and layers. */
export function blobsOf({ manifest, manifestDescriptor }: ImageRecord): string[] {
  return [manifestDescriptor.digest, manifest.config.digest, ...manifest.layers.map(({ digest }) => digest)];
}

/** @param named digests of the manifests that names have */
export function marksOf(images: Iterable<ImageRecord>, named: Iterable<string>): Marks {
  const blobs = new Set(named);
  const diffIds = new Set<string>();
  const chainIds = new Set<string>();
  for (const image of images) {
    for (const digest of blobsOf(image)) blobs.add(digest);
    for (const diffId of image.config.rootfs.diff_ids) diffIds.add(diffId);
    for (const chainId of image.chain) chainIds.add(chainId);
  }
  return { blobs, diffIds, chainIds };
}
