import { promises as fs } from 'node:fs';
import { Failure, isFailure } from '../failure.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { resolveInRoot } from './rootfs.ts';
import { openInside } from './subpath.ts';
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
    if (!mount.copy) continue;
    if (mount.subpath) await populateInside(engine, container, mount.name, { data: mount.source, subpath: mount.subpath, source });
    else await engine.volumes.populate(mount.name, source);
  }
}

/** A folder of a volume gets the content if it is there. Where it is not, or leads out, the start says so. */
async function populateInside(
  engine: Engine,
  { id }: Container,
  volume: string,
  { data, subpath, source }: { data: string; subpath: string; source: string },
): Promise<void> {
  const holder = `copy-up ${id}`;
  await engine.volumes.hold(volume, holder);
  try {
    const handle = await openInside(data, subpath).catch((error) => {
      if (isFailure(error)) return undefined;
      throw error;
    });
    if (!handle) return;
    try {
      // For a program of ours: what is held open, not a name that another container may have changed.
      if ((await handle.stat()).isDirectory()) await engine.volumes.populate(volume, source, `/proc/${process.pid}/fd/${handle.fd}`);
    } finally {
      await handle.close();
    }
  } finally {
    await engine.volumes.letGo(volume, holder);
  }
}
