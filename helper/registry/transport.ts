/**
 * HTTP to registries: connections that are kept, TLS as certs.d says, redirects that never carry credentials to another
 * host, and a time limit on silence.
 */

import http from 'node:http';
import https from 'node:https';
import type { Readable } from 'node:stream';
import type { SecureContext } from 'node:tls';
import { Failure } from '../engine/failure.ts';
import { connectionError } from './errors.ts';
import { proxyFor } from './proxy.ts';
import type { RegistryResponse } from './response.ts';

export interface RegistryRequest {
  method: string;
  url: URL;
  headers?: Record<string, string>;
  /** Sent as it is; a stream needs `content-length` or is chunked. */
  body?: Buffer | Readable;
  signal: AbortSignal;
  /** URL for messages about connections that failed; the request's own when not given. */
  called?: string;
  /** How many redirects are followed; 0 for uploads, which can't be sent twice. Default 5. */
  redirects?: number;
}

export interface Transport {
  /** @throws Failure system when there is no answer; an answer of any status is returned */
  request(request: RegistryRequest): Promise<RegistryResponse>;
  close(): void;
}

/** Silence longer than this ends a connection (and starts a retry where one is due). */
export const SILENCE_MS = 60_000;
const REDIRECTS = 5;
const USER_AGENT = 'docker/28.0.0 gantry';

export interface TransportOptions {
  /** What a connection to a host (with its port, where that is not https's own) trusts and shows. */
  trust?: (host: string) => Promise<SecureContext>;
  insecure?: boolean;
  silenceMs?: number;
}

export class HttpTransport implements Transport {
  readonly #agents = new Map<string, http.Agent>();
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  readonly #trust: TransportOptions['trust'];
  readonly #insecure: boolean;
  readonly #silenceMs: number;

  constructor({ trust, insecure = false, silenceMs = SILENCE_MS }: TransportOptions = {}) {
    this.#trust = trust;
    this.#insecure = insecure;
    this.#silenceMs = silenceMs;
  }

  async request(request: RegistryRequest): Promise<RegistryResponse> {
    let { url, headers = {}, redirects = REDIRECTS } = request;
    for (;;) {
      const response = await this.#once({ ...request, url, headers });
      const location = response.headers.location;
      if (redirects === 0 || ![301, 302, 303, 307, 308].includes(response.status) || !location) return response;
      response.body.resume();
      redirects--;
      const next = locationOf(location, url);
      if (next.protocol !== 'https:' && next.protocol !== 'http:') {
        throw connectionError(request.method, url.href, new Error(`unsupported protocol scheme ${JSON.stringify(next.protocol)}`));
      }
      // Storage behind a registry has its own signature in the URL; our credentials are none of its business.
      if (next.host !== url.host || next.protocol !== url.protocol) {
        const { authorization: _secret, ...rest } = headers;
        headers = rest;
      }
      url = next;
    }
  }

  close(): void {
    for (const agent of this.#agents.values()) agent.destroy();
  }

  async #tls({ host }: URL): Promise<https.RequestOptions> {
    const context = this.#contexts.get(host) ?? this.#trust?.(host);
    if (context) this.#contexts.set(host, context);
    return { ...(this.#insecure ? { rejectUnauthorized: false } : {}), ...(context ? { secureContext: await context } : {}) };
  }

  /** The connections to use for a URL: straight ones, or through a proxy. */
  async #agent(url: URL): Promise<http.Agent> {
    const proxy = proxyFor(url);
    const key = `${url.protocol} ${proxy?.href ?? ''}`;
    const known = this.#agents.get(key);
    if (known) return known;
    const kept = { keepAlive: true, maxFreeSockets: 8, timeout: this.#silenceMs };
    const secure = url.protocol === 'https:';
    const straight = secure ? new https.Agent(kept) : new http.Agent(kept);
    const agent = proxy ? await proxyAgent(proxy, secure, kept) : straight;
    this.#agents.set(key, agent);
    return agent;
  }

  async #once(request: RegistryRequest): Promise<RegistryResponse> {
    const { method, url, signal, body } = request;
    checkHeaders(request.headers ?? {});
    const agent = await this.#agent(url);
    const secure = url.protocol === 'https:';
    const tls = secure ? await this.#tls(url) : {};
    return new Promise((resolve, reject) => {
      const sent = (secure ? https : http).request(url, {
        method,
        headers: { 'user-agent': USER_AGENT, ...request.headers },
        agent,
        ...tls,
        signal,
        timeout: this.#silenceMs,
      });
      sent.on('timeout', () => sent.destroy(Object.assign(new Error('net/http: timeout awaiting response'), { code: 'ESILENT' })));
      sent.on('error', (error) => reject(signal.aborted ? error : connectionError(method, request.called ?? url.href, error)));
      sent.on('response', (answer) => {
        answer.on('error', () => {});
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: answer, method, url });
      });
      if (body === undefined) sent.end();
      else if (Buffer.isBuffer(body)) sent.end(body);
      else {
        body.on('error', (error) => sent.destroy(error));
        body.pipe(sent);
      }
    });
  }
}

/** Where a registry sends us, which may be nowhere. @throws Failure system in Go's words */
export function locationOf(location: string, base: URL): URL {
  if (URL.canParse(location, base)) return new URL(location, base);
  throw new Failure('system', `failed to parse Location header ${JSON.stringify(location)}: invalid URL`);
}

/** Tokens and passwords come from users. @throws Failure invalidParameter in Go's words */
function checkHeaders(headers: Record<string, string>): void {
  for (const [name, value] of Object.entries(headers)) {
    try {
      http.validateHeaderValue(name, value);
    } catch {
      throw new Failure('invalidParameter', `net/http: invalid header field value for ${JSON.stringify(name)}`);
    }
  }
}

/** Loaded when there is a proxy. */
async function proxyAgent(proxy: URL, secure: boolean, options: http.AgentOptions): Promise<http.Agent> {
  if (secure) {
    const { HttpsProxyAgent } = await import('https-proxy-agent');
    return new HttpsProxyAgent(proxy, options);
  }
  const { HttpProxyAgent } = await import('http-proxy-agent');
  return new HttpProxyAgent(proxy, options);
}
