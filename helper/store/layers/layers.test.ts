import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { unmount } from '../../system/mount/index.ts';
import { lgetxattr, mount } from '../../system/syscall/index.ts';
import type { FixtureEntry } from '../tar/fixture.ts';
import { tarOf } from '../tar/fixture.ts';
import { addLayer, describeTree, layerStore } from './fixture.ts';
import { createLayers, type LayerKind, type Layers } from './layers.ts';
import { JobPool } from './pool.ts';
import { probeErofs } from './probe.ts';

const root = process.getuid?.() === 0;
const PLANTED = '/gantry-test-planted';

let folder: string;
let open: Layers[] = [];
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(os.tmpdir(), 'gantry-layers-'));
});
afterEach(async () => {
  for (const layers of open) await layers.close();
  open = [];
  fs.rmSync(folder, { recursive: true, force: true });
}, 60_000);

async function store(kind: LayerKind, pool?: JobPool): Promise<Layers> {
  const layers = await layerStore(folder, kind, pool);
  open.push(layers);
  return layers;
}

const add = (layers: Layers, archive: Buffer, sizes?: number[]): Promise<string> => addLayer(layers, folder, archive, sizes);

function extracted(archive: Buffer): string {
  const target = fs.mkdtempSync(path.join(folder, 'tar-'));
  execFileSync('tar', ['-xpf', '-', '-C', target, '--numeric-owner', '--warning=no-timestamp'], { input: archive });
  return target;
}

describe('the kind of layers', () => {
  it.runIf(root)('is what the file system of the data can, though the run folder is in memory', async () => {
    const run = path.join(folder, 'run');
    fs.mkdirSync(run);
    mount('tmpfs', run, 'tmpfs', 0);
    try {
      const layers = await createLayers({ data: path.join(folder, 'data'), run, log: { debug() {}, info() {}, warn() {}, error() {} } });
      await layers.start();
      expect(layers.kind).toBe((await probeErofs(folder)) ? 'erofs' : 'folder');
      const diffId = await add(layers, tarOf([{ name: 'file', type: 'file', data: Buffer.from('text') }]));
      expect(fs.readFileSync(path.join(await layers.directory(diffId), 'file'), 'utf8')).toBe('text');
      await layers.close();
      expect(fs.readdirSync(path.join(folder, 'data/layers/ingest'))).toEqual([]);
    } finally {
      unmount(run);
    }
  });
});

// Sizes around what decides the layout: empty, beside the inode, a block, a tail that does not fit beside it.
const size = fc.oneof(fc.integer({ min: 0, max: 200 }), fc.integer({ min: 3900, max: 4200 }), fc.integer({ min: 8000, max: 13000 }));
const directoryNames = ['a', 'b', 'a/b', 'a/b/c', 'z'];
/** Content is made from the size in the property, so that a counterexample can be read. */
const entryArbitrary: fc.Arbitrary<FixtureEntry & { size: number }> = fc
  .record({
    in: fc.constantFrom('', ...directoryNames.map((name) => `${name}/`)),
    name: fc.string({ unit: fc.constantFrom('f', 'g', 'ü', '0'), minLength: 1, maxLength: 90 }),
    type: fc.constantFrom('file', 'file', 'file', 'symlink', 'character', 'fifo' as const),
    size,
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 200_000 }),
    mtime: fc.integer({ min: 0, max: 2 ** 32 }),
  })
  .map((wish) => ({
    name: Buffer.from(`${wish.in}x${wish.name}`).toString('latin1'),
    type: wish.type,
    mode: wish.mode,
    uid: wish.uid,
    gid: wish.uid,
    mtime: wish.mtime,
    major: wish.type === 'character' ? 5 : 0,
    minor: wish.type === 'character' ? 300 : 0,
    link: wish.type === 'symlink' ? 'y'.repeat((wish.size % 900) + 1) : '',
    size: wish.type === 'file' ? wish.size : 0,
  }));

const treeArbitrary = fc
  .tuple(
    fc.uniqueArray(entryArbitrary, { selector: (entry) => entry.name, minLength: 1, maxLength: 40 }),
    fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }),
  )
  .map(([entries, links]) => {
    const files = entries.filter((entry) => entry.type === 'file');
    const hard = links.flatMap(([which], at): (FixtureEntry & { size?: number })[] => {
      const target = files[which % Math.max(1, files.length)];
      return target ? [{ name: `hard${at}`, type: 'link', link: target.name }] : [];
    });
    return [
      ...directoryNames.map((name): FixtureEntry & { size?: number } => ({ name: `${name}/`, type: 'directory', mode: 0o751 })),
      ...entries,
      ...hard,
    ];
  });

describe.runIf(root).each(['erofs', 'folder'] as const)('layers as %s', (kind) => {
  it('shows what GNU tar extracts', async () => {
    const layers = await store(kind);
    await fc.assert(
      fc.asyncProperty(treeArbitrary, fc.integer({ min: 100, max: 5000 }), async (entries, piece) => {
        const archive = tarOf(entries.map((entry) => ({ ...entry, data: Buffer.alloc(entry.size ?? 0, entry.name) })));
        const diffId = await add(layers, archive, [piece]);
        const directory = await layers.directory(diffId);
        expect(describeTree(directory)).toEqual(describeTree(extracted(archive)));
        if (kind === 'erofs') {
          const image = path.join(folder, 'data/layers', diffId.slice(7, 39), 'layer.erofs');
          execFileSync('fsck.erofs', [image], { stdio: 'pipe' });
        }
        await layers.remove(diffId);
      }),
      { numRuns: 25 },
    );
  });

  it('holds large folders and files', async () => {
    const entries: FixtureEntry[] = [{ name: 'big', data: Buffer.alloc(3_000_001, 'abc') }];
    for (let i = 0; i < 3000; i++) entries.push({ name: `many/${'n'.repeat(i % 60)}${i}`, data: Buffer.from(String(i)) });
    const archive = tarOf(entries);
    const layers = await store(kind);
    const directory = await layers.directory(await add(layers, archive, [65536]));
    expect(describeTree(path.join(directory, 'many'))).toEqual(describeTree(path.join(extracted(archive), 'many')));
    expect(fs.statSync(path.join(directory, 'big')).size).toBe(3_000_001);
  });

  it('gives an overlay its whiteouts, and hides nothing that the layer itself brings', async () => {
    const layers = await store(kind);
    const lower = await add(
      layers,
      tarOf(['keep', 'gone', 'dir/old', 'opaque/old', 'replaced/old', 'late/old'].map((name) => ({ name, data: Buffer.from('low') }))),
    );
    const upper = await add(
      layers,
      tarOf([
        { name: '.wh.gone' },
        { name: 'dir/.wh.old' },
        { name: 'dir/new' },
        { name: 'opaque/', type: 'directory' },
        { name: 'opaque/.wh..wh..opq' },
        { name: 'opaque/new' },
        { name: '.wh.replaced' },
        { name: 'replaced/', type: 'directory' },
        { name: 'replaced/new' },
        { name: 'late/new' },
        { name: '.wh.late' },
        { name: '.wh..wh.plnk/', type: 'directory' },
      ]),
    );
    const target = path.join(folder, 'merged');
    fs.mkdirSync(target);
    const scratch = ['upper', 'work'].map((name) => path.join(folder, name)) as [string, string];
    for (const name of scratch) fs.mkdirSync(name);
    const directories = [await layers.directory(upper), await layers.directory(lower)];
    execFileSync('mount', [
      '-t',
      'overlay',
      'overlay',
      '-o',
      `lowerdir=${directories.join(':')},upperdir=${scratch[0]},workdir=${scratch[1]}`,
      target,
    ]);
    try {
      expect(Object.keys(describeTree(target)).sort()).toEqual(
        ['dir', 'dir/new', 'keep', 'late', 'late/new', 'opaque', 'opaque/new', 'replaced', 'replaced/new'].sort(),
      );
    } finally {
      unmount(target);
    }
  });

  it('keeps attributes, and drops those by which a layer could steer overlayfs', async () => {
    const value = Buffer.from([1, 0, 0, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    const layers = await store(kind);
    const directory = await layers.directory(
      await add(
        layers,
        tarOf([{ name: 'ping', xattrs: { 'security.capability': value, 'trusted.overlay.redirect': Buffer.from('/etc') } }]),
      ),
    );
    expect(lgetxattr(path.join(directory, 'ping'), 'security.capability')).toEqual(value);
    expect(lgetxattr(path.join(directory, 'ping'), 'trusted.overlay.redirect')).toBeUndefined();
  });

  it('lets no archive out of its layer', async () => {
    const layers = await store(kind);
    const hostile: FixtureEntry[][] = [
      [{ name: `../..${PLANTED}`, data: Buffer.from('x') }],
      [{ name: 'a/../../x', data: Buffer.from('x') }],
      [
        { name: 'x', type: 'symlink', link: '/etc/passwd' },
        { name: 'y', type: 'link', link: '../../../etc/passwd' },
      ],
      [{ name: 'y', type: 'link', link: 'etc/passwd' }],
      [
        { name: 'd/', type: 'directory' },
        { name: 'y', type: 'link', link: 'd' },
      ],
    ];
    for (const entries of hostile) await expect(add(layers, tarOf(entries))).rejects.toThrow();
    const contained: FixtureEntry[][] = [
      [{ name: PLANTED, data: Buffer.from('x') }],
      [
        { name: 'out', type: 'symlink', link: '/' },
        { name: `out${PLANTED}`, data: Buffer.from('x') },
      ],
      [
        { name: 'out', type: 'symlink', link: '../../../..' },
        { name: `out${PLANTED}`, data: Buffer.from('x') },
      ],
    ];
    for (const entries of contained) {
      const directory = await layers.directory(await add(layers, tarOf(entries)));
      expect(fs.readFileSync(path.join(directory, PLANTED), 'utf8')).toBe('x');
    }
    // A file over a symlink replaces the symlink; it never writes through it.
    const over = await layers.directory(
      await add(
        layers,
        tarOf([
          { name: 'p', type: 'symlink', link: PLANTED },
          { name: 'p', data: Buffer.from('x') },
        ]),
      ),
    );
    expect(fs.lstatSync(path.join(over, 'p')).isFile()).toBe(true);
    expect(fs.existsSync(PLANTED)).toBe(false);
    expect(layers.all().length).toBe(4);
    expect(fs.readdirSync(path.join(folder, 'data/layers/ingest'))).toEqual([]);
  });

  it('takes the last of several entries of a name, and links to later ones', async () => {
    const layers = await store(kind);
    const directory = await layers.directory(
      await add(
        layers,
        tarOf([
          { name: 'early', type: 'link', link: 'late' },
          { name: 'd/x', data: Buffer.from('1') },
          { name: 'd', data: Buffer.from('now a file') },
          { name: 'd', type: 'directory' },
          { name: 'd/y', data: Buffer.from('2') },
          { name: 'late', data: Buffer.from('target') },
        ]),
      ),
    );
    expect(fs.readdirSync(path.join(directory, 'd'))).toEqual(['y']);
    expect(fs.readFileSync(path.join(directory, 'early'), 'utf8')).toBe('target');
    expect(fs.statSync(path.join(directory, 'early')).nlink).toBe(2);
  });

  it('knows its layers after a restart, removes half-done ones, and refuses what has the wrong digest', async () => {
    const layers = await store(kind);
    const archive = tarOf([{ name: 'f', data: Buffer.from('1') }]);
    const diffId = await add(layers, gzipSync(archive));
    expect(diffId).toBe(`sha256:${createHash('sha256').update(archive).digest('hex')}`);
    const half = await layers.add({ path: path.join(folder, 'half'), has: 0 });
    await half.write(archive);
    const wrong = await layers.add({ path: path.join(folder, 'wrong'), has: 0 });
    await wrong.write(tarOf([{ name: 'g' }]));
    await expect(wrong.finish({ diffId: `sha256:${'0'.repeat(64)}` }, async () => {})).rejects.toThrow('has the diffID');
    await layers.close();
    const again = await store(kind);
    expect(again.all().map((layer) => layer.diffId)).toEqual([diffId]);
    expect(fs.readdirSync(path.join(folder, 'data/layers/ingest'))).toEqual([]);
    expect(fs.readFileSync(path.join(await again.directory(diffId), 'f'), 'utf8')).toBe('1');
  });
});

describe.runIf(root)('layer jobs in worker threads', () => {
  it('do what they do in process, several at once, and report failures', async () => {
    const worker = await build({
      entryPoints: [path.join(path.dirname(fileURLToPath(import.meta.url)), 'unpack.worker.ts')],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      write: false,
    });
    const pool = new JobPool({ code: async () => worker.outputFiles[0]?.text, threads: 2 });
    const layers = await store('erofs', pool);
    const archives = [1, 2, 3, 4].map((n) => tarOf([{ name: `f${n}`, data: Buffer.alloc(900_000 * n, `${n}`) }]));
    const ids = await Promise.all(archives.map((archive) => add(layers, gzipSync(archive), [50_000])));
    expect(ids).toEqual(archives.map((archive) => `sha256:${createHash('sha256').update(archive).digest('hex')}`));
    await expect(add(layers, Buffer.alloc(4096, 'x'))).rejects.toThrow('invalid tar header');
    await expect(add(layers, gzipSync(archives[0] as Buffer).subarray(0, -100))).rejects.toThrow('unexpected EOF');
    await expect(add(layers, gzipSync(archives[0] as Buffer).subarray(0, 5))).rejects.toThrow('unexpected EOF');
    await expect(add(layers, Buffer.from('x'))).rejects.toThrow('unexpected EOF');
    const stopped = await layers.add({ path: path.join(folder, 'stopped'), has: 0 });
    await stopped.write(archives[3] as Buffer);
    await stopped.abort();
    expect(layers.all().length).toBe(4);
  });
});
