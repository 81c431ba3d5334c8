/**
 * DELETE /images/{name}: takes a name away, and the image with it when that was its last; or, by id, the image.
 *
 * Hard conflicts (children, a running container) can't be forced; soft ones (further names, stopped containers) can.
 * Source: Docker API, DELETE /images/{name}; behaviour of dockerd's image store
 */
import type { ImageDeleteEntry } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { Parts } from './parts.ts';
import { findImage, imageEvent, sameRepository } from './parts.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, format, repositoryOf } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { Platform } from './types.ts';

interface Conflict {
  failure: Failure;
  /** A container is the reason. */
  used: boolean;
}

export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/**
 * @returns what was untagged and deleted, in the order it happened
 * @throws Failure notFound; conflict in dockerd's words
 */
export async function remove(
  parts: Parts,
  orphans: Orphans,
  reference: string,
  options: { force: boolean; prune: boolean; platform?: Platform },
): Promise<ImageDeleteEntry[]> {
  const { image, name } = findImage(parts, reference, options.platform);
  const entries: ImageDeleteEntry[] = [];
  const others = name && !options.platform ? parts.catalog.variants(name).filter(({ record }) => record !== image) : [];
  const images = [...others.map(({ record }) => record), image];
  for (const one of images) if (name) refuseUsed(parts, one, reference, options);
  for (const one of images) await removeOne(parts, orphans, one, name, options, entries);
  await sweep(parts, orphans);
  const seen = new Set<string>();
  // A name that images of several platforms had is untagged once.
  return entries.filter((entry) => !('Untagged' in entry) || (!seen.has(entry.Untagged) && seen.add(entry.Untagged)));
}

/** @throws Failure conflict when a container uses the image, and this is its last name */
function refuseUsed(parts: Parts, image: ImageRecord, reference: string, options: { force: boolean }): void {
  if (options.force || !inOneRepository(parts.catalog.namesOf(image.id))) return;
  const container = parts.usage(image.id)[0];
  if (!container) return;
  throw new Failure(
    'conflict',
    `conflict: unable to remove repository reference ${JSON.stringify(reference)} (must force) - container ${shortId(container.id)} is using its referenced image ${shortId(image.id)}`,
  );
}

/** Takes a name (or, without one, all names of one repository) from an image, and the image away when that was its last. */
async function removeOne(
  parts: Parts,
  orphans: Orphans,
  image: ImageRecord,
  name: Reference | undefined,
  options: { force: boolean; prune: boolean },
  entries: ImageDeleteEntry[],
): Promise<void> {
  const names = parts.catalog.namesOf(image.id);
  if (name) {
    const gone = goneWith(name, names);
    const along = gone.slice(1);
    if (without(names, gone).length > 0) await untag(parts, image, { names: gone, along }, entries);
    else await removeImage(parts, orphans, image, { ...options, quiet: true, names: gone, along }, entries);
  } else if (inOneRepository(names)) {
    const found = conflict(parts, image, { references: false, stopped: !options.force });
    if (found) throw found.failure;
    await removeImage(parts, orphans, image, { ...options, quiet: false, names }, entries);
  } else {
    await removeImage(parts, orphans, image, { ...options, quiet: false, names: [] }, entries);
  }
}

/** The name itself; and when it was the repository's last tag, its digests too. */
function goneWith(name: Reference, names: Reference[]): Reference[] {
  if (name.digest !== undefined) return [name];
  const others = names.filter((other) => sameRepository(other, name) && format(other) !== format(name));
  return others.some((other) => other.digest === undefined) ? [name] : [name, ...others];
}

interface Gone {
  names: Reference[];
  /** Those of them that go with a tag, of which no event tells. */
  along?: Reference[];
}

async function untag(parts: Parts, image: ImageRecord, gone: Gone, entries: ImageDeleteEntry[]): Promise<void> {
  await parts.catalog.drop({ names: gone.names, of: image.id });
  untagged(parts, image, gone, entries);
}

function untagged(parts: Parts, image: ImageRecord, { names, along = [] }: Gone, entries: ImageDeleteEntry[]): void {
  for (const name of names) {
    if (!along.includes(name)) imageEvent(parts, 'untag', image.id, image.id, image);
    entries.push({ Untagged: familiar(name) });
  }
}

/** All names are of one repository, and at most one is a tag. */
function inOneRepository(names: Reference[]): boolean {
  if (names.length <= 1) return names.length === 1;
  const tags = names.filter((name) => name.digest === undefined);
  return tags.length <= 1 && new Set(names.map(repositoryOf)).size === 1;
}

/**
 * @param options.names which it loses, whether it can be removed or not
 * @param options.quiet it stays, without a word, if it is in use
 */
async function removeImage(
  parts: Parts,
  orphans: Orphans,
  image: ImageRecord,
  options: { force: boolean; prune: boolean; quiet: boolean } & Gone,
  entries: ImageDeleteEntry[],
): Promise<void> {
  const { force, quiet, names, along = [] } = options;
  const left = without(parts.catalog.namesOf(image.id), names);
  const found = conflict(parts, image, { references: !force && left.length > 0, stopped: !force });
  if (found) {
    if (names.length > 0) await untag(parts, image, { names, along }, entries);
    // What others are made of is not dangling: it stays, without a name.
    const dangling = left.every((name) => name.digest !== undefined) && parts.catalog.childrenOf(image.id).length === 0;
    if (quiet && (!dangling || found.used)) return;
    throw found.failure;
  }
  if (parts.usage(image.id).length > 0) orphans.add(image.id, image.config.rootfs.diff_ids);
  await parts.catalog.drop({ ids: [image.id] });
  untagged(parts, image, { names: [...names, ...left], along }, entries);
  // Without labels, as dockerd's: the image is no more when it looks for them.
  imageEvent(parts, 'delete', image.id, image.id, undefined);
  entries.push({ Deleted: image.id });
  for (const chainId of goneChains(parts, orphans, image)) entries.push({ Deleted: chainId });
  const parent = options.prune && image.parent ? parts.catalog.get(image.parent) : undefined;
  if (parent) await removeImage(parts, orphans, parent, { force: false, prune: true, quiet: true, names: [] }, entries);
}

function without(names: Reference[], gone: Reference[]): Reference[] {
  const away = new Set(gone.map(format));
  return names.filter((name) => !away.has(format(name)));
}

/** chainIDs of an image just removed that nothing else has, top-most first. */
function goneChains(parts: Parts, orphans: Orphans, image: ImageRecord): string[] {
  const orphaned = orphans.needed(parts);
  const needed = (diffId: string): boolean => parts.holds.needs(diffId) || orphaned.has(diffId);
  return image.chain
    .filter((chainId, at) => !parts.catalog.hasChain(chainId) && !needed(image.config.rootfs.diff_ids[at] as string))
    .reverse();
}

function conflict(parts: Parts, image: ImageRecord, check: { references: boolean; stopped: boolean }): Conflict | undefined {
  const says = (hard: boolean, used: boolean, why: string): Conflict => ({
    used,
    failure: new Failure(
      'conflict',
      `conflict: unable to delete ${shortId(image.id)} (${hard ? 'cannot be forced' : 'must be forced'}) - ${why}`,
    ),
  });
  if (parts.catalog.childrenOf(image.id).length > 0) return says(true, false, 'image has dependent child images');
  const containers = parts.usage(image.id);
  const running = containers.find((container) => container.running);
  if (running) return says(true, true, `image is being used by running container ${shortId(running.id)}`);
  if (check.references) {
    return says(false, false, 'image is referenced in multiple repositories');
  }
  const stopped = containers.find((container) => !container.running);
  if (check.stopped && stopped) return says(false, true, `image is being used by stopped container ${shortId(stopped.id)}`);
  return undefined;
}
