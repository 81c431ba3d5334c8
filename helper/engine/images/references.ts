/**
 * Image references: grammar, normalisation, and dockerd's words for what is wrong with one.
 * Source: distribution reference grammar; Docker's normalisation (docker.io, library/, latest)
 */
import { Failure } from '../failure.ts';

/** A reference with its defaults filled in. */
export interface Reference {
  /** Registry: `docker.io`, `localhost:5000`. */
  domain: string;
  /** Repository within it: `library/busybox`. */
  path: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

const ALPHANUMERIC = '[a-z0-9]+';
const SEPARATOR = '(?:[._]|__|[-]+)';
const PATH_COMPONENT = `${ALPHANUMERIC}(?:${SEPARATOR}${ALPHANUMERIC})*`;
const DOMAIN_COMPONENT = '(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])';
const DOMAIN = `(?:${DOMAIN_COMPONENT}(?:\\.${DOMAIN_COMPONENT})*|\\[(?:[a-fA-F0-9:]+)\\])(?::[0-9]+)?`;
const TAG = '[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}';
const DIGEST = '[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}';
const REFERENCE = new RegExp(`^((?:${DOMAIN}/)?${PATH_COMPONENT}(?:/${PATH_COMPONENT})*)(?::(${TAG}))?(?:@(${DIGEST}))?$`);
const TAG_ONLY = new RegExp(`^${TAG}$`);
const IDENTIFIER = /^[a-f0-9]{64}$/;
const SHA256 = /^sha256:[a-f0-9]{64}$/;
/** Repository names longer than this are refused, as by Docker. */
const NAME_LIMIT = 255;

function invalid(message: string): Failure {
  return new Failure('invalidParameter', message);
}

function splitDomain(name: string): [string, string] {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  let domain: string;
  let rest: string;
  // A first component is a host when it looks like one: a dot, a port, localhost, or upper case (no repository has any).
  if (slash < 0 || (!/[.:]/.test(first) && first !== 'localhost' && first.toLowerCase() === first)) {
    domain = 'docker.io';
    rest = name;
  } else {
    domain = first;
    rest = name.slice(slash + 1);
  }
  if (domain === 'index.docker.io') domain = 'docker.io';
  if (domain === 'docker.io' && !rest.includes('/')) rest = `library/${rest}`;
  return [domain, rest];
}

/**
 * Parses a name as a user writes it: `busybox`, `user/x:1`, `host:5000/a/b@sha256:…`.
 * @returns the reference without a default tag
 * @throws Failure invalidParameter in dockerd's words
 */
export function parseNamed(text: string): Reference {
  if (IDENTIFIER.test(text)) {
    throw invalid(`invalid repository name (${text}), cannot specify 64-byte hexadecimal strings`);
  }
  const [domain, rest] = splitDomain(text);
  const colon = rest.indexOf(':');
  const remote = colon < 0 ? rest : rest.slice(0, colon);
  if (remote.toLowerCase() !== remote) throw invalid(`invalid reference format: repository name (${remote}) must be lowercase`);
  const match = REFERENCE.exec(`${domain}/${rest}`);
  if (!match) throw invalid('invalid reference format');
  const name = match[1] as string;
  const path = name.slice(domain.length + 1);
  if (path.length > NAME_LIMIT) throw invalid('repository name must not be more than 255 characters');
  const digest = match[3];
  if (digest !== undefined && !SHA256.test(digest)) {
    if (!digest.startsWith('sha256:')) throw invalid('unsupported digest algorithm');
    throw invalid(digest.length === 71 ? 'invalid checksum digest format' : 'invalid checksum digest length');
  }
  return { domain, path, ...(match[2] === undefined ? {} : { tag: match[2] }), ...(digest === undefined ? {} : { digest }) };
}

/** The same with `latest` where neither tag nor digest is given. */
export function withDefaultTag(reference: Reference): Reference {
  return reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: 'latest' } : reference;
}

/** A repository and a tag, given apart as by `POST /images/{name}/tag`. @throws Failure invalidParameter */
export function parseRepositoryTag(repository: string, tag: string): Reference {
  const reference = parseNamed(repository);
  if (reference.digest !== undefined) throw invalid('cannot import digest reference');
  if (familiarName(reference) === 'sha256') throw invalid('refusing to create an ambiguous tag using digest algorithm as name');
  if (tag === '') return withDefaultTag(reference);
  if (!TAG_ONLY.test(tag)) throw invalid('invalid tag format');
  return { ...reference, tag };
}

/** What a user may name an image by: an id, or a name. */
export type AnyReference = { kind: 'id'; id: string } | { kind: 'name'; reference: Reference };

/** @throws Failure invalidParameter */
export function parseAny(text: string): AnyReference {
  if (IDENTIFIER.test(text)) return { kind: 'id', id: `sha256:${text}` };
  if (SHA256.test(text)) return { kind: 'id', id: text };
  return { kind: 'name', reference: parseNamed(text) };
}

/** `docker.io/library/busybox` */
export function repositoryOf(reference: Reference): string {
  return `${reference.domain}/${reference.path}`;
}

/** Fully written, as the store names it: `docker.io/library/busybox:1`. With a tag and a digest, both. */
export function format(reference: Reference): string {
  const tag = reference.tag === undefined ? '' : `:${reference.tag}`;
  const digest = reference.digest === undefined ? '' : `@${reference.digest}`;
  return `${repositoryOf(reference)}${tag}${digest}`;
}

/** As Docker shows a repository: `busybox`, `user/x`, `host:5000/x`. */
export function familiarName(reference: Reference): string {
  if (reference.domain !== 'docker.io') return repositoryOf(reference);
  return reference.path.startsWith('library/') && !reference.path.slice(8).includes('/') ? reference.path.slice(8) : reference.path;
}

/** As Docker shows a reference: `busybox:1`. */
export function familiar(reference: Reference): string {
  return familiarName(reference) + format(reference).slice(repositoryOf(reference).length);
}

/** A repository and a tag as the user calls them: `docker.io/library/a`, `1` → `a:1`. @throws Failure invalidParameter */
export function familiarReference(repository: string, tag: string | undefined): string {
  return familiar(parseRepositoryTag(repository, tag ?? ''));
}
