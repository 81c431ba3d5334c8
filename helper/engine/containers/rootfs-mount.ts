import { promises as fs } from 'node:fs';
import path from 'node:path';
import { mountOverlay, unmount, unmountApart } from '../../system/mount/index.ts';
import { messageOf } from '../failure.ts';
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
  live.rootfs ??= Promise.resolve(live.rootfsGone).then(() => mountRootfs(engine, container, target));
  try {
    await live.rootfs;
  } catch (error) {
    live.rootfs = undefined;
    live.rootfsHolders.delete(holder);
    throw error;
  }
  return target;
}

/** Idempotent. The last one who lets go unmounts, which nobody waits for but the next who mounts it. */
export function releaseRootfs(engine: Engine, container: Container, holder: string): void {
  const { live } = container;
  live.rootfsHolders.delete(holder);
  if (live.rootfsHolders.size === 0) unmountRootfs(engine, container);
}

/** The container goes away: whoever still reads it keeps what is open, nothing else. */
export function dropRootfs(engine: Engine, container: Container): void {
  container.live.rootfsHolders.clear();
  unmountRootfs(engine, container);
}

function unmountRootfs(engine: Engine, container: Container): void {
  const { live, id } = container;
  // Never mounted since it was unmounted. (After a restart of the helper it may be mounted without our knowing.)
  if (live.rootfsGone && !live.rootfs) return;
  const mounting = live.rootfs?.catch(() => undefined);
  live.rootfs = undefined;
  live.rootfsGone = (async () => {
    await mounting;
    await unmountApart(engine.store.rootfs(id));
  })().catch((error) => engine.context.log.warn('a rootfs stays mounted', { container: id, error: messageOf(error) }));
}

async function mountRootfs(engine: Engine, container: Container, target: string): Promise<void> {
  const folder = engine.store.folder(container.id);
  const [lower] = await Promise.all([lowerFolders(engine, container), fs.mkdir(target, { recursive: true, mode: 0o755 })]);
  mountOverlay({ target, lower, upper: path.join(folder, 'upper'), work: path.join(folder, 'work') });
}

/** A container without an image (or of an empty one) has an empty folder below: an overlay wants one. */
async function lowerFolders(engine: Engine, container: Container): Promise<string[]> {
  if (container.chain.length) {
    const { directories } = await engine.images.acquireLayers(container.chain, container.id);
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
