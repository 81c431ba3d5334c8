import type { RegistryAuth } from '../../contract/docker/index.ts';
import { type SearchResult, searchIndex } from '../../registry/search.ts';
import type { Filters } from '../events/types.ts';
import { Failure } from '../failure.ts';
import type { Parts } from './parts.ts';

const DEFAULT_LIMIT = 25;
const LARGEST_LIMIT = 100;

/** `example.org:5000/tools` → the host and what to look for there; Docker Hub where none is named. */
function splitTerm(term: string): { domain: string; term: string } {
  const slash = term.indexOf('/');
  const first = slash < 0 ? '' : term.slice(0, slash);
  const named = first !== 'docker.io' && first !== 'index.docker.io' && (/[.:]/.test(first) || first === 'localhost');
  if (named) return { domain: first, term: term.slice(slash + 1) };
  const rest = first === 'docker.io' || first === 'index.docker.io' ? term.slice(slash + 1) : term;
  return { domain: 'docker.io', term: rest.replace(/^library\//, '') };
}

/**
 * GET /images/search
 * @param limit 0: 25
 * @throws Failure invalidParameter for a limit beyond 100, a bad filter, a term with a scheme
 */
export async function search(
  parts: Parts,
  query: { term: string; limit: number; filters: Filters; auth: RegistryAuth | undefined },
  signal: AbortSignal,
): Promise<SearchResult[]> {
  const { filters } = query;
  const automated = truth(filters, 'is-automated');
  const official = truth(filters, 'is-official');
  const stars = leastStars(filters);
  // Nothing is, any more.
  if (automated) return [];
  if (/^https?:\/\//.test(query.term)) {
    throw new Failure('invalidParameter', `invalid repository name: repository name (${query.term}) should not have a scheme`);
  }
  const limit = query.limit || DEFAULT_LIMIT;
  if (limit < 1 || limit > LARGEST_LIMIT) {
    throw new Failure('invalidParameter', `limit ${limit} is outside the range of [1, ${LARGEST_LIMIT}]`);
  }
  const found = await searchIndex({ ...splitTerm(query.term), limit, auth: query.auth }, parts.context.config, signal);
  return found.filter((result) => (official === undefined || result.is_official === official) && result.star_count >= stars);
}

/** @throws Failure invalidParameter */
function truth(filters: Filters, name: string): boolean | undefined {
  const values = filters.get(name);
  if (values === undefined) return undefined;
  if (values.includes('true') || values.includes('1')) return true;
  if (values.includes('false') || values.includes('0')) return false;
  throw new Failure('invalidParameter', `invalid filter '${name}=[${values.join(' ')}]'`);
}

/** @throws Failure invalidParameter */
function leastStars(filters: Filters): number {
  const counts = (filters.get('stars') ?? []).map((text) => {
    if (/^[+-]?\d+$/.test(text)) return Number(text);
    throw new Failure('invalidParameter', `invalid filter 'stars=${text}': strconv.Atoi: parsing ${JSON.stringify(text)}: invalid syntax`);
  });
  return Math.max(0, ...counts);
}
