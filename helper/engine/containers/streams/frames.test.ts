import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader, frame } from './frames.ts';

describe('frames', () => {
  it('come out as they went in, wherever the chunks are cut', () => {
    const payloads = fc.array(fc.tuple(fc.constantFrom(1, 2), fc.uint8Array({ minLength: 1, maxLength: 40 })), { maxLength: 8 });
    fc.assert(
      fc.property(payloads, fc.array(fc.nat(400)), (frames, cuts) => {
        const wire = Buffer.concat(frames.map(([stream, data]) => frame(stream, data)));
        const edges = [0, ...cuts.filter((cut) => cut < wire.length).sort((a, b) => a - b), wire.length];
        const reader = new FrameReader();
        const out: Record<number, number[]> = { 1: [], 2: [] };
        for (let index = 1; index < edges.length; index += 1) {
          for (const part of reader.read(wire.subarray(edges[index - 1], edges[index]))) out[part.stream]?.push(...part.data);
        }
        for (const stream of [1, 2]) {
          expect(out[stream]).toEqual(frames.filter(([of]) => of === stream).flatMap(([, data]) => [...data]));
        }
      }),
    );
  });
});
