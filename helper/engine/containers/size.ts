import { promises as fs } from 'node:fs';
import path from 'node:path';
import { isRuntimes } from './changes.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** Bytes of the files of an upper folder, below `where` in it; hard links count once, and what the runtime made does not. */
async function folderSize(upper: string, where: string, seen: Set<string>): Promise<number> {
  let total = 0;
  const entries = await fs.readdir(path.join(upper, where), { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const here = path.posix.join(where, entry.name);
    if (entry.isDirectory()) total += await folderSize(upper, here, seen);
    else {
      const stat = await fs.lstat(path.join(upper, here), { bigint: true }).catch(() => undefined);
      if (!stat || isRuntimes(here, stat)) continue;
      const key = `${stat.dev}:${stat.ino}`;
      if (stat.nlink > 1n && seen.has(key)) continue;
      if (stat.nlink > 1n) seen.add(key);
      total += Number(stat.size);
    }
  }
  return total;
}

/** What the container has written, and that with its image, in bytes. */
export async function sizes(engine: Engine, container: Container): Promise<{ rw: number; root: number }> {
  const rw = await folderSize(path.join(engine.store.folder(container.id), 'upper'), '/', new Set());
  const image = container.imageId ? await engine.images.resolve(container.imageId).catch(() => undefined) : undefined;
  return { rw, root: rw + (image?.size ?? 0) };
}
