import type { ImageDeleteEntry } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import { Failure, isFailure } from '../failure.ts';
import { imageFilter } from './list.ts';
import type { Parts } from './parts.ts';
import { format } from './references.ts';
import { remove } from './remove.ts';
import type { Orphans } from './sweep.ts';

const ACCEPTED = new Set(['dangling', 'label', 'label!', 'until']);

/** POST /images/prune: images without a tag, or (`dangling=false`) all that no container uses. */
export async function prune(
  parts: Parts,
  orphans: Orphans,
  filters: Filters,
): Promise<{ ImagesDeleted: ImageDeleteEntry[]; SpaceReclaimed: number }> {
  const accepts = imageFilter(parts, filters, ACCEPTED);
  const danglingOnly = onlyDangling(filters);
  const sizes = new Map<string, number>();
  for (const image of parts.catalog.all()) {
    image.chain.forEach((chainId, at) => {
      sizes.set(chainId, parts.layers.get(image.config.rootfs.diff_ids[at] as string)?.size ?? 0);
    });
  }
  const deleted: ImageDeleteEntry[] = [];
  for (const image of parts.catalog.all()) {
    if (!accepts(image) || !parts.catalog.get(image.id)) continue;
    const names = parts.catalog.namesOf(image.id);
    if (names.length === 0 && parts.catalog.childrenOf(image.id).length > 0) continue;
    if (danglingOnly && names.some((name) => name.tag !== undefined)) continue;
    // A name at a time, as if the user had removed each: what a container uses stays.
    for (const text of names.length > 0 ? names.map(format) : [image.id]) {
      try {
        deleted.push(...(await remove(parts, orphans, text, { force: false, prune: true })));
      } catch (error) {
        if (!isFailure(error, 'conflict') && !isFailure(error, 'notFound')) throw error;
      }
    }
  }
  let reclaimed = 0;
  for (const entry of deleted) if ('Deleted' in entry) reclaimed += sizes.get(entry.Deleted) ?? 0;
  parts.events.publish('image', 'prune', '', { reclaimed: String(reclaimed) });
  return { ImagesDeleted: deleted, SpaceReclaimed: reclaimed };
}

function onlyDangling(filters: Filters): boolean {
  const values = filters.get('dangling') ?? [];
  if (values.length === 0) return true;
  const isTrue = values.includes('true') || values.includes('1');
  const isFalse = values.includes('false') || values.includes('0');
  if (isTrue === isFalse) throw new Failure('invalidParameter', `invalid filter 'dangling=[${values.join(' ')}]'`);
  return isTrue;
}
