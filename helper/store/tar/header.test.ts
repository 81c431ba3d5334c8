import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { type Header, pack } from 'tar-stream';
import { describe, expect, it } from 'vitest';
import { type TarEntry, writeHeader } from './header.ts';
import { type TarHeader, TarReader } from './reader.ts';
import { tarEnd } from './writer.ts';

const plain: TarEntry = { name: 'file', type: 'file', mode: 0o644, uid: 0, gid: 0, size: 0, mtime: 0 };

function archive(entry: TarEntry): Buffer {
  const block = Buffer.alloc(512, 0xff);
  return Buffer.concat([writeHeader(block, 0, entry) ?? block, tarEnd()]);
}

function read(bytes: Buffer): TarHeader {
  const found: TarHeader[] = [];
  new TarReader({ entry: (header) => found.push(header), data: () => {}, entryEnd: () => {} }).write(bytes);
  expect(found.length).toBe(1);
  return found[0] as TarHeader;
}

async function byTarStream({ name, type, linkName, major, minor, mtime, ...rest }: TarEntry): Promise<Buffer> {
  const stream = pack();
  const types = { character: 'character-device', block: 'block-device' } as Record<string, Header['type']>;
  stream
    .entry({
      name,
      type: types[type] ?? (type as Header['type']),
      mode: rest.mode,
      uid: rest.uid,
      gid: rest.gid,
      size: 0,
      mtime: new Date(mtime * 1000),
      ...(linkName ? { linkname: linkName } : {}),
      ...(major === undefined ? {} : { devmajor: major, devminor: minor }),
    } as Header)
    .end(undefined);
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', 'c', '.'), minLength: 1, maxLength: 300 }).map((rest) => `n${rest}`);
const entries: fc.Arbitrary<TarEntry> = fc
  .record({
    name: text,
    type: fc.constantFrom('file', 'directory', 'symlink', 'link', 'fifo', 'character', 'block'),
    mode: fc.integer({ min: 1, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 0o777777 }),
    gid: fc.integer({ min: 0, max: 0o777777 }),
    size: fc.constant(0),
    mtime: fc.integer({ min: 0, max: 0x7fff_ffff }),
    linkName: text,
    major: fc.integer({ min: 0, max: 4095 }),
    minor: fc.integer({ min: 0, max: 0o777777 }),
  })
  .map((entry) => {
    const { linkName, major, minor, ...rest } = entry;
    if (entry.type === 'symlink' || entry.type === 'link') return { ...rest, linkName };
    return entry.type === 'character' || entry.type === 'block' ? { ...rest, major, minor } : rest;
  }) as fc.Arbitrary<TarEntry>;

describe('tar headers', () => {
  it('are byte for byte those of tar-stream, where it writes what was said', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (entry) => {
        expect(archive(entry).equals(await byTarStream(entry))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('hold what no field has room for', () => {
    const capability = Buffer.from([1, 0, 0, 2, 0xff, 0x20, 0x0a, 0x3d]);
    const name = `${'d'.repeat(150)}/${'e'.repeat(150)}`;
    const header = read(archive({ ...plain, name, uid: 0xffff_fffe, gid: 2_097_152, mtime: -5, capability }));
    expect(header).toMatchObject({ name, uid: 0xffff_fffe, gid: 2_097_152, mtimeSeconds: -5 });
    expect(header.xattrs?.get('security.capability')).toEqual(capability);
  });

  it('hold numbers that fill a field', () => {
    expect(read(archive({ ...plain, uid: 1_000_000, gid: 0o7777777, mtime: 4_102_444_800 }))).toMatchObject({
      uid: 1_000_000,
      gid: 0o7777777,
      mtimeSeconds: 4_102_444_800,
    });
    expect(read(archive({ ...plain, size: 2 ** 40 + 5 })).size).toBe(2 ** 40 + 5);
  });

  it('say that nobody may read a file', () => {
    expect(read(archive({ ...plain, mode: 0 })).mode).toBe(0);
  });

  it('keep names that are not UTF-8', () => {
    const name = 'caf\xe9';
    expect(read(archive({ ...plain, name })).name).toBe(name);
    expect(read(archive({ ...plain, type: 'symlink', linkName: name, name: 'link' })).linkName).toBe(name);
  });

  it('are read by GNU tar', () => {
    const entry = { ...plain, name: `${'ü'.repeat(90)}`, uid: 1_000_000, mtime: 4_102_444_800 };
    const bytes = archive({ ...entry, name: Buffer.from(entry.name).toString('latin1') });
    const listed = execFileSync('tar', ['--numeric-owner', '--utc', '-tvf', '-'], {
      input: bytes,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
    });
    expect(listed.toString()).toMatch(/1000000\/0 +0 2100-01-01 00:00 ü{90}/);
  });
});
