import type { Filters } from '../engine/events/types.ts';
import { Failure } from '../engine/failure.ts';

/** What each list and prune accepts; another name is an error, as dockerd has it. */
export const ACCEPTED = {
  containers: [
    ...['ancestor', 'before', 'exited', 'expose', 'health', 'id', 'is-task', 'isolation', 'label', 'name', 'network'],
    ...['publish', 'since', 'status', 'volume'],
  ],
  images: ['before', 'dangling', 'label', 'label!', 'reference', 'since', 'until'],
  networks: ['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type'],
  volumes: ['dangling', 'driver', 'label', 'name'],
  containersPrune: ['label', 'label!', 'until'],
  plugins: ['capability', 'enabled'],
  imagesSearch: ['is-automated', 'is-official', 'stars'],
  imagesPrune: ['dangling', 'label', 'label!', 'until'],
  networksPrune: ['label', 'label!', 'until'],
  volumesPrune: ['all', 'label', 'label!'],
} as const;

/**
 * The `filters` parameter: a JSON map of lists (`{"label":["a=b"]}`) or, as older and Go clients write it, of sets
 * (`{"label":{"a=b":true}}`). Values keep their order and are unique.
 *
 * @param accepted names that are allowed; undefined: all
 * @throws Failure invalidParameter `invalid filter` or `invalid filter 'NAME'`
 */
export function parseFilters(text: string, accepted?: readonly string[]): Map<string, string[]> {
  const filters = new Map<string, string[]>();
  if (text === '') return filters;
  for (const [name, values] of Object.entries(parseMap(text))) {
    if (accepted && !accepted.includes(name)) throw new Failure('invalidParameter', `invalid filter '${name}'`);
    filters.set(name, [...new Set(valuesOf(values))]);
  }
  return filters;
}

function parseMap(text: string): object {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Failure('invalidParameter', 'invalid filter');
  }
  if (value === null) return {};
  if (typeof value !== 'object' || Array.isArray(value)) throw new Failure('invalidParameter', 'invalid filter');
  return value;
}

function valuesOf(values: unknown): string[] {
  if (values === null) return [];
  if (Array.isArray(values) && values.every((value) => typeof value === 'string')) return values;
  if (typeof values === 'object' && !Array.isArray(values) && Object.values(values).every((value) => typeof value === 'boolean')) {
    return Object.keys(values);
  }
  throw new Failure('invalidParameter', 'invalid filter');
}

/**
 * A filter that is a truth value (`dangling`, `all`). @throws Failure invalidParameter `invalid filter 'NAME=[VALUE]'`
 */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  const isTrue = values.includes('1') || values.includes('true');
  const isFalse = values.includes('0') || values.includes('false');
  if (isTrue === isFalse) {
    throw new Failure('invalidParameter', values.length ? `invalid filter '${name}=[${values.join(' ')}]'` : `invalid filter '${name}'`);
  }
  return isTrue;
}
