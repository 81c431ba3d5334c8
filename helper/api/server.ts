import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http';
import { posix } from 'node:path';
import type { Duplex } from 'node:stream';
import type { EngineContext } from '../engine/context.ts';
import { Failure } from '../engine/failure.ts';
import { bodyOfUpgrade } from './body.ts';
import type { Call, Engine, Route } from './call.ts';
import { writeError } from './errors.ts';
import { lingerForBody } from './linger.ts';
import { type Listener, listen, type TlsSettings } from './listen.ts';
import { Query } from './query.ts';
import { createRouter } from './router.ts';
import { allRoutes } from './routes/index.ts';
import { isTooOld, NEWEST_TEXT, readVersion } from './versions.ts';

export interface ApiOptions {
  listeners: Listener[];
  engine: Engine;
  context: EngineContext;
  /** What the Server header and /version say. */
  serverVersion: string;
  /** For tests: other routes than all of them. */
  routes?: readonly Route[];
}

export interface Api {
  /** New connections over TCP get these certificates. @throws Failure invalidParameter, and the old ones stay */
  setTls(settings: TlsSettings): void;
  /** Stops listening, breaks what is open, resolves when all connections are closed. */
  close(): Promise<void>;
}

const VERSION_PREFIX = /^\/v([0-9.]+)(\/.*)$/;
/** dockerd leads clients on from paths with empty and with relative parts. */
const UNCLEAN = /\/(\/|\.{1,2}(\/|$))/;
const BROKEN_ESCAPE = /%(?![0-9a-f]{2})/i;
/** Go's limit for headers: registry credentials are sent in one. */
const LARGEST_HEADERS = 1024 * 1024;

/** Serves the Docker Engine API. Resolves when all listeners listen. @throws Failure unavailable when an address is taken */
export async function startApi(options: ApiOptions): Promise<Api> {
  const find = createRouter(options.routes ?? allRoutes());
  const connections = new Set<Duplex>();
  const server = createServer({ maxHeaderSize: LARGEST_HEADERS, keepAlive: true });
  // Clients keep idle connections for long and archives take long: no time limits but the one for headers.
  Object.assign(server, { requestTimeout: 0, timeout: 0, keepAliveTimeout: 0 });

  const serve = (request: IncomingMessage, response: ServerResponse, detached: boolean): void => {
    void answer({ options, find, request, response, detached });
  };
  server.on('request', (request, response) => serve(request, response, false));
  server.on('checkContinue', (request, response) => {
    response.writeContinue();
    serve(request, response, false);
  });
  server.on('upgrade', (request, socket, head) => {
    if (head.length) socket.unshift(head);
    const response = new ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket as never);
    response.on('finish', () => socket.end());
    socket.on('error', () => socket.destroy());
    serve(request, response, true);
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable)
      socket.end('HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n400 Bad Request');
    else socket.destroy();
  });

  const servers = await listenAll(server, options.listeners, connections);
  return {
    setTls(settings) {
      for (const each of servers) each.setTls(settings);
    },
    async close() {
      await Promise.all(servers.map((each) => each.close(connections)));
    },
  };
}

async function listenAll(server: Server, listeners: Listener[], connections: Set<Duplex>) {
  const opened: Awaited<ReturnType<typeof listen>>[] = [];
  try {
    for (const listener of listeners) opened.push(await listen(server, listener, connections));
  } catch (error) {
    await Promise.all(opened.map((each) => each.close(connections)));
    throw error;
  }
  return opened;
}

interface Exchange {
  options: ApiOptions;
  find: ReturnType<typeof createRouter>;
  request: IncomingMessage;
  response: ServerResponse;
  detached: boolean;
}

async function answer({ options, find, request, response, detached }: Exchange): Promise<void> {
  const { context, engine } = options;
  if (!detached) lingerForBody(request);
  const leaving = new Leaving(response);
  const [path = '', search = ''] = splitUrl(request.url ?? '');
  const [, versionText, rest] = VERSION_PREFIX.exec(path) ?? [];
  const what = `${request.method} ${request.url}`;
  if (BROKEN_ESCAPE.test(path)) {
    response.writeHead(400, { 'Content-Type': 'text/plain; charset=utf-8', Connection: 'close' }).end('400 Bad Request');
    return;
  }
  if (UNCLEAN.test(path)) {
    const clean = posix.normalize(path);
    response.writeHead(301, { Location: search === '' ? clean : `${clean}?${search}`, 'Content-Length': 0 }).end();
    return;
  }
  try {
    const match = find(request.method ?? '', rest ?? path);
    if (!match) throw new Failure('notFound', 'page not found');
    setHeaders(response, options.serverVersion, context.config.experimental);
    const version = readVersion(versionText);
    const call: Call = {
      engine,
      log: context.log,
      request,
      response,
      socket: request.socket,
      body: { headers: request.headers, stream: detached ? bodyOfUpgrade(request.headers, request.socket) : request },
      version,
      params: match.params,
      query: new Query(search),
      get signal() {
        return leaving.signal;
      },
      upgrade: request.headers.upgrade !== undefined,
      detached,
    };
    await match.route.handle(call);
  } catch (error) {
    if (leaving.done) return;
    writeError(response, error, { log: context.log, what, plain: versionText !== undefined && isTooOld(versionText) });
  }
}

/** A client that goes away before it has its answer. Most requests are over before anybody asks: a signal would be half of what they cost. */
class Leaving {
  done = false;
  #abort: AbortController | undefined;

  constructor(response: ServerResponse) {
    response.on('close', () => {
      if (response.writableFinished) return;
      this.done = true;
      this.#abort?.abort(gone());
    });
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.done) this.#abort.abort(gone());
    return this.#abort.signal;
  }
}

const gone = (): Failure => new Failure('system', 'the client went away');

function setHeaders(response: ServerResponse, serverVersion: string, experimental: boolean): void {
  response.setHeader('Api-Version', NEWEST_TEXT);
  response.setHeader('Docker-Experimental', String(experimental));
  response.setHeader('Ostype', 'linux');
  response.setHeader('Server', `Gantry/${serverVersion} (linux)`);
}

/** Path and query; clients send absolute URLs (`http://docker/v1.43/…`) through proxies. */
function splitUrl(url: string): [string, string] {
  const relative = url.replace(/^https?:\/\/[^/]*/, '');
  const at = relative.indexOf('?');
  return at < 0 ? [relative, ''] : [relative.slice(0, at), relative.slice(at + 1)];
}
