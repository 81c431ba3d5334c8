import { promises as fs } from 'node:fs';
import path from 'node:path';
import { mountOverlay, unmount } from '../../system/mount/index.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** The image's layers with the container's own on top, mounted on RUN/containers/ID/rootfs. @returns that path */
export async function mountRootfs(engine: Engine, container: Container): Promise<string> {
  const target = engine.store.rootfs(container.id);
  const folder = engine.store.folder(container.id);
  const [{ directories }] = await Promise.all([
    container.chain.length ? engine.images.acquireLayers(container.chain, container.id) : { directories: [] as string[] },
    fs.mkdir(target, { recursive: true, mode: 0o755 }),
  ]);
  let lower = directories;
  if (!lower.length) {
    // A container without an image (or of an empty one): an overlay wants a lower folder all the same.
    const empty = path.join(engine.store.runFolder(container.id), 'empty');
    await fs.mkdir(empty, { recursive: true, mode: 0o755 });
    lower = [empty];
  }
  mountOverlay({ target, lower, upper: path.join(folder, 'upper'), work: path.join(folder, 'work') });
  return target;
}

export function unmountRootfs(engine: Engine, container: Container): void {
  unmount(engine.store.rootfs(container.id));
}
