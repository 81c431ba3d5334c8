import { Readable } from 'node:stream';
import type { ReadableStream as WebStream } from 'node:stream/web';
import type { EngineAnswer, EngineClient } from '../engine-client/index.ts';
import { Forbidden } from '../hosts/guard.ts';

/** What answers `engine://HOST/PATH`. Free of Electron, so that it is tested without it. */
export interface EngineSchemeOptions {
  /** The page's origin: the only one that may ask. */
  origin: string;
  /** The client of a connected host. */
  client: (hostId: string) => EngineClient | undefined;
  /** Why there is none, for the user. */
  whyNot: (hostId: string) => string;
}

/** Belong to one connection, or are ours to say. */
const NOT_FORWARDED = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'upgrade',
  'te',
  'trailer',
  'proxy-authenticate',
  'proxy-authorization',
]);
/** The host's name, percent-encoded, as the user has typed it. It goes no further. */
const CONFIRM_HEADER = 'x-gantry-confirm';
/** Of a page's request an engine needs only these. */
const REQUEST_HEADERS = /^(accept|content-type|content-length|range|if-.*|x-registry-.*|x-gantry-.*)$/;
/** Chunks of at most 64 KiB. */
const READ_AHEAD = { highWaterMark: 8 };
const NO_BODY = new Set([204, 205, 304]);

export function engineScheme(options: EngineSchemeOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    // Electron hands out no Origin for a fetch between own schemes (tried with 25), so its absence says nothing: the page's policy
    // (no frames, no navigation, connect-src) keeps others out, and the answer is readable for our origin only.
    const origin = request.headers.get('origin');
    if (origin !== null && origin !== options.origin) return new Response(null, { status: 403 });
    const cors = {
      'Access-Control-Allow-Origin': options.origin,
      'Access-Control-Expose-Headers': '*',
      'Cache-Control': 'no-store',
    };
    if (request.method === 'OPTIONS') {
      return new Response(null, {
        status: 204,
        headers: {
          ...cors,
          'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, DELETE',
          'Access-Control-Allow-Headers': request.headers.get('access-control-request-headers') ?? '',
          'Access-Control-Max-Age': '86400',
        },
      });
    }
    const { hostname, pathname, search } = new URL(request.url);
    const unavailable = (message: string) =>
      Response.json({ message }, { status: 503, headers: { ...cors, 'X-Gantry-Error': 'connection' } });
    const client = options.client(hostname);
    if (!client) return unavailable(options.whyNot(hostname));
    const confirmed = decoded(request.headers.get(CONFIRM_HEADER));
    try {
      const answer = await client.request({
        method: request.method,
        path: pathname + search,
        headers: forwarded(request.headers),
        fresh: true,
        ...(confirmed !== undefined && { confirmed }),
        ...(request.signal && { signal: request.signal }),
        ...(request.body && { body: Readable.fromWeb(request.body as WebStream) }),
      });
      return new Response(bodyOf(request.method, answer), { status: answer.status, headers: { ...answerHeaders(answer), ...cors } });
    } catch (error) {
      if (error instanceof Forbidden)
        return Response.json(
          { message: error.message, host: error.host },
          { status: 403, headers: { ...cors, 'X-Gantry-Error': error.reason } },
        );
      return unavailable(error instanceof Error ? error.message : String(error));
    }
  };
}

function forwarded(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => REQUEST_HEADERS.test(name) && name !== CONFIRM_HEADER));
}

function decoded(text: string | null): string | undefined {
  try {
    return text === null ? undefined : decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

function answerHeaders(answer: EngineAnswer): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(answer.headers)) {
    if (value === undefined || NOT_FORWARDED.has(name) || name.startsWith('access-control-') || name === 'set-cookie') continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  return headers;
}

/** The answer's body as a stream that reads only when it is read, and closes the engine's connection when it is cancelled. */
function bodyOf(method: string, answer: EngineAnswer): ReadableStream<Uint8Array> | null {
  const { body } = answer;
  if (method === 'HEAD' || NO_BODY.has(answer.status)) {
    body.resume();
    return null;
  }
  body.pause();
  let done = false;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.on('data', (chunk: Buffer) => {
          if (done) return;
          controller.enqueue(new Uint8Array(chunk));
          if ((controller.desiredSize ?? 0) <= 0) body.pause();
        });
        body.on('end', () => {
          if (!done) controller.close();
          done = true;
        });
        body.on('error', (error) => {
          if (!done) controller.error(error);
          done = true;
        });
        body.pause();
      },
      pull() {
        body.resume();
      },
      cancel() {
        done = true;
        body.destroy();
      },
    },
    READ_AHEAD,
  );
}
