import type { ImageSummary } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import { Failure } from '../failure.ts';
import { NEVER, toNanos } from '../instant.ts';
import { untilNanos } from '../until.ts';
import { manifestsOf } from './manifest-summary.ts';
import type { Parts } from './parts.ts';
import { findImage, shownNames, sizeOf } from './parts.ts';
import type { ImageRecord } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName } from './references.ts';

const ACCEPTED = new Set(['dangling', 'label', 'label!', 'before', 'since', 'until', 'reference']);

export interface ListOptions {
  all: boolean;
  filters: Filters;
  digests: boolean;
  sharedSize: boolean;
  /** With what each image is made of, for every platform that is here. */
  manifests?: boolean;
}

/** GET /images/json: newest first. @throws Failure invalidParameter on filters, notFound on an image that a filter names */
export function list(parts: Parts, options: ListOptions): ImageSummary[] {
  const { filters } = options;
  const accepts = imageFilter(parts, filters, ACCEPTED);
  const dangling = danglingOf(filters);
  const patterns = filters.get('reference') ?? [];
  const names = parts.catalog.namesById();
  const parents = new Set(parts.catalog.all().map((image) => image.parent));
  const shared = options.sharedSize ? sharedSizes(parts) : undefined;
  const found: { created: number; summary: ImageSummary }[] = [];
  for (const image of parts.catalog.all()) {
    if (!accepts(image)) continue;
    const known = names.get(image.id);
    // Another platform of a name is shown with that name's image.
    if (known?.length === 0) continue;
    const own = known ?? [];
    const shown = patterns.length === 0 ? own : own.filter((name) => patterns.some((pattern) => matchesReference(pattern, name)));
    if (patterns.length > 0 && shown.length === 0) continue;
    const { tags, digests } = shownNames(shown);
    const nameless = own.length === 0;
    // A digest alone is no name to call it by: both `true` and `false` show such an image, as in dockerd.
    if (dangling === false && nameless) continue;
    if (dangling && (tags.length > 0 || parents.has(image.id))) continue;
    // Steps of builds, which only their children need, are shown with `all` only.
    if (nameless && !options.all && parents.has(image.id)) continue;
    const created = createdOf(image);
    const size = sizeOf(parts, image);
    const summary: ImageSummary = {
      Id: image.id,
      ParentId: image.parent ?? '',
      RepoTags: tags,
      RepoDigests: digests,
      Created: Math.floor(created / 1000),
      Size: size,
      SharedSize: shared?.get(image.id) ?? -1,
      Labels: image.config.config?.Labels ?? null,
      Containers: options.sharedSize ? parts.usage(image.id).length : -1,
    };
    if (options.manifests) summary.Manifests = manifestsOf(parts, image, own);
    found.push({ created, summary });
  }
  return found.sort((a, b) => b.created - a.created || (a.summary.Id < b.summary.Id ? -1 : 1)).map(({ summary }) => summary);
}

/** Milliseconds since the epoch; 0 when the image does not say. */
export function createdOf(image: ImageRecord): number {
  return Date.parse(image.config.created ?? '') || 0;
}

/** To the nanosecond: images that were committed one after the other differ by less than a millisecond. */
function createdNanos(image: ImageRecord): bigint {
  try {
    return toNanos(image.config.created ?? NEVER);
  } catch {
    return 0n;
  }
}

function danglingOf(filters: Filters): boolean | undefined {
  const values = filters.get('dangling') ?? [];
  let wanted: boolean | undefined;
  for (const value of values) {
    if (['true', '1', 'True', 'TRUE', 't', 'T'].includes(value)) wanted = true;
    else if (['false', '0', 'False', 'FALSE', 'f', 'F'].includes(value)) wanted = false;
    else throw new Failure('invalidParameter', `invalid filter 'dangling=[${values.join(' ')}]'`);
  }
  return wanted;
}

/** The filters that are about the image itself (not its names): label, label!, before, since, until. */
export function imageFilter(parts: Parts, filters: Filters, accepted: ReadonlySet<string>): (image: ImageRecord) => boolean {
  for (const name of filters.keys()) {
    if (!accepted.has(name)) throw new Failure('invalidParameter', `invalid filter '${name}'`);
  }
  const before = (filters.get('before') ?? []).map((text) => createdNanos(findImage(parts, text).image));
  const since = (filters.get('since') ?? []).map((text) => createdNanos(findImage(parts, text).image));
  before.push(...(filters.get('until') ?? []).map(untilNanos));
  const timed = before.length + since.length > 0;
  const labels = filters.get('label') ?? [];
  const notLabels = filters.get('label!') ?? [];
  return (image) => {
    if (timed) {
      const created = createdNanos(image);
      if (before.some((limit) => created >= limit) || since.some((limit) => created <= limit)) return false;
    }
    const own = image.config.config?.Labels ?? {};
    return labels.every((wanted) => hasLabel(own, wanted)) && !notLabels.some((unwanted) => hasLabel(own, unwanted));
  };
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const equals = wanted.indexOf('=');
  if (equals < 0) return Object.hasOwn(labels, wanted);
  return labels[wanted.slice(0, equals)] === wanted.slice(equals + 1);
}

/** `reference=PATTERN`: a shell pattern over the name or name:tag as shown; `*` does not cross a slash. */
export function matchesReference(pattern: string, name: Reference): boolean {
  const regex = globRegExp(pattern);
  const short = familiarName(name);
  if (regex.test(familiar(name)) || regex.test(short)) return true;
  // As Docker's FamiliarMatch, which tries the last part of the path too for patterns without a slash? It does not.
  return false;
}

function globRegExp(pattern: string): RegExp {
  let source = '';
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i] as string;
    if (char === '*') source += '[^/]*';
    else if (char === '?') source += '[^/]';
    else if (char === '[') {
      const end = pattern.indexOf(']', i + 1);
      if (end < 0) throw new Failure('invalidParameter', 'syntax error in pattern');
      source += `[${pattern.slice(i + 1, end).replace(/\\/g, '\\\\')}]`;
      i = end;
    } else if (char === '\\' && i + 1 < pattern.length) source += quote(pattern[++i] as string);
    else source += quote(char);
  }
  return new RegExp(`^${source}$`);
}

function quote(char: string): string {
  return char.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&');
}

/** For each image, the bytes of layers that another image has too. */
export function sharedSizes(parts: Parts): Map<string, number> {
  const users = new Map<string, number>();
  for (const image of parts.catalog.all()) {
    for (const chainId of image.chain) users.set(chainId, (users.get(chainId) ?? 0) + 1);
  }
  const sizes = new Map<string, number>();
  for (const image of parts.catalog.all()) {
    let size = 0;
    image.chain.forEach((chainId, at) => {
      if ((users.get(chainId) ?? 0) > 1) size += parts.layers.get(image.config.rootfs.diff_ids[at] as string)?.size ?? 0;
    });
    sizes.set(image.id, size);
  }
  return sizes;
}
