import type { IncomingHttpHeaders, IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { type ClientRequest, request as httpRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import { Readable } from 'node:stream';
import { DialingAgent } from './agent.ts';
import type { Dialer } from './dialer.ts';
import { EngineError, messageInBody, ProtocolError } from './errors.ts';
import { readBounded } from './read-bounded.ts';
import { ResponseDuplex } from './response-duplex.ts';

export interface EngineRequest {
  method: string;
  /** Path with query, as it goes over the wire; without a version prefix the negotiated one is added. */
  path: string;
  headers?: OutgoingHttpHeaders;
  /** A value is sent as JSON; bytes and streams as they are. */
  body?: Buffer | Readable | { json: unknown };
  signal?: AbortSignal;
  /** A connection of its own that ends with the answer: for streams. Everything but GET and HEAD has one anyway. */
  fresh?: boolean;
  /** The host's name, as the user has typed it to delete something there. It is not sent. */
  confirmed?: string;
  /** It takes away what the app itself has just made there: no mistake of the user's to be asked about. It is not sent. */
  own?: boolean;
  /** A POST that changes nothing there, by what its body says. It is not sent. */
  reads?: boolean;
}
/** Throws for a request that is not to be sent. */
export type Guard = (request: Pick<EngineRequest, 'method' | 'path' | 'confirmed' | 'own' | 'reads'>) => void;
export interface EngineAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  /** Destroying it closes the connection to the engine. */
  body: IncomingMessage;
}
export interface Hijacked {
  /** Raw from here on; `end()` closes our half only. Multiplexed (stdcopy) unless the process has a TTY. */
  stream: Duplex;
  contentType: string;
}

/** Lists and inspects are small; this is where a hostile or broken engine is cut off. */
const LIMIT_BYTES = 64 * 1024 * 1024;
const ERROR_LIMIT_BYTES = 64 * 1024;

/** Docker Engine API over any duplex stream. One per host connection; `close()` drops its pooled connections. */
export class EngineClient {
  readonly #dial: Dialer;
  readonly #agent: DialingAgent;
  /** Set once negotiated; such as `1.47`. */
  apiVersion: string | undefined;

  readonly #guard: Guard;

  constructor(dial: Dialer, guard: Guard = () => {}) {
    this.#dial = dial;
    this.#guard = guard;
    this.#agent = new DialingAgent(dial);
  }

  /** Sends a request; resolves when the answer's head is there, whatever its status. */
  async request(request: EngineRequest): Promise<EngineAnswer> {
    this.#guard(request);
    const pooled = !request.fresh && (request.method === 'GET' || request.method === 'HEAD') && !request.body;
    if (!pooled) return this.#send(request, await this.#dial(request.signal ?? new AbortController().signal));
    try {
      return await this.#send(request, undefined);
    } catch (error) {
      // The engine closed a pooled connection in the moment we used it: once more on a new one.
      if (!(error instanceof StaleConnection) || request.signal?.aborted) throw error;
      return this.#send(request, await this.#dial(request.signal ?? new AbortController().signal));
    }
  }

  /**
   * Sends a request and reads its JSON answer.
   *
   * @throws EngineError for a status of 400 or more, ProtocolError for an answer that is too large or no JSON
   */
  async json(
    method: string,
    path: string,
    options: Omit<EngineRequest, 'method' | 'path'> & { limitBytes?: number } = {},
  ): Promise<unknown> {
    const { limitBytes = LIMIT_BYTES, ...rest } = options;
    const answer = await this.request({ method, path, ...rest });
    const body = await this.#bodyOrThrow(answer, limitBytes);
    if (body.length === 0) return undefined;
    try {
      return JSON.parse(body.toString('utf8'));
    } catch (cause) {
      throw new ProtocolError(`${method} ${path}: the answer is not JSON`, { cause });
    }
  }

  /** Like `request`, on a connection of its own; a status of 400 or more is thrown as EngineError. */
  async stream(method: string, path: string, options: Omit<EngineRequest, 'method' | 'path' | 'fresh'> = {}): Promise<EngineAnswer> {
    const answer = await this.request({ method, path, fresh: true, ...options });
    if (answer.status >= 400) await this.#bodyOrThrow(answer, ERROR_LIMIT_BYTES);
    return answer;
  }

  /** attach and exec start: the connection turns raw, with 101 (when the engine knows Upgrade) or 200. */
  async hijack(path: string, json: unknown, signal?: AbortSignal): Promise<Hijacked> {
    this.#guard({ method: 'POST', path });
    const socket = await this.#dial(signal ?? new AbortController().signal);
    const body = Buffer.from(JSON.stringify(json ?? {}));
    return new Promise((resolve, reject) => {
      const request = httpRequest({
        method: 'POST',
        path: this.versioned(path),
        headers: {
          Host: 'gantry',
          Connection: 'Upgrade',
          Upgrade: 'tcp',
          'Content-Type': 'application/json',
          'Content-Length': body.length,
        },
        createConnection: () => socket as never,
        ...(signal && { signal }),
      });
      request.on('error', (error) => {
        socket.destroy();
        reject(error);
      });
      request.on('upgrade', (response, raw, head) => {
        if (head.length > 0) raw.unshift(head);
        resolve({ stream: raw, contentType: String(response.headers['content-type'] ?? '') });
      });
      request.on('response', (response) => {
        const status = response.statusCode ?? 0;
        if (status === 200) {
          resolve({ stream: new ResponseDuplex(response, socket), contentType: String(response.headers['content-type'] ?? '') });
          return;
        }
        this.#bodyOrThrow({ status, headers: response.headers, body: response }, ERROR_LIMIT_BYTES).then(() => {
          socket.destroy();
          reject(new ProtocolError(`POST ${path}: status ${status} where a raw stream was asked for`));
        }, reject);
      });
      request.end(body);
    });
  }

  /** Adds the negotiated version to a path that has none. */
  versioned(path: string): string {
    if (!this.apiVersion || /^\/(v\d|_ping|gantry\/|version$)/.test(path)) return path;
    return `/v${this.apiVersion}${path}`;
  }

  close(): void {
    this.#agent.destroy();
  }

  #send(request: EngineRequest, socket: Duplex | undefined): Promise<EngineAnswer> {
    return new Promise((resolve, reject) => {
      const headers: OutgoingHttpHeaders = { Host: 'gantry', ...request.headers };
      let body = request.body;
      if (body && !Buffer.isBuffer(body) && !(body instanceof Readable)) {
        headers['Content-Type'] = 'application/json';
        body = Buffer.from(JSON.stringify(body.json));
      }
      if (Buffer.isBuffer(body)) headers['Content-Length'] = body.length;
      else if (!body && request.method === 'POST') headers['Content-Length'] = 0;
      if (socket) headers.Connection = 'close';
      const outgoing: ClientRequest = httpRequest({
        method: request.method,
        path: this.versioned(request.path),
        headers,
        ...(socket ? { createConnection: () => socket as never } : { agent: this.#agent }),
        ...(request.signal && { signal: request.signal }),
      });
      outgoing.on('error', (error: NodeJS.ErrnoException) => {
        socket?.destroy();
        const stale = !socket && outgoing.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale ? new StaleConnection(error) : error);
      });
      outgoing.on('response', (response) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: response }));
      if (body instanceof Readable) {
        // Not pipeline: an engine may answer with an error before it read all; that answer counts, not the broken upload.
        body.on('error', (error) => outgoing.destroy(error));
        outgoing.on('close', () => (body as Readable).destroy());
        body.pipe(outgoing);
      } else outgoing.end(body as Buffer | undefined);
    });
  }

  async #bodyOrThrow(answer: EngineAnswer, limitBytes: number): Promise<Buffer> {
    const failed = answer.status >= 400;
    const body = await readBounded(answer.body, failed ? ERROR_LIMIT_BYTES : limitBytes);
    if (failed) throw new EngineError(answer.status, messageInBody(body, answer.status));
    return body;
  }
}

class StaleConnection extends Error {
  constructor(cause: Error) {
    super(cause.message, { cause });
  }
}
