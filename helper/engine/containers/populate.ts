import { promises as fs } from 'node:fs';
import { Failure } from '../failure.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { resolveInRoot } from './rootfs.ts';
import { makeBasics } from './tree/mount-points.ts';

/**
 * Copy-up: a volume's first user gives it the content that the image has at its place. The rootfs is mounted, nothing runs in it.
 * @throws Failure when a file lies where the volume should: invalidParameter for an anonymous one, system for one that it would be copied to
 */
export async function populateVolumes(engine: Engine, container: Container): Promise<void> {
  const root = engine.store.rootfs(container.id);
  await makeBasics(root);
  for (const mount of container.mounts) {
    if (mount.type !== 'volume' || !mount.name) continue;
    const source = await resolveInRoot(root, mount.destination);
    const stat = await fs.stat(source).catch(() => undefined);
    if (!stat) continue;
    if (!stat.isDirectory() && mount.anonymous) {
      throw new Failure('invalidParameter', `cannot mount volume over existing file, file exists ${mount.destination}`);
    }
    if (mount.copy && !mount.subpath) await engine.volumes.populate(mount.name, source);
  }
}
