import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDecompressor, decompressed } from './compression.ts';

const text = Buffer.from('some text that is long enough to be compressed, compressed, compressed');

/** What comes out, or the message of what is thrown. */
async function inPlace(data: Buffer): Promise<string> {
  const out: Buffer[] = [];
  const decompressor = createDecompressor('gzip', (piece) => out.push(Buffer.from(piece)));
  try {
    await decompressor.write(data);
    await decompressor.end();
  } catch (error) {
    return (error as Error).message;
  }
  return Buffer.concat(out).toString();
}

describe('gzip', () => {
  it('that is cut anywhere is told', async () => {
    const whole = gzipSync(text);
    for (let length = 0; length < whole.length; length++) expect(await inPlace(whole.subarray(0, length))).toBe('unexpected EOF');
    expect(await inPlace(whole)).toBe(text.toString());
  });

  it('whose checksum is wrong is told, though only its last bytes say so', async () => {
    const damaged = gzipSync(text);
    damaged[damaged.length - 8] = (damaged[damaged.length - 8] ?? 0) ^ 1;
    expect(await inPlace(damaged)).toMatch(/^invalid gzip data: /);
  });
});

describe('decompressed', () => {
  const read = async (chunks: Buffer[]): Promise<string> => {
    const pieces: Buffer[] = [];
    for await (const piece of decompressed(Readable.from(chunks))) pieces.push(piece);
    return Buffer.concat(pieces).toString();
  };

  it('gives back what was compressed, or not, wherever it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.string(), fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), async (zip, words, cuts) => {
        const data = zip ? gzipSync(words) : Buffer.from(words);
        const chunks: Buffer[] = [];
        for (let at = 0, i = 0; at < data.length; i++) {
          const size = cuts[i % cuts.length] ?? 1;
          chunks.push(data.subarray(at, at + size));
          at += size;
        }
        expect(await read(chunks)).toBe(words);
      }),
      { numRuns: 50 },
    );
  });

  it('throws when the data is cut off', async () => {
    await expect(read([gzipSync(text).subarray(0, 30)])).rejects.toThrow('unexpected EOF');
  });
});
