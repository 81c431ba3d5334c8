import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mountOf, parseMountInfo } from './mountinfo.ts';

/** As the kernel escapes what would break the line. */
const escaped = (text: string): string => text.replace(/[ \t\n\\#]/g, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
const name = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\t', '\n', '\\', '-', ' - ', '#', '1', '/'), minLength: 1, maxLength: 12 });

describe('mountinfo', () => {
  it('gives back any name that the kernel has escaped', () => {
    const mount = fc.record({
      target: name.map((text) => `/${text}`),
      source: name,
      optional: fc.constantFrom('', 'shared:7 ', 'master:1 ', 'shared:7 master:1 unbindable '),
    });
    fc.assert(
      fc.property(fc.array(mount, { maxLength: 5 }), (list) => {
        const text = list.map(
          ({ target, source, optional }, id) =>
            `${id} 1 0:5 / ${escaped(target)} rw,nosuid ${optional}- ext4 ${escaped(source)} rw,errors=continue\n`,
        );
        const entries = parseMountInfo(text.join(''));
        expect(entries.map(({ target, source }) => ({ target, source }))).toEqual(list.map(({ target, source }) => ({ target, source })));
        expect(entries.map(({ shared }) => shared)).toEqual(list.map(({ optional }) => (optional.includes('shared') ? 7 : undefined)));
      }),
    );
  });

  it('is read from any text without complaint, and from the kernel in full', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), name), (text) => void parseMountInfo(text)));
    const kernel = readFileSync('/proc/self/mountinfo', 'utf8');
    expect(parseMountInfo(kernel)).toHaveLength(kernel.trim().split('\n').length);
  });

  it('tells the mount that a file lies on: the nearest above it, and the last of those', () => {
    const entries = parseMountInfo(
      ['/', '/a', '/ab', '/a/b', '/a/b'].map((target, id) => `${id} 0 0:5 / ${target} rw - t s rw`).join('\n'),
    );
    const on = (file: string): number | undefined => mountOf(file, entries)?.id;
    expect(['/x', '/a', '/a/x', '/ab', '/abc', '/a/b/c'].map(on)).toEqual([0, 1, 1, 2, 0, 4]);
  });
});
