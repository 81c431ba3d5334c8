/**
 * Removes layers and blobs that nothing refers to: images by the index, containers by their holds, running pulls and
 * loads by their leases. What is decided and what is taken from the books happens without a pause in between, so
 * nothing can begin to rely on a blob that is about to go.
 */
import type { Parts } from './parts.ts';

/** Chains of images that were removed by force while containers use them: their layers stay as long as the containers do. */
export class Orphans {
  readonly #chains = new Map<string, string[]>();

  add(imageId: string, diffIds: string[]): void {
    this.#chains.set(imageId, diffIds);
  }

  needed(parts: Parts): Set<string> {
    const needed = new Set<string>();
    for (const [id, diffIds] of this.#chains) {
      if (parts.usage(id).length === 0) this.#chains.delete(id);
      else for (const diffId of diffIds) needed.add(diffId);
    }
    return needed;
  }
}

export interface Swept {
  /** diffIDs of the layers that went. */
  layers: string[];
  /** Bytes of blobs and layers' files. */
  reclaimed: number;
}

export async function sweep(parts: Parts, orphans: Orphans): Promise<Swept> {
  const needed = parts.holds.held();
  for (const diffId of orphans.needed(parts)) needed.add(diffId);
  for (const image of parts.catalog.all()) for (const diffId of image.config.rootfs.diff_ids) needed.add(diffId);
  const removals: Promise<unknown>[] = [];
  const layers: string[] = [];
  let reclaimed = 0;
  for (const info of parts.layers.all()) {
    if (needed.has(info.diffId) || parts.leases.has(info.diffId)) continue;
    layers.push(info.diffId);
    reclaimed += info.size;
    removals.push(parts.layers.remove(info.diffId));
  }
  const blobs = parts.catalog.reachableBlobs();
  for (const diffId of needed) {
    const blob = parts.layers.get(diffId)?.blob;
    if (blob) blobs.add(blob.digest);
  }
  for (const digest of parts.content.digests()) {
    if (blobs.has(digest) || parts.leases.has(digest)) continue;
    parts.content.remove(digest, (error) => parts.context.log.warn('a blob could not be removed', { digest, reason: String(error) }));
  }
  removals.push(parts.content.sweepPartials(undefined, (digest) => parts.leases.has(digest)));
  const failures = (await Promise.allSettled(removals)).filter((result) => result.status === 'rejected');
  for (const failure of failures) parts.context.log.warn('a layer could not be removed', { reason: String(failure.reason) });
  parts.holds.forgetChains();
  return { layers, reclaimed };
}
