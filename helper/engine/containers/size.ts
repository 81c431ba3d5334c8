import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** Bytes of the files below `folder`; hard links count once. */
async function folderSize(folder: string, seen: Set<string>): Promise<number> {
  let total = 0;
  const entries = await fs.readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const here = path.join(folder, entry.name);
    if (entry.isDirectory()) total += await folderSize(here, seen);
    else {
      const stat = await fs.lstat(here).catch(() => undefined);
      if (!stat) continue;
      const key = `${stat.dev}:${stat.ino}`;
      if (stat.nlink > 1 && seen.has(key)) continue;
      if (stat.nlink > 1) seen.add(key);
      total += stat.size;
    }
  }
  return total;
}

/** What the container has written, and that with its image, in bytes. */
export async function sizes(engine: Engine, container: Container): Promise<{ rw: number; root: number }> {
  const rw = await folderSize(path.join(engine.store.folder(container.id), 'upper'), new Set());
  const image = container.imageId ? await engine.images.resolve(container.imageId).catch(() => undefined) : undefined;
  return { rw, root: rw + (image?.size ?? 0) };
}
