import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { nodeFor } from './payload.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-payload-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const here = process.arch === 'arm64' ? 'arm64' : 'x64';
const elsewhere = here === 'x64' ? 'arm64' : 'x64';

test('one that is shipped comes first', () => {
  writeFileSync(join(folder, `node-linux-${here}`), '');
  expect(nodeFor(here, { shipped: ['/nowhere', folder], own: process.execPath })).toBe(join(folder, `node-linux-${here}`));
});

test.skipIf(process.platform !== 'linux')('else our own, for machines like ours', () => {
  expect(nodeFor(here, { shipped: [folder], own: process.execPath })).toBe(process.execPath);
});

test('none for the architecture: said, with the command that brings it', () => {
  let error: unknown;
  try {
    nodeFor(elsewhere, { shipped: [folder], own: process.execPath });
  } catch (thrown) {
    error = thrown;
  }
  expect(error).toMatchObject({ error: { code: 'runtime-missing', fix: `node scripts/host-node.mjs ${elsewhere}` } });
});
