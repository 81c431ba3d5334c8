import type { Filters } from '../events/types.ts';
import { Failure } from '../failure.ts';
import { ANONYMOUS_LABEL } from './names.ts';
import type { StoredVolume } from './store.ts';

const LIST = new Set(['dangling', 'driver', 'label', 'name']);
const PRUNE = new Set(['label', 'label!', 'all']);

function checkKeys(filters: Filters, known: Set<string>): void {
  for (const key of filters.keys()) if (!known.has(key)) throw new Failure('invalidParameter', `invalid filter '${key}'`);
}

function flag(filters: Filters, key: string): boolean | undefined {
  const values = filters.get(key);
  if (!values || values.length === 0) return undefined;
  if (values.length === 1) {
    if (/^(1|t|true)$/i.test(values[0] ?? '')) return true;
    if (/^(0|f|false)$/i.test(values[0] ?? '')) return false;
  }
  throw new Failure('invalidParameter', `invalid filter '${key}=[${values.join(' ')}]'`);
}

/** `key` or `key=value`; all must hold. */
function hasLabels(labels: Record<string, string>, wanted: readonly string[]): boolean {
  return wanted.every((text) => hasLabel(labels, text));
}

function hasLabel(labels: Record<string, string>, text: string): boolean {
  const cut = text.indexOf('=');
  if (cut < 0) return Object.hasOwn(labels, text);
  const key = text.slice(0, cut);
  return Object.hasOwn(labels, key) && labels[key] === text.slice(cut + 1);
}

/** dockerd matches names as patterns, unanchored; what is no pattern is compared as text. */
function matches(name: string, wanted: readonly string[]): boolean {
  return wanted.some((text) => {
    if (name.includes(text)) return true;
    try {
      return new RegExp(text).test(name);
    } catch {
      return false;
    }
  });
}

/** @throws Failure invalidParameter for unknown keys and values */
export function listFilter(filters: Filters): (volume: StoredVolume, used: boolean) => boolean {
  checkKeys(filters, LIST);
  const dangling = flag(filters, 'dangling');
  const names = filters.get('name') ?? [];
  const drivers = filters.get('driver') ?? [];
  const labels = filters.get('label') ?? [];
  return (volume, used) =>
    (dangling === undefined || dangling === !used) &&
    (names.length === 0 || matches(volume.name, names)) &&
    (drivers.length === 0 || drivers.includes('local')) &&
    hasLabels(volume.labels, labels);
}

function allOf([value, ...more]: readonly string[]): boolean {
  if (value === undefined) return false;
  if (more.length > 0) {
    throw new Failure('invalidParameter', `invalid filter 'all=[${[value, ...more].join(' ')}]': only one value is expected`);
  }
  if (/^(1|t|T|true|TRUE|True)$/.test(value)) return true;
  if (/^(0|f|F|false|FALSE|False)$/.test(value)) return false;
  throw new Failure('invalidParameter', `invalid filter 'all': strconv.ParseBool: parsing ${JSON.stringify(value)}: invalid syntax`);
}

/**
 * Which unused volumes `prune` removes: anonymous ones, by their label, or all with `all=true` (what API versions below 1.42 always did). Never one
 * with driver options: what it shows lies elsewhere.
 */
export function pruneFilter(filters: Filters): (volume: StoredVolume) => boolean {
  checkKeys(filters, PRUNE);
  const all = allOf(filters.get('all') ?? []);
  const labels = filters.get('label') ?? [];
  const without = filters.get('label!') ?? [];
  return (volume) =>
    (all || Object.hasOwn(volume.labels, ANONYMOUS_LABEL)) &&
    Object.keys(volume.options).length === 0 &&
    hasLabels(volume.labels, labels) &&
    !without.some((text) => hasLabel(volume.labels, text));
}
