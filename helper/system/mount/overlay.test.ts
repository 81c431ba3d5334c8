import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { mountOverlay, unmount } from './index.ts';
import { mountByOptions } from './overlay.ts';

const asRoot = process.getuid?.() === 0;
let root: string;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'gantry-overlay,with:all-'));
  for (const name of ['upper', 'work', 'target']) mkdirSync(path.join(root, name));
});
afterEach(() => {
  unmount(path.join(root, 'target'));
  rmSync(root, { recursive: true, force: true });
});

/** As many layers as Docker allows, each with a file of its own and one that hides those below. */
function layers(): string[] {
  return Array.from({ length: 127 }, (_, number) => {
    const folder = path.join(root, 'layers', `${'0123456789abcdef'.repeat(4)}-${number}`);
    mkdirSync(folder, { recursive: true });
    writeFileSync(path.join(folder, `own-${number}`), '');
    writeFileSync(path.join(folder, 'top'), String(number));
    return folder;
  });
}

for (const [how, mount] of Object.entries({ 'the way of this kernel': mountOverlay, 'the way of kernels before 6.5': mountByOptions })) {
  it.runIf(asRoot)(`puts 127 layers with long names on top of each other, ${how}`, () => {
    const target = path.join(root, 'target');
    mount({ lower: layers(), upper: path.join(root, 'upper'), work: path.join(root, 'work'), target });
    expect(readFileSync(path.join(target, 'top'), 'utf8')).toBe('0');
    expect(readFileSync(path.join(target, 'own-126'), 'utf8')).toBe('');
    writeFileSync(path.join(target, 'top'), 'changed');
    expect(readFileSync(path.join(root, 'upper', 'top'), 'utf8')).toBe('changed');
  });
}
