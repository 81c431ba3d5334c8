import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { dataHeader, type Frame, holeBytes, holeFrame, messageFrame, readFrames } from './frames.ts';

type Part = { message: unknown } | { data: Uint8Array } | { hole: number };

const PARTS = fc.array(
  fc.oneof(
    fc.record({ message: fc.jsonValue() }),
    fc.record({ data: fc.uint8Array({ maxLength: 50 }) }),
    fc.record({ hole: fc.maxSafeNat() }),
  ),
  { maxLength: 12 },
);

function bytesOf(parts: Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) => {
      if ('message' in part) return messageFrame(Buffer.from(JSON.stringify(part.message)));
      if ('hole' in part) return holeFrame(holeBytes(part.hole));
      return Buffer.concat([dataHeader(part.data.length), part.data]);
    }),
  );
}

async function* cut(bytes: Buffer, at: number[]): AsyncGenerator<Buffer> {
  let from = 0;
  for (const to of [...at.map((each) => each % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)) {
    // The memory is used again, as a socket's may be.
    const piece = Buffer.from(bytes.subarray(from, to));
    yield piece;
    piece.fill(0xee);
    from = to;
  }
}

/** Frames with neighbouring data joined: how it is cut means nothing. */
async function read(stream: AsyncIterable<Buffer>): Promise<Part[]> {
  const parts: Part[] = [];
  for await (const frame of readFrames(stream) as AsyncIterable<Frame>) {
    const last = parts.at(-1);
    if (frame.kind === 'message') parts.push({ message: frame.message });
    else if (frame.kind === 'hole') parts.push({ hole: frame.length });
    else if (last && 'data' in last) last.data = Buffer.concat([last.data, frame.data]);
    else parts.push({ data: Buffer.from(frame.data) });
  }
  return parts;
}

function joined(parts: Part[]): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    if ('data' in part && part.data.length === 0) continue;
    if ('data' in part && last && 'data' in last) last.data = Buffer.concat([last.data, part.data]);
    else if ('data' in part) result.push({ data: Buffer.from(part.data) });
    else result.push('message' in part ? { message: JSON.parse(JSON.stringify(part.message)) } : part);
  }
  return result;
}

describe('frames of a copy', () => {
  it('are read as they were written, wherever the stream is cut', async () => {
    await fc.assert(
      fc.asyncProperty(PARTS, fc.array(fc.nat(), { maxLength: 20 }), async (parts, at) => {
        expect(await read(cut(bytesOf(parts), at))).toEqual(joined(parts));
      }),
    );
  });

  it('that break off are a failure', async () => {
    await fc.assert(
      fc.asyncProperty(PARTS, fc.nat(), async (parts, at) => {
        const bytes = bytesOf(parts);
        const ends = new Set<number>([0]);
        let end = 0;
        for (const part of parts) {
          end += bytesOf([part]).length;
          ends.add(end);
        }
        const length = at % (bytes.length + 1);
        const reading = read(cut(bytes.subarray(0, length), []));
        if (ends.has(length)) await reading;
        else await expect(reading).rejects.toThrow(/it breaks off/);
      }),
    );
  });

  it('that are none are a failure in words, whatever they are', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
        await read(cut(Buffer.from(bytes), [])).catch((error) => expect(error).toBeInstanceOf(Failure));
      }),
    );
    await expect(read(cut(Buffer.from([1, 0xff, 0, 0, 0]), []))).rejects.toThrow(/a frame of 4278190080 bytes/);
    await expect(read(cut(Buffer.from([9, 0, 0, 0, 0]), []))).rejects.toThrow(/no frame of kind 9/);
  });
});
