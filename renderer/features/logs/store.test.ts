import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RowIndex } from './rows.ts';
import { cellWidth, LogStore, rowStarts } from './store.ts';

const line = (text: string, err = false) => ({ text, ms: 0, err });

describe('the log store', () => {
  it('gives back every line, over the borders of blocks', () => {
    const store = new LogStore();
    const lines = Array.from({ length: 10_000 }, (_, i) => line(`line ${i}`, i % 3 === 0));
    store.append(lines.slice(0, 17));
    store.append(lines.slice(17));
    expect(store.end).toBe(10_000);
    for (const i of [0, 4095, 4096, 8191, 9999]) expect(store.get(i)).toEqual({ text: `line ${i}`, ms: 0, err: i % 3 === 0 });
  });
  it('finds what a plain search of each line finds', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'B', 'b', 'İ', '\u001b[1m', ' '), maxLength: 6 });
    fc.assert(
      fc.property(
        fc.array(text, { maxLength: 60 }),
        fc.string({ unit: fc.constantFrom('a', 'b', ' '), minLength: 1, maxLength: 3 }),
        (texts, needle) => {
          const store = new LogStore();
          store.append(texts.map((t) => line(t)));
          const expected = texts.flatMap((_, i) => (store.plain(i).toLowerCase().includes(needle.toLowerCase()) ? [i] : []));
          expect(store.find(needle, 0, store.end)).toEqual(expected);
        },
      ),
      { numRuns: 1000 },
    );
  });
  it('searches a part, and one stream', () => {
    const store = new LogStore();
    store.append(Array.from({ length: 9000 }, (_, i) => line(i % 100 === 0 ? 'needle' : 'hay', i % 200 === 0)));
    expect(store.find('NEEDLE', 4000, 8200)).toEqual(Array.from({ length: 42 }, (_, i) => 4000 + i * 100));
    expect(store.find('needle', 0, 1000, 'err')).toEqual([0, 200, 400, 600, 800]);
    expect(store.find('', 0, 3, 'out')).toEqual([1, 2]);
  });
  it('forgets the oldest lines beyond the limit', () => {
    const store = new LogStore(5000);
    store.append(Array.from({ length: 20_000 }, (_, i) => line(String(i))));
    expect(store.end - store.first).toBeLessThanOrEqual(5000);
    expect(store.raw(store.first)).toBe(String(store.first));
    expect(store.raw(0)).toBe('');
  });
  it('takes a million lines in moments', () => {
    const store = new LogStore();
    const batch = Array.from({ length: 1000 }, (_, i) => line(`2026-11-24 GET /api/items/${i} 200 in 3 ms`));
    const before = performance.now();
    for (let i = 0; i < 1000; i++) store.append(batch);
    const filled = performance.now();
    expect(store.find('items/999 ', 0, store.end)).toHaveLength(1000);
    expect(filled - before).toBeLessThan(5000);
    expect(performance.now() - filled).toBeLessThan(5000);
  });
});

describe('rows', () => {
  it('breaks at the width, wide characters whole', () => {
    expect(cellWidth('a中')).toBe(3);
    expect(rowStarts('abcdef', 3)).toEqual([0, 3]);
    expect(rowStarts('a中文b', 3)).toEqual([0, 2]);
    expect(rowStarts('', 3)).toEqual([0]);
  });
  it('maps rows to items and back', () => {
    const rowsOf = (i: number) => 1 + (i % 3);
    const index = new RowIndex(rowsOf);
    index.grow(5000);
    let row = 0;
    for (let item = 0; item < 5000; item++) {
      if (item % 97 === 0) {
        expect(index.rowOf(item)).toBe(row);
        expect(index.at(row + rowsOf(item) - 1)).toEqual({ item, sub: rowsOf(item) - 1 });
      }
      row += rowsOf(item);
    }
    expect(index.rows).toBe(row);
  });
});
