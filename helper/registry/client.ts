/**
 * A repository on a registry.
 * Source: OCI distribution specification
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { RegistryAuth } from '../contract/docker.ts';
import { Failure } from '../engine/failure.ts';
import { Authorizer } from './auth.ts';
import { readCertificates } from './certificates.ts';
import type { Endpoint, RegistrySettings } from './endpoints.ts';
import { endpointsOf } from './endpoints.ts';
import { RegistryFailure, readErrorBody, registryError } from './errors.ts';
import type { RegistryRequest, RegistryResponse } from './transport.ts';
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
}

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
    this.#authorizer = new Authorizer(endpoint.mirror ? undefined : options.auth, transport);
    this.#scope = `repository:${options.path}:${options.actions}`;
  }

  /** Sends a request, answering a challenge once. Statuses in `accept` are returned, others thrown. */
  async request(
    method: string,
    target: string | URL,
    options: { headers?: Record<string, string>; body?: Buffer | Readable; accept: number[]; redirects?: number; scope?: string },
    signal: AbortSignal,
  ): Promise<RegistryResponse> {
    const url = typeof target === 'string' ? new URL(`${this.endpoint.base}/v2/${target}`) : target;
    const scope = options.scope ?? this.#scope;
    let authorization = this.#own(url) ? await this.#authorizer.header(scope, signal) : undefined;
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
      const canRepeat = options.body === undefined || Buffer.isBuffer(options.body);
      if (response.status === 401 && attempt === 0 && canRepeat && this.#own(response.url)) {
        const what = `${method.charAt(0)}${method.slice(1).toLowerCase()} ${JSON.stringify(url.href)}`;
        response.body.resume();
        authorization = await this.#authorizer.challenged(response.headers['www-authenticate'], scope, authorization, what, signal);
        continue;
      }
      throw registryError(response.status, await readErrorBody(response), `${method} ${url.href}`);
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
      { headers: { accept: MANIFEST_TYPES.join(', ') }, accept: [200] },
      signal,
    );
    const data = await readAll(response.body, MANIFEST_BYTES);
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
    const { tags } = JSON.parse((await readAll(response.body, 16 * MANIFEST_BYTES)).toString()) as { tags: string[] | null };
    return tags ?? [];
  }

  /** A small blob (a config), verified. */
  async smallBlob(digest: string, signal: AbortSignal): Promise<Buffer> {
    const response = await this.openBlob(digest, 0, signal);
    const data = await readAll(response.body, MANIFEST_BYTES * 2);
    if (digestOf(data) !== digest) throw new Failure('system', `image config verification failed for digest ${digest}`);
    return data;
  }

  /** Opens a blob from `offset` on. Status 206 when the registry honours it, 200 when it sends all. */
  openBlob(digest: string, offset: number, signal: AbortSignal): Promise<RegistryResponse> {
    const headers: Record<string, string> = offset > 0 ? { range: `bytes=${offset}-` } : {};
    return this.request('GET', `${this.path}/blobs/${digest}`, { headers, accept: offset > 0 ? [200, 206, 416] : [200] }, signal);
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

export async function readAll(body: Readable, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > limit) throw new Failure('system', `the registry's answer is larger than ${limit} bytes`);
    parts.push(chunk);
  }
  return Buffer.concat(parts);
}

/**
 * Runs `first` on the first endpoint of a registry that can do it: mirrors first, https before http.
 * The repository stays open: `close` it.
 * @throws what the last endpoint says; a definite answer (found, refused) of a registry itself ends the search
 */
export async function openRepository<T>(
  options: RepositoryOptions,
  first: (repository: Repository) => Promise<T>,
): Promise<{ repository: Repository; result: T }> {
  const endpoints = endpointsOf(options.domain, options.settings);
  let last: unknown;
  for (const endpoint of endpoints) {
    const tls = endpoint.base.startsWith('https:') ? await readCertificates(endpoint.host) : undefined;
    const transport = new HttpTransport({
      insecure: endpoint.insecure,
      ...(tls ? { tls } : {}),
      ...(options.silenceMs === undefined ? {} : { silenceMs: options.silenceMs }),
    });
    const repository = new Repository(endpoint, options, transport);
    try {
      return { repository, result: await first(repository) };
    } catch (error) {
      repository.close();
      // Of https and http on one host, what https said matters only if a registry answered there.
      last = error;
      const answered = error instanceof RegistryFailure;
      if (answered && !endpoint.mirror) throw error;
      if ((error as Error).name === 'AbortError') throw error;
    }
  }
  throw last;
}
