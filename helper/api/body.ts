import type { IncomingMessage } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import { finished, Readable as NodeReadable, PassThrough } from 'node:stream';
import { Failure } from '../engine/failure.ts';
import { decode, type Shape } from './decode.ts';
import { parseJson } from './json.ts';

/** Above this a JSON body is no request that any client makes. Bytes. */
const LARGEST_JSON = 16 * 1024 * 1024;

export interface Body {
  headers: IncomingMessage['headers'];
  stream: Readable;
}

export interface JsonOptions {
  shape: Shape;
  /** Name of the type in messages. */
  name: string;
  /** An absent body is an error rather than {}. */
  required?: boolean;
  /** Whatever its Content-Type says: dockerd asks for none at /auth. */
  anyType?: boolean;
}

/**
 * The body as JSON of a shape. No body at all gives undefined.
 * @throws Failure invalidParameter with dockerd's words for a wrong Content-Type, bad JSON, a wrong type
 */
export async function readJson<T>(body: Body, { shape, name, required = false, anyType = false }: JsonOptions): Promise<T | undefined> {
  if (!anyType) checkContentType(body.headers, required);
  const text = await readText(body.stream);
  if (text === '' && !required) return undefined;
  return decode(parseJson(text), shape, name) as T;
}

/** The whole body as text. @throws Failure invalidParameter when it is too large */
export async function readText(stream: Readable, limitBytes = LARGEST_JSON): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stream) {
    size += (chunk as Buffer).length;
    if (size > limitBytes) throw new Failure('invalidParameter', `request body is larger than ${limitBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/**
 * A long body (an archive) as a stream that its reader may give up: the rest is read and dropped then, until the client has sent all
 * or is gone. To destroy the request itself would cut the connection while the client still sends, and it would not see the answer.
 * Fails when the client goes away.
 */
export function uploadOf({ stream }: Body): Readable {
  const upload = new PassThrough();
  finished(stream, { writable: false }, (error) => {
    if (error) upload.destroy(error);
  });
  stream.pipe(upload);
  upload.on('close', () => {
    stream.unpipe(upload);
    stream.resume();
  });
  return upload;
}

function checkContentType(headers: IncomingMessage['headers'], required: boolean): void {
  const type = headers['content-type'] ?? '';
  const empty = headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
  if (type === '' && empty && !required) return;
  const media = type.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (media === 'application/json' || (type === '' && empty)) return;
  if (media === '') throw new Failure('invalidParameter', `malformed Content-Type header (${type}): mime: no media type`);
  if (!/^[\w!#$&.+^-]+\/[\w!#$&.+^-]+$/.test(media)) {
    throw new Failure('invalidParameter', `malformed Content-Type header (${type}): mime: expected token after slash`);
  }
  throw new Failure('invalidParameter', `unsupported Content-Type header (${type}): must be 'application/json'`);
}

/**
 * The body of a request that asked for an upgrade. Node hands the socket over with the body still unread (docs: http, event 'upgrade'),
 * so it is taken from the socket here: as many bytes as Content-Length says, or chunks. What follows belongs to the upgraded
 * protocol and is put back.
 */
export function bodyOfUpgrade(headers: IncomingMessage['headers'], socket: Duplex): Readable {
  if (/\bchunked\b/i.test(headers['transfer-encoding'] ?? '')) return NodeReadable.from(chunked(socket), { objectMode: false });
  const length = Number(headers['content-length'] ?? 0);
  return NodeReadable.from(counted(socket, Number.isFinite(length) ? length : 0), { objectMode: false });
}

async function* counted(socket: Duplex, length: number): AsyncGenerator<Buffer> {
  for (let rest = length; rest > 0; ) {
    const chunk = await readSome(socket);
    if (chunk.length > rest) socket.unshift(chunk.subarray(rest));
    yield chunk.subarray(0, rest);
    rest -= Math.min(rest, chunk.length);
  }
}

async function* chunked(socket: Duplex): AsyncGenerator<Buffer> {
  for (;;) {
    const size = Number.parseInt(await readLine(socket), 16);
    if (!(size >= 0)) throw new Failure('invalidParameter', 'malformed chunked encoding');
    if (size === 0) break;
    yield* counted(socket, size);
    await readLine(socket);
  }
  while ((await readLine(socket)) !== '');
}

async function readLine(socket: Duplex): Promise<string> {
  let line = Buffer.alloc(0);
  for (;;) {
    line = Buffer.concat([line, await readSome(socket)]);
    const end = line.indexOf('\r\n');
    if (end >= 0) {
      if (line.length > end + 2) socket.unshift(line.subarray(end + 2));
      return line.toString('latin1', 0, end);
    }
    if (line.length > 4096) throw new Failure('invalidParameter', 'malformed chunked encoding');
  }
}

/** The next bytes of a paused stream. @throws Failure invalidParameter when it ends */
async function readSome(socket: Duplex): Promise<Buffer> {
  for (;;) {
    const chunk = socket.read() as Buffer | null;
    if (chunk?.length) return chunk;
    if (socket.readableEnded || socket.destroyed) throw new Failure('invalidParameter', 'unexpected EOF');
    await new Promise<void>((resolve) => {
      const done = (): void => {
        for (const event of ['readable', 'end', 'close', 'error']) socket.off(event, done);
        resolve();
      };
      for (const event of ['readable', 'end', 'close', 'error']) socket.on(event, done);
    });
  }
}
