import type { ImageHistoryEntry } from '../../contract/docker/index.ts';
import type { Parts } from './parts.ts';
import { findImage, shownNames } from './parts.ts';
import type { Platform } from './types.ts';

/** GET /images/{name}/history: newest first. Ids are known for the image itself and its local parents. @throws Failure notFound */
export function history(parts: Parts, reference: string, platform?: Platform): ImageHistoryEntry[] {
  const { image } = findImage(parts, reference, platform);
  const entries: ImageHistoryEntry[] = [];
  let layer = 0;
  for (const step of image.config.history ?? []) {
    let size = 0;
    if (!step.empty_layer) {
      const diffId = image.config.rootfs.diff_ids[layer++];
      size = (diffId && parts.layers.get(diffId)?.size) || 0;
    }
    entries.unshift({
      Id: '<missing>',
      Created: step.created ? Math.floor(Date.parse(step.created) / 1000) : 0,
      CreatedBy: step.created_by ?? '',
      Tags: null,
      Size: size,
      Comment: step.comment ?? '',
    });
  }
  let ancestor = parts.catalog.get(image.id);
  for (const entry of entries) {
    if (!ancestor) break;
    entry.Id = ancestor.id;
    const { tags } = shownNames(parts.catalog.namesOf(ancestor.id));
    entry.Tags = tags.length > 0 ? tags : null;
    ancestor = ancestor.parent ? parts.catalog.get(ancestor.parent) : undefined;
  }
  return entries;
}
