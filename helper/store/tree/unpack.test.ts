import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { lgetxattr, O_PATH } from '../../system/syscall/libc.ts';
import { type FixtureEntry, tarOf } from '../tar/fixture.ts';
import { Packer } from './pack.ts';
import { Unpacker, type UnpackTask } from './unpack.ts';

let folder: string;
let tree: string;
let root: number;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'gantry-unpack-'));
  tree = path.join(folder, 'tree');
  fs.mkdirSync(tree);
  root = fs.openSync(tree, O_PATH | fs.constants.O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(root);
  fs.rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => path.join(tree, name);
const outside = (name: string): string => path.join(folder, name);
const open = (): number => fs.readdirSync('/proc/self/fd').length;

async function unpack(archive: Buffer, more: Partial<UnpackTask> = {}, bytes = archive.length): Promise<void> {
  const task = { root, mounts: new Map(), folder: '/', noOverwriteDirNonDir: false, owner: undefined, ...more };
  const unpacker = new Unpacker(task);
  try {
    for (let place = 0; place < archive.length; place += bytes) {
      // Its memory is the caller's again when it was taken.
      const chunk = Buffer.from(archive.subarray(place, place + bytes));
      await unpacker.write(chunk);
      chunk.fill(0xee);
    }
    await unpacker.finish();
  } finally {
    unpacker.close();
  }
}

const put = (entries: FixtureEntry[], more: Partial<UnpackTask> = {}): Promise<void> => unpack(tarOf(entries), more);

describe('unpacking into a tree', () => {
  it('makes what the archive has, times of folders included', async () => {
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex');
    await put([
      { name: 'd/', type: 'directory', mode: 0o2750, uid: 5, gid: 6, mtime: 1_500_000_000 },
      { name: 'd/file', data: Buffer.from('content'), mode: 0o4711, uid: 1_000_000, gid: 7, mtime: 1_600_000_000.5 },
      { name: 'd/caf\xe9', data: Buffer.from('x'), mode: 0 },
      { name: 'd/link', type: 'symlink', link: '/nowhere', uid: 8, mtime: 1_400_000_000 },
      { name: 'd/other', type: 'link', link: 'd/file' },
      { name: 'd/fifo', type: 'fifo', mode: 0o666, mtime: 1_300_000_000 },
      { name: 'd/null', type: 'character', mode: 0o666, major: 1, minor: 3 },
      { name: 'missing/folders/file', data: Buffer.from('x') },
      { name: 'ping', data: Buffer.from('x'), xattrs: { 'security.capability': capability } },
    ]);
    expect(fs.lstatSync(at('d'))).toMatchObject({ uid: 5, gid: 6, mode: fs.constants.S_IFDIR | 0o2750, mtimeMs: 1_500_000_000_000 });
    const file = fs.lstatSync(at('d/file'));
    expect(file).toMatchObject({ uid: 1_000_000, gid: 7, mode: fs.constants.S_IFREG | 0o4711, mtimeMs: 1_600_000_000_500, nlink: 2 });
    expect(fs.readFileSync(Buffer.concat([Buffer.from(at('d/caf')), Buffer.from([0xe9])]), 'utf8')).toBe('x');
    expect(fs.readlinkSync(at('d/link'))).toBe('/nowhere');
    expect(fs.lstatSync(at('d/link'))).toMatchObject({ uid: 8, mtimeMs: 1_400_000_000_000 });
    expect(fs.lstatSync(at('d/fifo'))).toMatchObject({ mode: fs.constants.S_IFIFO | 0o666, mtimeMs: 1_300_000_000_000 });
    expect(fs.lstatSync(at('d/null'))).toMatchObject({ mode: fs.constants.S_IFCHR | 0o666, rdev: 0x103 });
    expect(fs.readFileSync(at('missing/folders/file'), 'utf8')).toBe('x');
    expect(lgetxattr(at('ping'), 'security.capability')).toEqual(capability);
  });

  it('is the same however the archive is cut, compressed or not', async () => {
    const archive = tarOf([
      { name: 'a/', type: 'directory' },
      { name: 'a/one', data: Buffer.alloc(3000, '1') },
      { name: `${'long/'.repeat(40)}two`, data: Buffer.from('2') },
    ]);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1500 }), fc.boolean(), async (bytes, zipped) => {
        for (const name of fs.readdirSync(tree)) fs.rmSync(at(name), { recursive: true });
        await unpack(zipped ? gzipSync(archive) : archive, {}, bytes);
        expect(fs.readFileSync(at('a/one'), 'latin1')).toBe('1'.repeat(3000));
        expect(fs.readFileSync(at(`${'long/'.repeat(40)}two`), 'latin1')).toBe('2');
      }),
      { numRuns: 40 },
    );
  });

  it('puts things in the place of others', async () => {
    fs.mkdirSync(at('full/of/things'), { recursive: true });
    fs.writeFileSync(at('full/of/things/file'), 'x');
    fs.writeFileSync(at('file'), 'old');
    fs.symlinkSync(outside('nothing'), at('link'));
    await put([
      { name: 'full', data: Buffer.from('a file') },
      { name: 'file/', type: 'directory' },
      { name: 'link', data: Buffer.from('no link') },
    ]);
    expect(fs.readFileSync(at('full'), 'utf8')).toBe('a file');
    expect(fs.lstatSync(at('file')).isDirectory()).toBe(true);
    expect(fs.readFileSync(at('link'), 'utf8')).toBe('no link');
    await expect(put([{ name: 'file', data: Buffer.from('x') }], { noOverwriteDirNonDir: true })).rejects.toThrow(
      'cannot overwrite directory "/file" with non-directory "/"',
    );
  });

  it('follows links within the tree, also those that the archive has put in the place of others', async () => {
    fs.mkdirSync(at('one'));
    fs.mkdirSync(at('two'));
    fs.symlinkSync('/one', at('here'));
    const file = (name: string): FixtureEntry => ({ name, data: Buffer.from('x') });
    await put([file('here/a'), { name: 'here', type: 'symlink', link: '../../two' }, file('here/b')]);
    expect(fs.readdirSync(at('one'))).toEqual(['a']);
    expect(fs.readdirSync(at('two'))).toEqual(['b']);
    await put([file('one/c'), { name: 'one', type: 'symlink', link: 'two' }, file('one/d')]);
    expect(fs.readdirSync(at('two'))).toEqual(['b', 'd']);
  });

  it('leads nowhere outside', async () => {
    fs.mkdirSync(outside('host'));
    fs.writeFileSync(outside('host/file'), 'of the host');
    const link = (target: string): FixtureEntry => ({ name: 'way', type: 'symlink', link: target });
    for (const target of [outside('host'), '../host', '../../../../..']) {
      const out = put([link(target), { name: 'way/file', data: Buffer.from('mine') }]).catch(() => undefined);
      await out;
      await put([{ name: 'copy', type: 'link', link: 'way/file' }]).catch(() => undefined);
      await put([{ name: 'way/.', type: 'directory', mode: 0o777 }]).catch(() => undefined);
    }
    for (const name of ['../out', 'a/../../out', '/../out']) await expect(put([{ name }])).rejects.toThrow('breakout attempt');
    expect(fs.readFileSync(outside('host/file'), 'utf8')).toBe('of the host');
    expect(fs.readdirSync(folder).sort()).toEqual(['host', 'tree']);
    expect(fs.readdirSync(outside('host'))).toEqual(['file']);
  });

  it('writes into what is mounted in the tree', async () => {
    fs.mkdirSync(outside('volume'));
    fs.writeFileSync(outside('bound'), 'old');
    fs.mkdirSync(at('v'));
    const mounts = new Map([
      ['/v', outside('volume')],
      ['/bound', outside('bound')],
    ]);
    await put(
      [
        { name: 'v/kept', data: Buffer.from('x') },
        { name: 'v/', type: 'directory', mode: 0o700 },
      ],
      { mounts },
    );
    expect(fs.readdirSync(outside('volume'))).toEqual(['kept']);
    expect(fs.statSync(outside('volume')).mode & 0o777).toBe(0o700);
    expect(fs.readdirSync(at('v'))).toEqual([]);
    await put([{ name: 'bound', data: Buffer.from('new') }], { mounts });
    expect(fs.readFileSync(outside('bound'), 'utf8')).toBe('new');
  });

  it('leaves nothing open, wherever the archive breaks off', async () => {
    const archive = tarOf([
      { name: 'a/b/', type: 'directory' },
      { name: 'a/b/file', data: Buffer.alloc(2000) },
      { name: 'hard', type: 'link', link: 'a/b/file' },
    ]);
    const before = open();
    for (let length = 0; length < archive.length; length += 500) {
      await unpack(archive.subarray(0, length), {}, 300).catch(() => undefined);
      expect(open()).toBe(before);
    }
    await unpack(archive);
    expect(open()).toBe(before);
  });

  it('makes again what was packed', async () => {
    fs.mkdirSync(at('from/d'), { recursive: true });
    for (let number = 0; number < 300; number++) fs.writeFileSync(at(`from/d/${number}`), Buffer.alloc(number * 7, number));
    fs.linkSync(at('from/d/9'), at('from/hard'));
    fs.symlinkSync('d/9', at('from/soft'));
    const packer = new Packer({ folder: root, file: 'from', path: '/from', name: 'to', mounts: new Map(), hollow: [] });
    const archive = Buffer.alloc(4 << 20);
    const length = packer.fill(archive);
    packer.close();
    await unpack(archive.subarray(0, length), {}, 10_000);
    execFileSync('diff', ['-r', '--no-dereference', at('from'), at('to')]);
    expect(fs.statSync(at('to/hard')).ino).toBe(fs.statSync(at('to/d/9')).ino);
  });
});
