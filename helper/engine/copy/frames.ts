/**
 * The framing of a copy stream: one byte of kind, four of length (big-endian), the payload.
 *
 *   1  a message, JSON
 *   2  bytes of a layer or a file
 *   3  a hole in a file: eight bytes, its length
 *
 * Small enough a frame to be held in memory, and nothing in it is believed: see manifest.ts and tree-write.ts.
 */
import type { CopyMessage } from '../../contract/copy.ts';
import { Failure } from '../failure.ts';

export type Frame =
  | { kind: 'message'; message: unknown; bytes: Buffer }
  | { kind: 'data'; data: Buffer }
  | { kind: 'hole'; length: number };

const KIND = { message: 1, data: 2, hole: 3 } as const;
const HEADER_BYTES = 5;
/** A manifest of hundreds of layers and volumes stays far below. */
const LARGEST_FRAME = 8 * 1024 * 1024;

export const MEDIA_TYPE = 'application/vnd.gantry.copy';

function header(kind: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafe(HEADER_BYTES);
  bytes.writeUInt8(kind, 0);
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

export function messageBytes(message: CopyMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message));
  if (body.length > LARGEST_FRAME) throw new Failure('system', `a message of ${body.length} bytes is too large for a copy`);
  return body;
}

export function messageFrame(body: Buffer): Buffer {
  return Buffer.concat([header(KIND.message, body.length), body]);
}

/** The head of a frame whose payload follows as it is: no copy of it is made. */
export function dataHeader(length: number): Buffer {
  return header(KIND.data, length);
}

export function holeBytes(length: number): Buffer {
  const body = Buffer.alloc(8);
  body.writeBigUInt64BE(BigInt(length));
  return body;
}

export function holeFrame(body: Buffer): Buffer {
  return Buffer.concat([header(KIND.hole, body.length), body]);
}

const damaged = (what: string): Failure => new Failure('invalidParameter', `the copy's stream is damaged: ${what}`);

/** Bytes of a frame's payload that are still to come. */
interface Open {
  kind: number;
  left: number;
  parts: Buffer[];
}

/**
 * Cuts a stream into frames, wherever its chunks are cut. Data is handed on in the pieces that it comes in.
 * @throws Failure invalidParameter on what is no such stream, or one that breaks off
 */
export async function* readFrames(stream: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  let head = Buffer.alloc(0);
  let open: Open | undefined;
  for await (const chunk of stream) {
    for (let at = 0; at < chunk.length; ) {
      if (!open) {
        const take = Math.min(HEADER_BYTES - head.length, chunk.length - at);
        head = Buffer.concat([head, chunk.subarray(at, at + take)]);
        at += take;
        if (head.length < HEADER_BYTES) continue;
        open = begin(head);
        head = Buffer.alloc(0);
      }
      const piece = chunk.subarray(at, at + open.left);
      at += piece.length;
      open.left -= piece.length;
      if (open.kind === KIND.data) {
        if (piece.length > 0) yield { kind: 'data', data: piece };
      } else {
        // Copied: the chunk's memory may be used again.
        open.parts.push(Buffer.from(piece));
        if (open.left === 0) yield whole(open);
      }
      if (open.left === 0) open = undefined;
    }
  }
  if (open || head.length > 0) throw damaged('it breaks off');
}

function begin(head: Buffer): Open {
  const kind = head.readUInt8(0);
  const left = head.readUInt32BE(1);
  if (kind !== KIND.message && kind !== KIND.data && kind !== KIND.hole) throw damaged(`there is no frame of kind ${kind}`);
  if (left > LARGEST_FRAME) throw damaged(`a frame of ${left} bytes`);
  return { kind, left, parts: [] };
}

function whole(open: Open): Frame {
  const body = open.parts.length === 1 ? (open.parts[0] as Buffer) : Buffer.concat(open.parts);
  if (open.kind === KIND.hole) {
    if (body.length !== 8) throw damaged('a hole without a length');
    const length = Number(body.readBigUInt64BE());
    if (!Number.isSafeInteger(length)) throw damaged('a hole that is too large');
    return { kind: 'hole', length };
  }
  try {
    return { kind: 'message', message: JSON.parse(body.toString()), bytes: body };
  } catch {
    throw damaged('a message is no JSON');
  }
}
