import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { O_PATH } from '../../system/syscall/libc.ts';
import { type TarHeader, TarReader } from '../tar/reader.ts';
import { Packer, type PackTask } from './pack.ts';

let folder: string;
let held: number;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'gantry-packer-'));
  held = fs.openSync(folder, O_PATH | fs.constants.O_DIRECTORY);
});
afterEach(() => {
  fs.closeSync(held);
  fs.rmSync(folder, { recursive: true, force: true });
});

const at = (name: string): string => path.join(folder, name);
const top = (more: Partial<PackTask> = {}): PackTask => ({
  folder: held,
  file: '.',
  path: '/',
  name: '',
  mounts: new Map(),
  hollow: [],
  ...more,
});

function packed(task: PackTask, bytes = 1 << 20, between: () => void = () => undefined): Buffer {
  const packer = new Packer(task);
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.alloc(bytes, 0xff);
    const length = packer.fill(piece);
    pieces.push(piece.subarray(0, length));
    if (length < bytes) break;
    between();
  }
  packer.close();
  return Buffer.concat(pieces);
}

function entries(archive: Buffer): Map<string, TarHeader & { data: string }> {
  const found = new Map<string, TarHeader & { data: string }>();
  let last: TarHeader & { data: string };
  const reader = new TarReader({
    entry: (header) => {
      last = { ...header, data: '' };
      expect(found.has(header.name)).toBe(false);
      found.set(header.name, last);
    },
    data: (chunk) => {
      last.data += chunk.toString('latin1');
    },
    entryEnd: () => undefined,
  });
  reader.write(archive);
  reader.end();
  return found;
}

const names = (archive: Buffer): string[] => [...entries(archive).keys()];
/** Descriptors of this process that lead below the folder. */
const open = (): number =>
  fs.readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`).startsWith(folder);
    } catch {
      return false;
    }
  }).length;

describe('packing a tree', () => {
  it('has all that a tree holds', () => {
    fs.mkdirSync(at('d'), { mode: 0o750 });
    fs.writeFileSync(at('d/file'), 'content');
    fs.chmodSync(at('d/file'), 0o4711);
    fs.linkSync(at('d/file'), at('d/other'));
    fs.symlinkSync('../nowhere', at('d/link'));
    fs.utimesSync(at('d/file'), 5, 1_600_000_000.75);
    execFileSync('mknod', [at('fifo'), 'p']);
    fs.writeFileSync(at('secret'), 'x', { mode: 0 });
    fs.writeFileSync(Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9])]), 'latin');
    const found = entries(packed(top({ name: 'data' })));
    expect([...found.keys()]).toEqual([
      'data/',
      'data/caf\xe9',
      'data/d/',
      'data/d/file',
      'data/d/link',
      'data/d/other',
      'data/fifo',
      'data/secret',
    ]);
    expect(found.get('data/d/')).toMatchObject({ type: 'directory', mode: 0o750 });
    expect(found.get('data/d/file')).toMatchObject({ type: 'file', mode: 0o4711, mtimeSeconds: 1_600_000_000, data: 'content' });
    expect(found.get('data/d/other')).toMatchObject({ type: 'link', linkName: 'data/d/file', size: 0 });
    expect(found.get('data/d/link')).toMatchObject({ type: 'symlink', linkName: '../nowhere' });
    expect(found.get('data/fifo')?.type).toBe('fifo');
    expect(found.get('data/secret')).toMatchObject({ mode: 0, data: 'x' });
    expect(found.get('data/caf\xe9')?.data).toBe('latin');
  });

  it('is the same however small the buffers are', () => {
    for (let number = 0; number < 30; number++) {
      fs.mkdirSync(at(`folder-${number}`));
      fs.writeFileSync(at(`folder-${number}/${'n'.repeat(number * 8 + 1)}`), Buffer.alloc(number * 137, number));
    }
    const whole = packed(top());
    expect(whole.length % 512).toBe(0);
    for (const bytes of [1, 100, 511, 512, 513, 1000, 1536, 4096]) expect(packed(top(), bytes).equals(whole)).toBe(true);
  });

  it('leaves the contents of hollow places out, and shows mounts in their places', () => {
    fs.mkdirSync(at('tree'));
    fs.mkdirSync(at('tree/proc'));
    fs.writeFileSync(at('tree/proc/version'), 'x');
    fs.writeFileSync(at('tree/hosts'), 'mounted over');
    fs.mkdirSync(at('tree/volume'));
    fs.writeFileSync(at('tree/bound'), '');
    fs.mkdirSync(at('elsewhere'));
    fs.writeFileSync(at('elsewhere/kept'), 'in the volume');
    fs.symlinkSync(at('elsewhere/kept'), at('link'));
    const mounts = new Map([
      ['/volume', at('elsewhere')],
      ['/bound', at('link')],
    ]);
    const found = entries(packed(top({ file: 'tree', mounts, hollow: ['/proc', '/hosts'] })));
    expect([...found.keys()]).toEqual(['bound', 'hosts', 'proc/', 'volume/', 'volume/kept']);
    expect(found.get('hosts')?.size).toBe(0);
    expect(found.get('bound')?.data).toBe('in the volume');
  });

  it('notes the deletions of an upper folder as a layer does', () => {
    fs.mkdirSync(at('new'));
    execFileSync('mknod', [at('gone'), 'c', '0', '0']);
    execFileSync('mknod', [at('new/gone'), 'c', '0', '0']);
    fs.writeFileSync(at('unchanged'), 'x');
    const found = entries(packed(top({ upper: { only: ['/new', '/new/gone', '/gone'] } })));
    expect([...found.keys()]).toEqual(['.wh.gone', 'new/', 'new/.wh.gone']);
    expect(found.get('.wh.gone')).toMatchObject({ type: 'file', size: 0 });
  });

  it('a file has as many bytes as was said, though it grows or shrinks meanwhile', () => {
    fs.writeFileSync(at('file'), Buffer.alloc(10_000, 'a'));
    let times = 0;
    const shrunk = packed(top(), 2048, () => {
      if (times++ === 0) fs.truncateSync(at('file'), 1000);
    });
    expect(entries(shrunk).get('file')?.data).toBe(`${'a'.repeat(1536)}${'\0'.repeat(10_000 - 1536)}`);
    fs.writeFileSync(at('file'), 'short');
    const grown = packed(top(), 512, () => fs.appendFileSync(at('file'), 'more'));
    expect(entries(grown).get('file')?.data).toBe('short');
  });

  it('what is replaced while it is read leads nowhere', () => {
    fs.mkdirSync(at('outside'));
    fs.writeFileSync(at('outside/secret'), 'of the host');
    for (const name of ['tree', 'tree/a', 'tree/b', 'tree/z']) fs.mkdirSync(at(name));
    for (const name of ['tree/a/1', 'tree/b/1', 'tree/z/1']) fs.writeFileSync(at(name), 'own');
    let swapped = false;
    const archive = packed(top({ file: 'tree' }), 512, () => {
      if (swapped) return;
      swapped = true;
      fs.renameSync(at('tree/z'), at('tree/y'));
      fs.symlinkSync(at('outside'), at('tree/z'));
      fs.unlinkSync(at('tree/b/1'));
      fs.symlinkSync(at('outside/secret'), at('tree/b/1'));
    });
    expect(archive.includes('of the host')).toBe(false);
    expect(names(archive)).toContain('a/1');
  });

  it('leaves nothing open, wherever it is given up', () => {
    for (const name of ['a', 'a/b', 'a/b/c']) fs.mkdirSync(at(name));
    fs.writeFileSync(at('a/b/c/file'), Buffer.alloc(5000));
    const before = open();
    for (let pieces = 0; pieces < 20; pieces++) {
      const packer = new Packer(top());
      for (let piece = 0; piece < pieces; piece++) packer.fill(Buffer.alloc(512));
      packer.close();
      expect(open()).toBe(before);
    }
  });
});
