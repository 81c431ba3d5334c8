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

  /** Chains that are in use no more are let go of. */
  needed(parts: Parts): Set<string> {
    const needed = new Set<string>();
    for (const [id, diffIds] of this.#chains) {
      if (parts.usage(id).length > 0) for (const diffId of diffIds) needed.add(diffId);
      else {
        this.#chains.delete(id);
        parts.loose.add(diffIds);
      }
    }
    return needed;
  }
}

/** Of what was let go of, removes what nothing else refers to. Resolves when the layers are out of the way. */
export async function sweep(parts: Parts, orphans: Orphans): Promise<void> {
  const { catalog, layers, content, leases, holds, context } = parts;
  const orphaned = orphans.needed(parts);
  const candidates = parts.loose.take();
  if (candidates.size === 0) return;
  const stays = (diffId: string): boolean =>
    catalog.refersToLayer(diffId) || holds.needs(diffId) || orphaned.has(diffId) || leases.has(diffId);
  const gone = new Set<string>();
  const removals: Promise<void>[] = [];
  for (const digest of candidates) {
    const layer = layers.get(digest);
    if (!layer || stays(digest)) continue;
    gone.add(digest);
    // Looked at below: a blob stays at least as long as the layer that it was unpacked to.
    if (layer.blob) candidates.add(layer.blob.digest);
    removals.push(
      layers.remove(digest).catch((error) => context.log.warn('a layer could not be removed', { layer: digest, reason: String(error) })),
    );
  }
  for (const digest of candidates) {
    if (!content.has(digest) || catalog.refersToBlob(digest) || leases.has(digest)) continue;
    const layer = layers.ofBlob(digest);
    if (layer && stays(layer.diffId)) continue;
    content.remove(digest);
  }
  if (gone.size > 0) holds.forget(gone);
  await Promise.all(removals);
}

/** Looks at all that there is. */
export async function sweepAll(parts: Parts, orphans: Orphans): Promise<void> {
  parts.loose.add(parts.layers.all().map(({ diffId }) => diffId));
  parts.loose.add(parts.content.digests());
  await sweep(parts, orphans);
}
