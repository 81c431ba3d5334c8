import type { Content } from '../../store/content.ts';
import type { Layers } from '../../store/layers/layers.ts';
import type { Leases } from '../../store/leases.ts';
import type { EngineContext } from '../context.ts';
import type { Events } from '../events/types.ts';
import { Failure } from '../failure.ts';
import type { Catalog } from './catalog.ts';
import type { Holds } from './holds.ts';
import type { Loose } from './loose.ts';
import { platformScore, platformText } from './manifest.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName, parseAny, repositoryOf, withDefaultTag } from './references.ts';
import type { ImageUsage, Platform } from './types.ts';

/** What the verbs of images share. */
export interface Parts {
  context: EngineContext;
  events: Events;
  usage: ImageUsage;
  content: Content;
  layers: Layers;
  leases: Leases;
  catalog: Catalog;
  holds: Holds;
  loose: Loose;
}

/**
 * The image that a user means, and by which name (undefined: by id).
 *
 * @param platform what the image must be for, or be able to stand in for
 * @throws Failure notFound, dockerd's text
 */
export function findImage(parts: Parts, text: string, platform?: Platform): { image: ImageRecord; name: Reference | undefined } {
  const found = lookUp(parts, text, platform);
  const { os, architecture, variant } = found.image.config;
  const own = { os, architecture, ...(variant ? { variant } : {}) };
  if (platform && platformScore(platform, own) === undefined) {
    throw new Failure(
      'notFound',
      `image with reference ${text} was found but its platform (${platformText(own)}) does not match the specified platform (${platformText(platform)})`,
    );
  }
  return found;
}

/** The same, or undefined. */
export function tryFind(parts: Parts, text: string): ImageRecord | undefined {
  try {
    return findImage(parts, text).image;
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function lookUp(parts: Parts, text: string, platform: Platform | undefined): { image: ImageRecord; name: Reference | undefined } {
  const any = parseAny(text);
  if (any.kind === 'id') {
    const image = parts.catalog.get(any.id);
    if (!image) throw new Failure('notFound', `No such image: ${any.id}`);
    return { image, name: undefined };
  }
  const named = parts.catalog.byName(any.reference, platform);
  if (named) return { image: named.record, name: withDefaultTag(any.reference) };
  const hex = /^(?:sha256:)?([0-9a-f]{1,64})$/.exec(text)?.[1];
  const candidates = hex ? parts.catalog.byPrefix(hex) : [];
  if (candidates.length === 1) return { image: candidates[0] as ImageRecord, name: undefined };
  throw new Failure('notFound', `No such image: ${familiar(withDefaultTag(any.reference))}`);
}

/** Whether a layer is here, with the bytes that it is pushed and saved from. */
export function hasLayer(parts: Parts, diffId: string): boolean {
  const layer = parts.layers.get(diffId);
  return layer !== undefined && (!layer.blob || parts.content.has(layer.blob.digest));
}

/** Whether nothing of an image is missing. */
export function isWhole(parts: Parts, image: ImageRecord): boolean {
  return parts.content.has(image.id) && image.config.rootfs.diff_ids.every((diffId) => hasLayer(parts, diffId));
}

/** RepoTags and RepoDigests of an image, as Docker shows them. */
export function shownNames(names: Reference[]): { tags: string[]; digests: string[] } {
  const tags: string[] = [];
  const digests: string[] = [];
  for (const name of names) {
    if (name.digest !== undefined) digests.push(`${familiarName(name)}@${name.digest}`);
    else if (name.tag !== undefined) tags.push(familiar(name));
  }
  return { tags, digests };
}

/** What dockerd calls the size of an image: the files of its layers. */
export function sizeOf(parts: Parts, image: ImageRecord): number {
  let size = 0;
  for (const diffId of image.config.rootfs.diff_ids) size += parts.layers.get(diffId)?.size ?? 0;
  return size;
}

/** Publishes an image event with the attributes dockerd gives: the labels, and a name. */
export function imageEvent(parts: Parts, action: string, id: string, name: string, image: ImageRecord | undefined): void {
  parts.events.publish('image', action, id, { ...image?.config.config?.Labels, name });
}

export function sameRepository(a: Reference, b: Reference): boolean {
  return repositoryOf(a) === repositoryOf(b);
}
