import { type BigIntStats, promises as fs } from 'node:fs';
import path from 'node:path';
import { isWhiteout, sameFolder } from '../../system/mount/index.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { withImageTree } from './rootfs-mount.ts';
import { openPlace } from './tree/walk.ts';

export type Change = { Path: string; Kind: 0 | 1 | 2 };

/** What the runtime makes in every container before it starts: not the container's doing. */
const MADE_BY_RUNTIME = new Set([
  '/.dockerenv',
  '/dev',
  '/dev/console',
  '/dev/pts',
  '/dev/shm',
  '/dev/mqueue',
  '/proc',
  '/sys',
  '/sys/fs',
  '/sys/fs/cgroup',
  '/etc/hosts',
  '/etc/hostname',
  '/etc/resolv.conf',
  '/etc/mtab',
  '/sbin/docker-init',
]);

/** Whether an entry of the upper folder was made by the runtime: a mount point, empty as it was made. */
export function isRuntimes(where: string, stat: BigIntStats): boolean {
  return MADE_BY_RUNTIME.has(where) && (stat.isDirectory() || stat.isSymbolicLink() || stat.size === 0n);
}

/**
 * Differences of the upper folder to the image, by path. The container may run and swap its folders for links: each is held
 * open while it is read, and none is followed. Nor is a link of the image where the upper folder has a folder.
 */
async function compare(upper: string, image: string): Promise<Change[]> {
  const changes: Change[] = [];
  const visit = async (where: string, file: string, imageFolder: string | undefined): Promise<boolean> => {
    const folder = await openPlace(file).catch((error: NodeJS.ErrnoException) => {
      if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(error.code ?? '')) return undefined;
      throw error;
    });
    if (!folder) return false;
    try {
      return await compareFolder(where, `/proc/self/fd/${folder.fd}`, imageFolder);
    } finally {
      await folder.close();
    }
  };
  const compareFolder = async (where: string, held: string, imageFolder: string | undefined): Promise<boolean> => {
    let changed = false;
    const names = await fs.readdir(held);
    names.sort();
    for (const name of names) {
      const child = path.posix.join(where, name);
      const file = `${held}/${name}`;
      const imageFile = imageFolder === undefined ? undefined : path.join(imageFolder, name);
      const stat = await fs.lstat(file, { bigint: true }).catch(() => undefined);
      if (!stat) continue;
      const before = imageFile === undefined ? undefined : await fs.lstat(imageFile, { bigint: true }).catch(() => undefined);
      if (isWhiteout(stat)) {
        // Deleted and never there: made and removed by the container itself.
        if (!before) continue;
        changes.push({ Path: child, Kind: 2 });
        changed = true;
        continue;
      }
      const at = changes.length;
      const inside = stat.isDirectory() ? await visit(child, file, before?.isDirectory() ? imageFile : undefined) : false;
      if (isRuntimes(child, stat) && !inside) continue;
      // A folder lies in upper also when only something below it changed: then it counts as changed for that.
      if (before && sameFolder(stat, before) && !inside) continue;
      changes.splice(at, 0, { Path: child, Kind: before ? 0 : 1 });
      changed = true;
    }
    return changed;
  };
  await visit('/', `${upper}/.`, image);
  return changes;
}

/** GET /containers/{id}/changes: 0 changed, 1 added, 2 deleted. */
export async function changes(engine: Engine, reference: string): Promise<Change[]> {
  const container = engine.store.get(reference);
  return containerChanges(engine, container);
}

export function containerChanges(engine: Engine, container: Container): Promise<Change[]> {
  const upper = path.join(engine.store.folder(container.id), 'upper');
  return withImageTree(engine, container, (image) => compare(upper, image));
}
