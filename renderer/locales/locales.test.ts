import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import en from './en.json' with { type: 'json' };
import zh from './zh.json' with { type: 'json' };

const root = join(import.meta.dirname, '..');
const sources = readdirSync(root, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !/\.test\.ts$/.test(file) && !file.startsWith('dev'))
  .map((file) => ({ file, text: readFileSync(join(root, file), 'utf8') }));
const base = (keys: string[]) => [...new Set(keys.map((key) => key.replace(/_(one|other)$/, '')))].sort();
const keys = base(Object.keys(en));

describe('catalogues', () => {
  it('have the same keys', () => expect(base(Object.keys(zh))).toEqual(keys));

  it('have the same placeholders', () => {
    const holes = (text: string) => [...new Set(text.match(/\{\{\s*\w+/g) ?? [])].sort();
    const chinese = zh as Record<string, string>;
    for (const [key, text] of Object.entries(en)) {
      const other = chinese[key] ?? chinese[key.replace(/_one$/, '_other')] ?? '';
      expect({ key, holes: holes(other) }).toEqual({ key, holes: holes(text) });
    }
  });

  it('have every key that the code names', () => {
    const missing = sources.flatMap(({ file, text }) =>
      [...text.matchAll(/\btr?\(\s*'([^']+)'/g)]
        .map((m) => m[1] ?? '')
        .filter((key) => !keys.includes(key))
        .map((key) => `${file}: ${key}`),
    );
    expect(missing).toEqual([]);
  });

  it('have no key that nothing uses', () => {
    const all = sources.map((s) => s.text).join('\n');
    const prefixes = [...all.matchAll(/\btr?\(`([\w.]+\.)\$\{/g)].map((m) => m[1] ?? '');
    const unused = keys.filter((key) => !all.includes(`'${key}'`) && !prefixes.some((prefix) => key.startsWith(prefix)));
    expect(unused).toEqual([]);
  });
});

it('no words for people stand in the code', () => {
  // Text between tags that begins with a letter and has a space, or one capitalised word; product names and JSON are none.
  const found = sources.flatMap(({ file, text }) => {
    if (!file.endsWith('.tsx')) return [];
    return [...text.matchAll(/>\s*([A-Z][a-z]+(?: [a-z]+)*[.!?]?)\s*<\//g)].map((m) => `${file}: ${m[1]}`);
  });
  expect(found).toEqual([]);
});
