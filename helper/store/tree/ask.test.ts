import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { askTree } from './ask.ts';

let folder: string;
beforeEach(() => {
  folder = fs.mkdtempSync(path.join(tmpdir(), 'gantry-trees-'));
});
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }));

const at = (name: string): string => path.join(folder, name);

async function differences(own: string[] = []): Promise<Record<string, number>> {
  const { paths, kinds } = await askTree('compare', { upper: at('upper'), image: at('image'), own });
  return Object.fromEntries(paths.map((name, place) => [name, kinds[place] as number]));
}

it('tells what an upper folder changes', async () => {
  for (const name of ['image', 'image/d', 'image/same', 'image/other', 'upper', 'upper/d', 'upper/same', 'upper/other', 'upper/new']) {
    fs.mkdirSync(at(name), { mode: 0o755 });
  }
  fs.chmodSync(at('upper/other'), 0o700);
  fs.writeFileSync(at('image/d/changed'), 'a');
  fs.writeFileSync(at('upper/d/changed'), 'b');
  fs.writeFileSync(at('upper/new/file'), '');
  fs.writeFileSync(at('image/gone'), '');
  for (const name of ['upper/gone', 'upper/never']) execFileSync('mknod', [at(name), 'c', '0', '0']);
  fs.mkdirSync(at('upper/dev'));
  fs.writeFileSync(at('upper/hosts'), 'written by the container');
  expect(await differences(['/dev', '/hosts'])).toEqual({
    '/d': 0,
    '/d/changed': 0,
    '/gone': 2,
    '/hosts': 1,
    '/new': 1,
    '/new/file': 1,
    '/other': 0,
  });
  expect(Object.keys(await differences())).toContain('/dev');
});

it('a link of the image is no folder of it', async () => {
  fs.mkdirSync(at('image'));
  fs.mkdirSync(at('elsewhere'));
  fs.writeFileSync(at('elsewhere/file'), '');
  fs.symlinkSync(at('elsewhere'), at('image/d'));
  fs.mkdirSync(at('upper/d'), { recursive: true });
  fs.writeFileSync(at('upper/d/file'), '');
  expect(await differences()).toEqual({ '/d': 0, '/d/file': 1 });
});

it('measures what takes space', async () => {
  fs.mkdirSync(at('d/deeper'), { recursive: true });
  fs.writeFileSync(at('d/file'), Buffer.alloc(1000));
  fs.linkSync(at('d/file'), at('d/deeper/again'));
  fs.writeFileSync(at('d/deeper/small'), 'four');
  fs.symlinkSync('target', at('link'));
  expect(await askTree('measure', { folder, own: ['/link'] })).toBe(1004);
  expect(await askTree('measure', { folder, own: [] })).toBe(1010);
  await expect(askTree('measure', { folder: at('nothing'), own: [] })).rejects.toThrow('ENOENT');
});
