import { promises as fs } from 'node:fs';
import path from 'node:path';
import { mountOverlay, unmount } from '../../system/mount/index.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/**
 * The image's layers with the container's own on top, mounted on RUN/containers/ID/rootfs while at least one `holder` wants it:
 * a run, a copy, an export. (Two overlays over one upper folder at the same time would be undefined, says the kernel.)
 * @returns that path
 */
export async function holdRootfs(engine: Engine, container: Container, holder: string): Promise<string> {
  const target = engine.store.rootfs(container.id);
  const { live } = container;
  live.rootfsHolders.add(holder);
  live.rootfs ??= mountRootfs(engine, container, target);
  try {
    await live.rootfs;
  } catch (error) {
    live.rootfs = undefined;
    live.rootfsHolders.delete(holder);
    throw error;
  }
  return target;
}

/** Idempotent. The last one who lets go unmounts. */
export function releaseRootfs(engine: Engine, container: Container, holder: string): void {
  const { live } = container;
  live.rootfsHolders.delete(holder);
  if (live.rootfsHolders.size > 0) return;
  live.rootfs = undefined;
  unmount(engine.store.rootfs(container.id));
}

/** The container goes away: whoever still reads it keeps what is open, nothing else. */
export function dropRootfs(engine: Engine, container: Container): void {
  container.live.rootfsHolders.clear();
  container.live.rootfs = undefined;
  unmount(engine.store.rootfs(container.id));
}

async function mountRootfs(engine: Engine, container: Container, target: string): Promise<void> {
  const folder = engine.store.folder(container.id);
  const [lower] = await Promise.all([lowerFolders(engine, container), fs.mkdir(target, { recursive: true, mode: 0o755 })]);
  mountOverlay({ target, lower, upper: path.join(folder, 'upper'), work: path.join(folder, 'work') });
}

/** The image's layers as folders, topmost first, for who looks at a container; none where they are not to be had. */
export async function shownLayers(engine: Engine, container: Container): Promise<string[]> {
  if (!container.live.lower && container.chain.length) await lowerFolders(engine, container).catch(() => undefined);
  return container.live.lower ?? [];
}

/** A container without an image (or of an empty one) has an empty folder below: an overlay wants one. */
async function lowerFolders(engine: Engine, container: Container): Promise<string[]> {
  if (container.chain.length) {
    const { directories } = await engine.images.acquireLayers(container.chain, container.id);
    container.live.lower = directories;
    if (directories.length) return directories;
  }
  return [await emptyFolder(engine, container)];
}

export async function emptyFolder(engine: Engine, container: Container): Promise<string> {
  const empty = path.join(engine.store.runFolder(container.id), 'empty');
  await fs.mkdir(empty, { recursive: true, mode: 0o755 });
  return empty;
}

/** Runs `work` with the image alone (what the container's changes are measured against), read-only, at its path. */
export async function withImageTree<T>(engine: Engine, container: Container, work: (root: string) => Promise<T>): Promise<T> {
  // A container that never ran has no run folder yet.
  const folder = engine.store.runFolder(container.id);
  await fs.mkdir(folder, { recursive: true, mode: 0o755 });
  const target = await fs.mkdtemp(path.join(folder, 'image-'));
  try {
    const lower = await lowerFolders(engine, container);
    // A read-only overlay needs two folders at least.
    mountOverlay({ target, lower: [...lower, await emptyFolder(engine, container)] });
    return await work(target);
  } finally {
    unmount(target);
    await fs.rmdir(target).catch(() => undefined);
  }
}
