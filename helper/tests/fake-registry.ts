/**
 * A registry in this process, with all that real ones won't do: it can lie, stall, cut off, refuse, count. Speaks as much of the
 * OCI distribution specification as pulling and pushing need.
 */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { configOf, digestOf } from './images.ts';

export const DOCKER = {
  manifest: 'application/vnd.docker.distribution.manifest.v2+json',
  list: 'application/vnd.docker.distribution.manifest.list.v2+json',
  config: 'application/vnd.docker.container.image.v1+json',
  layer: 'application/vnd.docker.image.rootfs.diff.tar.gzip',
};

export interface Descriptor {
  mediaType: string;
  size: number;
  digest: string;
}
export interface Made {
  manifest: Buffer;
  digest: string;
  config: Descriptor;
  layers: Descriptor[];
}

/** Answers a request itself (and returns true), or leaves it to the registry. */
export type Hook = (request: http.IncomingMessage, response: http.ServerResponse, url: URL) => boolean | Promise<boolean>;

export class FakeRegistry {
  readonly server: http.Server;
  readonly blobs = new Map<string, Buffer>();
  /** By `repository:tag` and `repository@digest`. */
  readonly manifests = new Map<string, { data: Buffer; mediaType: string }>();
  /** `METHOD /path` of all that was asked, in order, with the headers that came. */
  readonly requests: { line: string; headers: http.IncomingHttpHeaders }[] = [];
  hook: Hook | undefined;
  /** So many uploads lose their connection when so many bytes have come. */
  cutUploads = { times: 0, bytes: 0 };
  readonly #uploads = new Map<string, Buffer>();
  #scheme: 'http' | 'https';

  constructor(tls?: https.ServerOptions) {
    this.#scheme = tls ? 'https' : 'http';
    const listener = (request: http.IncomingMessage, response: http.ServerResponse): void => {
      this.#answer(request, response).catch((error: Error) => response.destroy(error));
    };
    this.server = tls ? https.createServer(tls, listener) : http.createServer(listener);
    this.server.keepAliveTimeout = 0;
  }

  static async start(tls?: https.ServerOptions): Promise<FakeRegistry> {
    const registry = new FakeRegistry(tls);
    registry.server.listen(0, '127.0.0.1');
    await once(registry.server, 'listening');
    return registry;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }
  /** What goes before an image's name. */
  get host(): string {
    return `127.0.0.1:${this.port}`;
  }
  get url(): string {
    return `${this.#scheme}://${this.host}`;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  count(pattern: RegExp): number {
    return this.requests.filter(({ line }) => pattern.test(line)).length;
  }

  /** Blobs and manifest of an image of these layers, under `name:tag`. */
  add(reference: string, layers: Buffer[], more: { config?: Buffer; packed?: Buffer[] } = {}): Made {
    const config = more.config ?? configOf(layers);
    const packed = more.packed ?? layers.map((layer) => gzipSync(layer, { level: 1 }));
    const descriptors = packed.map((data) => ({ mediaType: DOCKER.layer, ...this.blob(data) }));
    const own = { mediaType: DOCKER.config, ...this.blob(config) };
    const manifest = { schemaVersion: 2, mediaType: DOCKER.manifest, config: own, layers: descriptors };
    const { data, digest } = this.manifest(reference, manifest, DOCKER.manifest);
    return { manifest: data, digest, config: own, layers: descriptors };
  }

  blob(data: Buffer): { size: number; digest: string } {
    const digest = digestOf(data);
    this.blobs.set(digest, data);
    return { size: data.length, digest };
  }

  manifest(reference: string, value: unknown, mediaType: string): { data: Buffer; digest: string } {
    const data = Buffer.from(JSON.stringify(value));
    const digest = digestOf(data);
    this.manifests.set(reference, { data, mediaType });
    this.manifests.set(`${reference.split(':')[0]}@${digest}`, { data, mediaType });
    return { data, digest };
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', this.url);
    this.requests.push({ line: `${request.method} ${url.pathname}${url.search}`, headers: request.headers });
    request.on('error', () => undefined);
    if (await this.hook?.(request, response, url)) return;
    const [, repository = '', kind = '', what = ''] =
      /^\/v2\/(.+?)\/(manifests|blobs|tags|blobs\/uploads)\/([^/]*)$/.exec(url.pathname) ?? [];
    if (url.pathname === '/v2/') return void response.end('{}');
    if (kind === 'tags') return this.#tags(response, repository);
    if (kind === 'manifests') return this.#manifests(request, response, repository, what);
    if (kind === 'blobs/uploads' || what === 'uploads')
      return this.#upload(request, response, url, repository, what === 'uploads' ? '' : what);
    if (kind === 'blobs') return this.#blob(request, response, what);
    refuse(response, 404, 'NAME_UNKNOWN', 'repository name not known to registry');
  }

  #tags(response: http.ServerResponse, repository: string): void {
    const tags = [...this.manifests.keys()]
      .filter((key) => key.startsWith(`${repository}:`))
      .map((key) => key.slice(repository.length + 1));
    response.end(JSON.stringify({ name: repository, tags }));
  }

  async #manifests(request: http.IncomingMessage, response: http.ServerResponse, repository: string, what: string): Promise<void> {
    const key = what.startsWith('sha256:') ? `${repository}@${what}` : `${repository}:${what}`;
    if (request.method === 'PUT') {
      const data = await body(request);
      const digest = digestOf(data);
      for (const each of [key, `${repository}@${digest}`])
        this.manifests.set(each, { data, mediaType: request.headers['content-type'] ?? '' });
      return void response.writeHead(201, { 'Docker-Content-Digest': digest }).end();
    }
    const found = this.manifests.get(key);
    if (!found) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown');
    const { data, mediaType } = found;
    const headers = { 'Content-Type': mediaType, 'Content-Length': data.length, 'Docker-Content-Digest': digestOf(data) };
    response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : data);
  }

  #blob(request: http.IncomingMessage, response: http.ServerResponse, digest: string): void {
    const data = this.blobs.get(digest);
    if (data) sendBlob(request, response, data);
    else refuse(response, 404, 'BLOB_UNKNOWN', 'blob unknown to registry');
  }

  async #upload(request: http.IncomingMessage, response: http.ServerResponse, url: URL, repository: string, id: string): Promise<void> {
    if (request.method === 'POST') {
      const mounted = url.searchParams.get('mount');
      if (mounted && this.blobs.has(mounted)) return void response.writeHead(201, { Location: `/v2/${repository}/blobs/${mounted}` }).end();
      const fresh = randomBytes(6).toString('hex');
      this.#uploads.set(fresh, Buffer.alloc(0));
      return void response.writeHead(202, { Location: `/v2/${repository}/blobs/uploads/${fresh}`, Range: '0-0' }).end();
    }
    const so = this.#uploads.get(id);
    if (!so) return refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'upload unknown');
    const place = { Location: `/v2/${repository}/blobs/uploads/${id}` };
    if (request.method === 'GET') return void response.writeHead(204, { ...place, Range: `0-${Math.max(0, so.length - 1)}` }).end();
    const start = Number(/^(\d+)-/.exec(String(request.headers['content-range'] ?? ''))?.[1] ?? so.length);
    if (start !== so.length) return refuse(response, 416, 'BLOB_UPLOAD_INVALID', 'range');
    // Kept as it comes: what arrived before a cut counts.
    let seen = 0;
    for await (const chunk of request) {
      this.#uploads.set(id, Buffer.concat([this.#uploads.get(id) as Buffer, chunk as Buffer]));
      seen += (chunk as Buffer).length;
      if (this.cutUploads.times === 0 || seen < this.cutUploads.bytes) continue;
      this.cutUploads.times--;
      return void request.socket.destroy();
    }
    const data = this.#uploads.get(id) as Buffer;
    if (request.method === 'PATCH') return void response.writeHead(202, { ...place, Range: `0-${Math.max(0, data.length - 1)}` }).end();
    if (digestOf(data) !== url.searchParams.get('digest'))
      return refuse(response, 400, 'DIGEST_INVALID', 'provided digest did not match uploaded content');
    this.blobs.set(digestOf(data), data);
    this.#uploads.delete(id);
    response.writeHead(201, { Location: `/v2/${repository}/blobs/${digestOf(data)}` }).end();
  }
}

/** The lines of a progress stream. */
export function lines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}

/** A blob, or the part of it that a Range asks for. */
export function sendBlob(request: http.IncomingMessage, response: http.ServerResponse, data: Buffer): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? Number.NaN);
  if (from >= data.length) return void response.writeHead(416).end();
  const part = Number.isNaN(from) ? data : data.subarray(from);
  const range = Number.isNaN(from) ? {} : { 'Content-Range': `bytes ${from}-${data.length - 1}/${data.length}` };
  response.writeHead(Number.isNaN(from) ? 200 : 206, { 'Content-Length': part.length, ...range });
  response.end(request.method === 'HEAD' ? undefined : part);
}

export function refuse(
  response: http.ServerResponse,
  status: number,
  code: string,
  message: string,
  headers: http.OutgoingHttpHeaders = {},
): void {
  response.writeHead(status, { 'Content-Type': 'application/json', ...headers }).end(JSON.stringify({ errors: [{ code, message }] }));
}

async function body(request: http.IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
