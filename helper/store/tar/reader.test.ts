import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FixtureEntry } from './fixture.ts';
import { tarOf } from './fixture.ts';
import type { TarHeader } from './reader.ts';
import { TarReader } from './reader.ts';
import { tarEnd, tarHeader, tarPadding } from './writer.ts';

/** Reads an archive in pieces of the given sizes, in turn. */
function read(archive: Buffer, sizes: number[]): { header: TarHeader; data: Buffer }[] {
  const found: { header: TarHeader; data: Buffer }[] = [];
  let pieces: Buffer[] = [];
  let current: TarHeader | undefined;
  const reader = new TarReader({
    entry: (header) => {
      current = header;
      pieces = [];
    },
    data: (chunk) => void pieces.push(Buffer.from(chunk)),
    entryEnd: () => void found.push({ header: current as TarHeader, data: Buffer.concat(pieces) }),
  });
  for (let at = 0, i = 0; at < archive.length; i++) {
    const size = sizes[i % sizes.length] as number;
    reader.write(archive.subarray(at, at + size));
    at += size;
  }
  reader.end();
  return found;
}

const whole = (archive: Buffer): { header: TarHeader; data: Buffer }[] => read(archive, [archive.length]);

const name = fc
  .string({ unit: fc.constantFrom('a', 'b', '-', '\xe4', '\xff', '.'), minLength: 1, maxLength: 150 })
  .map((text) => `n${text}`);
const file: fc.Arbitrary<FixtureEntry> = fc.record({
  name,
  data: fc.uint8Array({ maxLength: 1500 }).map((bytes) => Buffer.from(bytes)),
  uid: fc.integer({ min: 0, max: 0xffff_fffe }),
  mode: fc.integer({ min: 0, max: 0o7777 }),
});

describe('tar reader', () => {
  it('reads the same however the archive is cut', () => {
    fc.assert(
      fc.property(
        fc.array(file, { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 900 }), { minLength: 1, maxLength: 6 }),
        (entries, sizes) => {
          const found = read(tarOf(entries), sizes);
          expect(found.map(({ header, data }) => ({ name: header.name, data, uid: header.uid, mode: header.mode }))).toEqual(entries);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps extended attributes byte for byte', () => {
    const value = Buffer.from([1, 0, 0, 2, 0xff, 0x20, 0x0a, 0x3d]);
    const [entry] = whole(tarOf([{ name: 'ping', xattrs: { 'security.capability': value } }]));
    expect(entry?.header.xattrs?.get('security.capability')).toEqual(value);
  });

  it('reads times before 1970 and fractions of seconds', () => {
    const [entry] = whole(tarOf([{ name: 'old', mtime: -1.25 }]));
    expect([entry?.header.mtimeSeconds, entry?.header.mtimeNanos]).toEqual([-2, 750_000_000]);
  });

  it('reads what GNU tar writes: long names and links in its own format', () => {
    const long = 'd'.repeat(120);
    const archive = execFileSync('sh', [
      '-c',
      `cd $(mktemp -d) && mkdir ${long} && echo hi > ${long}/f && ln -s ${long}/f l && tar --format=gnu -cf - . && rm -r $PWD`,
    ]);
    const found = whole(archive);
    expect(found.find(({ header }) => header.name === `./${long}/f`)?.data.toString()).toBe('hi\n');
    expect(found.find(({ header }) => header.type === 'symlink')?.header.linkName).toBe(`${long}/f`);
  });

  it('refuses sparse files, unknown types, damaged and cut archives', () => {
    const sparse = Buffer.from(tarOf([{ name: 'x' }]));
    sparse.write('S', 156);
    const sum = [...sparse.subarray(0, 512)].reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    sparse.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    expect(() => whole(sparse)).toThrow('sparse files');
    expect(() => whole(Buffer.alloc(1024, 'x'))).toThrow('invalid tar header');
    const cut = tarOf([{ name: 'x', data: Buffer.alloc(2000) }]).subarray(0, 1500);
    expect(() => whole(cut)).toThrow('unexpected EOF');
  });

  it('never does worse than refuse, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(file, { minLength: 1, maxLength: 3 }),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 }),
        (entries, hits) => {
          const archive = Buffer.from(tarOf(entries));
          for (const [at, byte] of hits) archive[at % archive.length] = byte;
          try {
            whole(archive);
          } catch (error) {
            expect((error as Error).name).toBe('Failure');
          }
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('tar writer', () => {
  it('writes what the reader and GNU tar read', () => {
    const data = Buffer.from('content');
    const archive = Buffer.concat([
      tarHeader('d/', undefined),
      tarHeader('d/f', data.length, 1000),
      data,
      tarPadding(data.length),
      tarEnd(),
    ]);
    expect(whole(archive).map(({ header }) => [header.name, header.type, header.size])).toEqual([
      ['d/', 'directory', 0],
      ['d/f', 'file', 7],
    ]);
    expect(execFileSync('tar', ['-xOf', '-', 'd/f'], { input: archive }).toString()).toBe('content');
  });

  it('writes sizes of more than 8 GiB', () => {
    const size = 2 ** 35 + 7;
    const sizes: number[] = [];
    new TarReader({ entry: (header) => sizes.push(header.size), data: () => {}, entryEnd: () => {} }).write(tarHeader('big', size));
    expect(sizes).toEqual([size]);
  });
});
