import { promises as fs, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { syncFolder, writeFileDurably } from './durable.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-durable-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('many files of one folder are written at once, and wait for a sync of it that begins after them', async () => {
  const names = Array.from({ length: 40 }, (_, at) => `file-${at}`);
  await Promise.all(names.map((name) => writeFileDurably(path.join(folder, name), name)));
  expect((await fs.readdir(folder)).sort()).toEqual(names.sort());
  const [first, second, third] = [syncFolder(folder), syncFolder(folder), syncFolder(folder)];
  expect(second).not.toBe(first);
  expect(third).toBe(second);
  await Promise.all([first, second, third]);
  expect(syncFolder(folder)).not.toBe(second);
});

it('a folder that can not be synced fails all that wait, and the next one is tried anew', async () => {
  const missing = path.join(folder, 'missing');
  const results = await Promise.allSettled([syncFolder(missing), syncFolder(missing), syncFolder(missing)]);
  expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
  await fs.mkdir(missing);
  await syncFolder(missing);
});
