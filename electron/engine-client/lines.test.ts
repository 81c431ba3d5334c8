import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter } from './lines.ts';

function cut(bytes: Buffer, cuts: number[]): Buffer[] {
  const at = [0, ...cuts.map((one) => one % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

test('lines cut anywhere come out whole, and every byte is counted', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 12 })), fc.array(fc.nat()), (texts, cuts) => {
      const lines = texts.map((text) => text.replaceAll(/[\r\n]/g, ''));
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const splitter = new LineSplitter(1024);
      const got = cut(bytes, cuts).flatMap((chunk) => splitter.push(chunk));
      expect(splitter.flush()).toBeUndefined();
      expect(got.map(({ data }) => data.toString())).toEqual(lines);
      expect(got.reduce((sum, line) => sum + line.bytes, 0)).toBe(bytes.length);
    }),
  );
});

test('a line beyond the limit comes in pieces that cut no character, however it arrives', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'ß', '好', '🚢'), minLength: 20, maxLength: 100 }),
      fc.array(fc.nat()),
      (line, cuts) => {
        const bytes = Buffer.from(`${line}\n`);
        const splitter = new LineSplitter(16);
        const got = cut(bytes, cuts).flatMap((chunk) => splitter.push(chunk));
        expect(got.map(({ data }) => data.toString()).join('')).toBe(line);
        expect(got.every((piece) => piece.data.length <= 16 && !piece.data.toString().includes('\ufffd'))).toBe(true);
        expect(got.at(-1)?.ended).toBe(true);
        expect(got.reduce((sum, piece) => sum + piece.bytes, 0)).toBe(bytes.length);
      },
    ),
  );
});

test('CR LF ends a line, too', () => {
  const splitter = new LineSplitter(100);
  expect(splitter.push(Buffer.from('a\r\nb')).map(({ data }) => data.toString())).toEqual(['a']);
  expect(splitter.flush()?.data.toString()).toBe('b');
});
