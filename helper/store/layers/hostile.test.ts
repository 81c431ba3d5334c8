import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isFailure } from '../../engine/failure.ts';
import type { FixtureEntry } from '../tar/fixture.ts';
import { tarOf } from '../tar/fixture.ts';
import { addLayer, describeTree, layerStore } from './fixture.ts';
import type { LayerKind, Layers } from './layers.ts';
import { LIMITS } from './tree.ts';

/**
 * Archives made to reach the host. Around the store lies a canary: files that archives aim at by absolute names, by `..`, through
 * links. Whatever an archive holds, the canary stays as it is, what is refused is a Failure for the user, and nothing of it is kept.
 */
const root = process.getuid?.() === 0;
let folder: string;
let canary: string;
let open: Layers[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gantry-hostile-'));
  canary = path.join(folder, 'canary');
  fs.mkdirSync(path.join(canary, 'dir'), { recursive: true });
  fs.writeFileSync(path.join(canary, 'file'), 'untouched');
  fs.chmodSync(path.join(canary, 'file'), 0o640);
});
afterEach(async () => {
  for (const layers of open) await layers.close();
  open = [];
  fs.rmSync(folder, { recursive: true, force: true });
});

async function store(kind: LayerKind): Promise<Layers> {
  const layers = await layerStore(folder, kind);
  open.push(layers);
  return layers;
}

/** Takes the archive in and says what became of it: the tree, or why it was refused. Fails the test where the host was touched. */
async function outcome(layers: Layers, archive: Buffer): Promise<{ tree?: Record<string, unknown>; refused?: string }> {
  const before = { canary: describeTree(canary), around: fs.readdirSync(folder).sort() };
  let diffId: string | undefined;
  let refused: string | undefined;
  try {
    diffId = await addLayer(layers, folder, archive);
  } catch (error) {
    if (!isFailure(error)) throw error;
    refused = error.message;
  }
  expect({ canary: describeTree(canary), around: fs.readdirSync(folder).sort() }).toEqual(before);
  expect(fs.readdirSync(path.join(folder, 'data/layers/ingest'))).toEqual([]);
  if (diffId === undefined) return { refused: refused ?? '' };
  const tree = describeTree(await layers.directory(diffId));
  await layers.remove(diffId);
  return { tree };
}

const file = (name: string, more: Partial<FixtureEntry> = {}): FixtureEntry => ({ name, data: Buffer.from('x'), ...more });

describe.runIf(root).each(['erofs', 'folder'] as const)('a hostile archive as %s', (kind) => {
  it.each<[string, (aim: string) => FixtureEntry[], RegExp]>([
    ['climbs by ..', (aim) => [file(`../../../../../../../..${aim}`)], /leaves the layer/],
    ['climbs out of a folder that it made', () => [{ name: 'a/', type: 'directory' }, file('a/../../b')], /leaves the layer/],
    ['links to a file outside by ..', (aim) => [{ name: 'l', type: 'link', link: `../../../../../../..${aim}` }], /leaves the layer/],
    ['links to a file outside by its name', (aim) => [{ name: 'l', type: 'link', link: aim }], /not in the layer/],
    [
      'links to a folder',
      () => [
        { name: 'a/', type: 'directory' },
        { name: 'l', type: 'link', link: 'a' },
      ],
      /to a directory/,
    ],
    ['hides the parent', () => [file('a/.wh...')], /invalid whiteout/],
    ['hides the folder itself', () => [file('a/.wh..')], /invalid whiteout/],
    ['hides nothing', () => [file('.wh.')], /invalid whiteout/],
    ['hides in the parent', () => [file('../.wh.x')], /leaves the layer/],
    ['makes the root a file', () => [file('.')], /root of a layer/],
    ['makes the root a link', (aim) => [{ name: './', type: 'symlink', link: aim }], /root of a layer/],
    ['puts a file below a file', () => [file('a'), file('a/b')], /not a directory/],
    ['puts a file below a device', () => [{ name: 'a', type: 'character', major: 1, minor: 3 }, file('a/b')], /not a directory/],
    ['has a link that leads to itself', () => [{ name: 'a', type: 'symlink', link: 'a' }, file('a/b')], /too many levels/],
    [
      'has links that lead to each other',
      () => [{ name: 'a', type: 'symlink', link: 'b' }, { name: 'b', type: 'symlink', link: 'a' }, file('a/x')],
      /too many levels/,
    ],
    ['has a name of 10,000 characters', () => [file('n'.repeat(10_000))], /too long/],
    ['has a folder of 300 characters', () => [file(`${'d'.repeat(300)}/f`)], /too long/],
    ['has 3,000 folders in each other', () => [file('d/'.repeat(3000))], /too long/],
    ['has a link without a target', () => [{ name: 'a', type: 'symlink', link: '' }], /empty, too long/],
    ['has a link with a target of 10,000 characters', () => [{ name: 'a', type: 'symlink', link: 'x'.repeat(10_000) }], /empty, too long/],
    ['has a NUL in a name', () => [file('a', { pax: { path: 'a\0b' } })], /NUL/],
    ['has a NUL in a link', () => [{ name: 'a', type: 'symlink', link: 'x', pax: { linkpath: 'x\0/etc' } }], /broken target/],
    ['is sparse as old GNU tars', () => [file('a', { flag: 'S' })], /sparse/],
    ['is sparse as PAX', () => [file('a', { pax: { 'GNU.sparse.major': '1' } })], /sparse/],
    ['has an unknown type', () => [file('a', { flag: 'Z' })], /unhandled tar header type/],
    ['has a negative size', () => [file('a', { patch: [[124, Buffer.alloc(12, 0xff)]] })], /size/],
    ['has a size of 2^63', () => [file('a', { patch: [[124, Buffer.from('800000008000000000000000', 'hex')]] })], /out of range/],
    ['says it is larger than it is', () => [file('a', { patch: [[124, '77777777777\0']] })], /unexpected EOF/],
    ['says so in PAX', () => [file('a', { pax: { size: '9000000000000000' } })], /unexpected EOF/],
    ['has a PAX size that is none', () => [file('a', { pax: { size: '1e3' } })], /PAX number/],
    ['has an owner that means none', () => [file('a', { pax: { uid: '4294967295' } })], /owner out of range/],
    ['has an owner beyond 32 bits', () => [file('a', { pax: { gid: '9007199254740990' } })], /owner out of range/],
    [
      'has a device number beyond 20 bits',
      () => [{ name: 'a', type: 'block', patch: [[337, '\x80\0\0\0\xff\xff\xff\xff']] }],
      /device number/,
    ],
    ['has a negative time beyond all', () => [file('a', { pax: { mtime: `-${'9'.repeat(40)}` } })], /PAX time/],
    ['has a PAX record that is longer than its header', () => [file('a', { flag: 'x', data: Buffer.from('999 path=b\n') })], /PAX record/],
    ['has a PAX record without a value', () => [file('a', { flag: 'x', data: Buffer.from('9 pathb\n\n') })], /PAX record/],
    ['has an attribute whose name is no name', () => [file('a', { pax: { 'LIBARCHIVE.xattr.%zz': 'eA==' } })], /extended attribute/],
    ['has an attribute of 100 kB', () => [file('a', { xattrs: { 'user.x': Buffer.alloc(100_000) } })], /attribute too large/],
    ['has PAX records of 2 MB', () => [file('a', { flag: 'x', data: Buffer.alloc(2_000_000) })], /header too long/],
    [
      'has global PAX records without end',
      () =>
        Array.from({ length: 40 }, (_, i) =>
          file(`g${i}`, { flag: 'g', data: Buffer.from(`3016 k${i}=${'v'.repeat(3008 - `${i}`.length)}\n`) }),
        ),
      /global PAX records too long/,
    ],
  ])('that %s is refused', async (_what, entries, reason) => {
    const layers = await store(kind);
    expect(await outcome(layers, tarOf(entries(path.join(canary, 'file'))))).toEqual({ refused: expect.stringMatching(reason) });
    expect(layers.all()).toEqual([]);
  });

  it.each<[string, (aim: string) => FixtureEntry[]]>([
    ['an absolute name', (aim) => [file(`${aim}/file`)]],
    ['a link to the host as a folder', (aim) => [{ name: 'l', type: 'symlink', link: aim }, file('l/file'), file('l/dir/new')]],
    ['a link by ..', (aim) => [{ name: 'a/l', type: 'symlink', link: `../../../../../..${aim}` }, file('a/l/file')]],
    [
      'a link that is planted over a folder',
      (aim) => [file('d/file'), { name: 'd', type: 'symlink', link: aim }, file('d/file'), file('d/dir/x')],
    ],
    ['a file over a link', (aim) => [{ name: 'l', type: 'symlink', link: `${aim}/file` }, file('l'), file('l', { mode: 0o777 })]],
    [
      'a folder over a link',
      (aim) => [{ name: 'l', type: 'symlink', link: aim }, { name: 'l', type: 'directory', mode: 0o777 }, file('l/file')],
    ],
    [
      'a hard link to a link',
      (aim) => [{ name: 'l', type: 'symlink', link: `${aim}/file` }, { name: 'h', type: 'link', link: 'l' }, file('h')],
    ],
    [
      'a device over a link',
      (aim) => [
        { name: 'l', type: 'symlink', link: `${aim}/file` },
        { name: 'l', type: 'block', major: 8, minor: 0 },
      ],
    ],
    [
      'whiteouts through a link',
      (aim) => [{ name: 'l', type: 'symlink', link: aim }, file('l/.wh.file'), file('l/.wh..wh..opq'), file('.wh.l')],
    ],
    [
      'attributes through a link',
      (aim) => [{ name: 'l', type: 'symlink', link: aim }, file('l/f', { xattrs: { 'user.a': Buffer.from('b') } })],
    ],
    ['a folder replaced by a link to what was in it', () => [file('d/f'), { name: 'd', type: 'link', link: 'd/f' }]],
    ['a file replaced by a link to a device', () => [file('f'), { name: 'p', type: 'fifo' }, { name: 'f', type: 'link', link: 'p' }]],
  ])('with %s stays in its layer', async (_what, entries) => {
    expect((await outcome(await store(kind), tarOf(entries(canary)))).tree).toBeDefined();
  });

  it('can grow no path by links beyond what the kernel can name', async () => {
    const deep = `${'d'.repeat(200)}/`.repeat(18);
    const archive = tarOf([
      { name: deep, type: 'directory' },
      { name: 'l', type: 'symlink', link: deep },
      file(`l/${'e'.repeat(200)}/${'f'.repeat(200)}`),
    ]);
    expect((await outcome(await store(kind), archive)).refused).toBe('path in archive is too long');
  });

  it('has no more entries, links and attributes than fit into memory', async () => {
    const layers = await store(kind);
    const limits = { ...LIMITS };
    try {
      Object.assign(LIMITS, { nodes: 500, metadataBytes: 20_000 });
      const many = (make: (i: number) => FixtureEntry): Buffer => tarOf(Array.from({ length: 600 }, (_, i) => make(i)));
      expect(
        (
          await outcome(
            layers,
            many((i) => file(`f${i}`)),
          )
        ).refused,
      ).toBe('archive has more than 500 entries');
      for (const make of [
        (i: number): FixtureEntry => ({ name: `l${i}`, type: 'symlink', link: 'x'.repeat(90) }),
        (i: number): FixtureEntry => ({ name: `l${i}`, type: 'link', link: 'never-there' }),
        (): FixtureEntry => file('same', { xattrs: { 'user.a': Buffer.alloc(100) } }),
        (i: number): FixtureEntry => file(`${'n'.repeat(90)}${i}`),
      ]) {
        expect((await outcome(layers, many(make))).refused).toMatch(/^names and attributes in the archive take more than/);
      }
    } finally {
      Object.assign(LIMITS, limits);
    }
  });

  it('that a compression cuts off is refused, wherever it is cut', async () => {
    const layers = await store(kind);
    const archive = tarOf([file('a', { data: fs.readFileSync(process.execPath).subarray(0, 60_000) })]);
    const tools = (['zstd', 'xz', 'bzip2'] as const).map((tool) => execFileSync(tool, ['-c'], { input: archive }));
    for (const packed of [gzipSync(archive), ...tools]) {
      for (const length of [7, 20, 300, packed.length >> 1, packed.length - 5, packed.length - 1]) {
        expect((await outcome(layers, packed.subarray(0, length))).refused, `${length} of ${packed.length}`).toMatch(/EOF|invalid .* data/);
      }
      const damaged = Buffer.from(packed);
      damaged.fill(0x55, 100, 140);
      expect((await outcome(layers, damaged)).refused).toBeDefined();
      expect((await outcome(layers, packed)).tree).toBeDefined();
    }
  });

  it('lies in folders that only root can enter', async () => {
    const layers = await store(kind);
    await addLayer(layers, folder, tarOf([file('su', { mode: 0o4755 }), { name: 'sda', type: 'block', major: 8, minor: 0 }]));
    expect(fs.statSync(path.join(folder, 'data/layers')).mode & 0o777).toBe(0o700);
    if (kind === 'erofs') expect(fs.statSync(path.join(folder, 'run/layers')).mode & 0o777).toBe(0o700);
  });
});

describe.runIf(root)('whatever an archive holds', { timeout: 60_000 }, () => {
  it('both kinds of layers make the same of it, and the host stays as it is', async () => {
    const names = [
      'a',
      'a/b',
      'a/b/c',
      'b',
      'b/c',
      './a',
      'a/',
      'a//b',
      '/b',
      'a/../b',
      'b/..',
      '../a',
      'a/.wh.b',
      '.wh.a',
      '.wh.b',
      'a/.wh..wh..opq',
      '.wh..wh.x',
      '.',
      '',
    ];
    const targets = (): string[] => [...names, canary, `${canary}/file`, `../../../../../../../..${canary}`, '/', '..', '.', 'nowhere'];
    const entry: fc.Arbitrary<FixtureEntry> = fc
      .record({
        name: fc.constantFrom(...names),
        type: fc.constantFrom(
          'file',
          'file',
          'link',
          'symlink',
          'symlink',
          'character',
          'block',
          'directory',
          'directory',
          'fifo' as const,
        ),
        link: fc.constantFrom(...targets()),
        // Numbers at the edges of what fits, as base 256 and as octal.
        uid: fc.constantFrom(0, 1000, 0xffff_fffe, 0xffff_ffff, 2 ** 40),
        mode: fc.constantFrom(0o644, 0o7777, 0),
        mtime: fc.constantFrom(0, 1, -1.5, 2 ** 33, 2 ** 52),
        major: fc.constantFrom(0, 1, 8, 0o7777777),
        minor: fc.constantFrom(0, 3, 255, 0o3777777),
        size: fc.constantFrom(0, 1, 5000),
      })
      .map(({ size, ...wish }) => (wish.type === 'file' ? { ...wish, data: Buffer.alloc(size, 'q') } : wish));
    const stores = [await layerStore(path.join(folder, 'e'), 'erofs'), await layerStore(path.join(folder, 'f'), 'folder')];
    open.push(...stores);
    const around = (): unknown => [describeTree(canary), fs.readdirSync(folder), fs.readdirSync('/').sort()];
    const before = around();
    const take = async (layers: Layers, archive: Buffer): Promise<unknown> => {
      let diffId: string;
      try {
        diffId = await addLayer(layers, folder, archive);
      } catch (error) {
        if (!isFailure(error)) throw error;
        return 'refused';
      }
      const tree = describeTree(await layers.directory(diffId));
      await layers.remove(diffId);
      // Times before 1901 and after 2446 are the folder's file system's to clamp; device nodes with several names are several there.
      return Object.fromEntries(
        Object.entries(tree).map(([name, value]) => {
          const { mtime: _time, links, same, ...rest } = value as { mtime: number; links: number; same: string; mode: number };
          const node = (rest.mode & 0o170000) !== 0o100000 && (rest.mode & 0o170000) !== 0o120000;
          return [name, node ? rest : { ...rest, links, same }];
        }),
      );
    };
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { minLength: 1, maxLength: 12 }), async (entries) => {
        const archive = tarOf(entries);
        const [image, tree] = [await take(stores[0] as Layers, archive), await take(stores[1] as Layers, archive)];
        expect(tree).toEqual(image);
        expect(around()).toEqual(before);
      }),
      { numRuns: 150 },
    );
  });
});
