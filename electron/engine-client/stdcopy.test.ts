import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Stdcopy } from './stdcopy.ts';

function frame(stream: number, data: Uint8Array): Buffer {
  const header = Buffer.alloc(8);
  header[0] = stream;
  header.writeUInt32BE(data.length, 4);
  return Buffer.concat([header, data]);
}

test('frames cut anywhere come out whole and in order', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ stream: fc.constantFrom(1, 2), data: fc.uint8Array({ maxLength: 50 }) }), { maxLength: 20 }),
      fc.array(fc.nat(), { maxLength: 30 }),
      (frames, cuts) => {
        const bytes = Buffer.concat(frames.map(({ stream, data }) => frame(stream, data)));
        const at = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
        const demux = new Stdcopy();
        const got = { 1: [] as Buffer[], 2: [] as Buffer[] };
        for (let i = 1; i < at.length; i += 1) {
          for (const { stream, data } of demux.push(bytes.subarray(at[i - 1], at[i]))) got[stream as 1 | 2].push(data);
        }
        for (const stream of [1, 2] as const) {
          const sent = frames.filter((one) => one.stream === stream).map(({ data }) => data);
          expect(Buffer.concat(got[stream])).toEqual(Buffer.concat(sent));
        }
      },
    ),
  );
});

test('a raw stream is refused instead of being taken for frames', () => {
  expect(() => new Stdcopy().push(Buffer.from('hello, this is a TTY'))).toThrow(/not multiplexed/);
});
