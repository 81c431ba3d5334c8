import { promises as fs, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { packTree } from './pack.ts';
import { find, type Tree } from './walk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-pack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** Files below the folder that this process has open. */
async function open(): Promise<number> {
  const links = await Promise.all(readdirSync('/proc/self/fd').map((fd) => fs.readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => link.startsWith(folder)).length;
}

it('a reader that goes away, at whatever moment, leaves nothing open', async () => {
  for (let at = 0; at < 4; at += 1) writeFileSync(path.join(folder, `file${at}`), Buffer.alloc(1_500_000));
  const tree: Tree = { root: folder, mounts: new Map(), hidden: new Set() };
  for (let moment = 0; moment < 40; moment += 1) {
    const done = vi.fn();
    const body = packTree(await find(tree, '/'), { tree, name: '', signal: new AbortController().signal }, done);
    if (moment % 2 === 1) body.once('data', () => undefined);
    for (let turn = 0; turn < moment; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    body.destroy();
    await vi.waitFor(() => expect(done).toHaveBeenCalled());
    expect(await open()).toBe(0);
  }
});
