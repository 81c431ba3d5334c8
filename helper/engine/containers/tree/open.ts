import { randomBytes } from 'node:crypto';
import type { Container } from '../container.ts';
import type { Engine } from '../engine.ts';
import { holdRootfs, releaseRootfs } from '../rootfs-mount.ts';
import type { Tree } from './walk.ts';

/**
 * The tree of a container, running or not. A running one is seen as its processes see it, with all that is mounted in it; of another
 * the rootfs is mounted for the time, and its volumes and binds are where they will be.
 * @returns the tree and what lets go of it
 */
export async function openTree(
  engine: Engine,
  container: Container,
  options: { volumes: boolean },
): Promise<{ tree: Tree; close: () => void }> {
  if (container.state.status === 'running') {
    return { tree: { root: `/proc/${container.state.pid}/root`, mounts: new Map() }, close: () => undefined };
  }
  const holder = randomBytes(8).toString('hex');
  const root = await holdRootfs(engine, container, holder);
  const mounts = new Map<string, string>();
  if (options.volumes) {
    for (const mount of container.mounts) {
      if (mount.source !== '' && !mount.subpath && mount.type !== 'image') mounts.set(mount.destination, mount.source);
    }
  }
  return { tree: { root, mounts }, close: () => releaseRootfs(engine, container, holder) };
}
