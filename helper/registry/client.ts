/**
 * A repository on a registry.
 * Source: OCI distribution specification
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryAuth } from '../contract/docker/index.ts';
import { Failure } from '../engine/failure.ts';
import { Authorizer } from './auth.ts';
import { secureContext } from './certificates.ts';
import type { Endpoint, RegistrySettings } from './endpoints.ts';
import { endpointsOf } from './endpoints.ts';
import { ConnectionFailure, RegistryFailure, readBody, registryError } from './errors.ts';
import type { RegistryResponse } from './response.ts';
import type { RegistryRequest } from './transport.ts';
import { HttpTransport } from './transport.ts';

export interface FetchedManifest {
  data: Buffer;
  mediaType: string;
  /** Of these bytes; checked against what was asked for. */
  digest: string;
}

export const MANIFEST_TYPES = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];
/** Manifests above this are refused by registries as well. */
const MANIFEST_BYTES = 4 * 1024 * 1024;

export interface RepositoryOptions {
  domain: string;
  path: string;
  auth: RegistryAuth | undefined;
  settings: RegistrySettings;
  /** What will be done: scopes of tokens. */
  actions: 'pull' | 'pull,push';
  silenceMs?: number;
  /** `docker login`: a token server is asked for a token that lasts, too. */
  login?: boolean;
}

interface RequestOptions {
  headers?: Record<string, string>;
  body?: Buffer | Readable;
  accept: number[];
  redirects?: number;
  scope?: string;
  /** No second try: the caller has its own. */
  once?: boolean;
  /** How the request is called in messages, where dockerd makes another one. */
  verb?: string;
}

/** Tries of one request whose answer is short; layers have more. */
export const TRIES = 3;
const BACKOFF_MS = 300;
/** Who wants us to wait longer than this is told to the user instead. */
const LONGEST_PAUSE_MS = 5_000;

const isStream = (body: Buffer | Readable | undefined): boolean => body !== undefined && !Buffer.isBuffer(body);

/** One endpoint of a repository with its connections and its token. */
export class Repository {
  readonly endpoint: Endpoint;
  readonly path: string;
  readonly #transport: HttpTransport;
  readonly #authorizer: Authorizer;
  readonly #scope: string;
  #reached = false;

  constructor(endpoint: Endpoint, options: RepositoryOptions, transport: HttpTransport) {
    this.endpoint = endpoint;
    this.path = options.path;
    this.#transport = transport;
    // Credentials of a registry are not a mirror's.
    this.#authorizer = new Authorizer(endpoint.mirror ? undefined : options.auth, transport, { offline: options.login ?? false });
    this.#scope = `repository:${options.path}:${options.actions}`;
  }

  /** Whether anybody has answered here. */
  get reached(): boolean {
    return this.#reached;
  }

  /**
   * Sends a request, answering a challenge once, and again when the registry is out of order for a moment (unless its body is
   * a stream). Statuses in `accept` are returned, others thrown.
   * @throws RegistryFailure, ConnectionFailure
   */
  async request(method: string, target: string | URL, options: RequestOptions, signal: AbortSignal): Promise<RegistryResponse> {
    const url = typeof target === 'string' ? new URL(`${this.endpoint.base}/v2/${target}`) : target;
    const tries = options.once || isStream(options.body) || this.endpoint.mirror ? 1 : TRIES;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#ask(method, url, options, signal);
      } catch (error) {
        signal.throwIfAborted();
        const wait = attempt < tries ? this.#pause(error, attempt) : undefined;
        if (wait === undefined) throw error;
        await sleep(wait, undefined, { signal });
      }
    }
  }

  /** Milliseconds until a request that failed may be tried again; undefined: that would not help. */
  #pause(error: unknown, attempt: number): number | undefined {
    const backoff = BACKOFF_MS * 2 ** (attempt - 1);
    // Who never answered is not there; who did has lost a connection.
    if (error instanceof ConnectionFailure) return this.#reached ? backoff : undefined;
    if (!(error instanceof RegistryFailure) || !error.passing) return undefined;
    const wait = Math.max(backoff, error.retryAfterMs ?? 0);
    return wait > LONGEST_PAUSE_MS ? undefined : wait;
  }

  async #ask(method: string, url: URL, options: RequestOptions, signal: AbortSignal): Promise<RegistryResponse> {
    const scope = options.scope ?? this.#scope;
    const what = `${options.verb ?? method.charAt(0) + method.slice(1).toLowerCase()} ${JSON.stringify(url.href)}`;
    let authorization = this.#own(url) ? await this.#authorizer.header(scope, what, signal) : undefined;
    for (let attempt = 0; ; attempt++) {
      // dockerd asks /v2/ first, so that is the URL its users see when a registry can't be reached.
      const called = this.#reached ? undefined : `${this.endpoint.base}/v2/`;
      const request: RegistryRequest = { method, url, headers: { ...options.headers }, signal };
      if (called) request.called = called;
      if (authorization) request.headers = { ...request.headers, authorization };
      if (options.body !== undefined) request.body = options.body;
      if (options.redirects !== undefined) request.redirects = options.redirects;
      const response = await this.#transport.request(request);
      this.#reached = true;
      if (options.accept.includes(response.status)) return response;
      if (response.status === 401 && attempt === 0 && this.#own(response.url)) {
        const asked = response.headers['www-authenticate'];
        const answer = await this.#authorizer.challenged(asked, scope, authorization, what, signal).catch((error: unknown) => {
          response.body.resume();
          throw error;
        });
        if (answer !== undefined) {
          response.body.resume();
          authorization = answer;
          if (!isStream(options.body)) continue;
          // What was sent of a stream is gone: whoever has it sends it once more, with the new token.
          throw new ConnectionFailure('the registry wants a new token');
        }
      }
      throw await registryError(response, `${method} ${url.href}`);
    }
  }

  #own(url: URL): boolean {
    return url.origin === new URL(this.endpoint.base).origin;
  }

  /** Is there a registry, and are we let in? */
  async ping(signal: AbortSignal): Promise<void> {
    const response = await this.request('GET', '', { accept: [200], scope: '' }, signal);
    response.body.resume();
  }

  identityToken(): string {
    return this.#authorizer.identityToken();
  }

  /** @param reference tag or digest @throws RegistryFailure */
  async manifest(reference: string, signal: AbortSignal): Promise<FetchedManifest> {
    const response = await this.request(
      'GET',
      `${this.path}/manifests/${reference}`,
      // dockerd looks a tag up first.
      { headers: { accept: MANIFEST_TYPES.join(', ') }, accept: [200], ...(reference.includes(':') ? {} : { verb: 'Head' }) },
      signal,
    );
    const data = await readBody(response.body, MANIFEST_BYTES);
    const digest = digestOf(data);
    if (reference.includes(':') && reference !== digest) {
      throw new Failure('system', `manifest verification failed for digest ${reference}`);
    }
    const mediaType = (response.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
    return { data, mediaType: mediaTypeOf(data, mediaType), digest };
  }

  /** @param reference tag or digest @returns the digest under which the registry has it */
  async putManifest(reference: string, data: Buffer, mediaType: string, signal: AbortSignal): Promise<string> {
    const headers = { 'content-type': mediaType, 'content-length': String(data.length) };
    const target = `${this.path}/manifests/${reference}`;
    const response = await this.request('PUT', target, { headers, body: data, accept: [200, 201, 202], redirects: 0 }, signal);
    response.body.resume();
    return digestOf(data);
  }

  async tags(signal: AbortSignal): Promise<string[]> {
    const response = await this.request('GET', `${this.path}/tags/list`, { accept: [200] }, signal);
    const { tags } = JSON.parse((await readBody(response.body, 16 * MANIFEST_BYTES)).toString()) as { tags: string[] | null };
    return tags ?? [];
  }

  /** A small blob (a config), verified. @throws Failure */
  async smallBlob(digest: string, signal: AbortSignal): Promise<Buffer> {
    for (let attempt = 1; ; attempt++) {
      const { body } = await this.#blob(digest, { accept: [200] }, signal);
      try {
        const data = await readBody(body, MANIFEST_BYTES * 2);
        if (digestOf(data) === digest) return data;
      } catch (error) {
        // Cut off in its midst.
        if (!(error instanceof ConnectionFailure) || attempt === TRIES) throw error;
        continue;
      }
      throw new Failure('system', `image config verification failed for digest ${digest}`);
    }
  }

  /** Opens a blob from `offset` on, once. Status 206 when the registry honours it, 200 when it sends all. */
  openBlob(digest: string, offset: number, signal: AbortSignal): Promise<RegistryResponse> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    return this.#blob(digest, { headers, accept: offset > 0 ? [200, 206, 416] : [200], once: true }, signal);
  }

  async #blob(digest: string, options: RequestOptions, signal: AbortSignal): Promise<RegistryResponse> {
    try {
      return await this.request('GET', `${this.path}/blobs/${digest}`, options, signal);
    } catch (error) {
      // Whatever page comes with it.
      if (error instanceof RegistryFailure && error.status === 404)
        throw new RegistryFailure('notFound', 'unknown blob', 404, 'BLOB_UNKNOWN');
      throw error;
    }
  }

  close(): void {
    this.#transport.close();
  }
}

function digestOf(data: Uint8Array): string {
  return `sha256:${createHash('sha256').update(data).digest('hex')}`;
}

/** The type that the manifest itself names is worth more than a header that a proxy may have changed. */
function mediaTypeOf(data: Buffer, header: string): string {
  try {
    const { mediaType } = JSON.parse(data.toString()) as { mediaType?: unknown };
    return typeof mediaType === 'string' ? mediaType : header;
  } catch {
    return header;
  }
}

/**
 * Runs `work` on the first endpoint of a registry that can do it: mirrors first, https before http. Whatever a mirror lacks,
 * refuses or breaks off in the middle is asked of the next.
 * @throws what the last endpoint says; a definite answer (found, refused) of a registry itself ends the search
 */
export async function withRepository<T>(
  options: RepositoryOptions,
  signal: AbortSignal,
  work: (repository: Repository) => Promise<T>,
): Promise<T> {
  let last: unknown;
  for (const endpoint of await endpointsOf(options.domain, options.settings)) {
    const transport = new HttpTransport({
      insecure: endpoint.insecure,
      trust: (host) => secureContext(host, endpoint.host),
      ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
    });
    const repository = new Repository(endpoint, options, transport);
    try {
      return await work(repository);
    } catch (error) {
      last = error;
      signal.throwIfAborted();
      const theirs = error instanceof RegistryFailure || error instanceof ConnectionFailure;
      // Of https and http on one host, what https said matters only if a registry answered there.
      if (!theirs || (!endpoint.mirror && repository.reached)) throw error;
    } finally {
      repository.close();
    }
  }
  throw last;
}
