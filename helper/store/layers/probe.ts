import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { LayerBuilder } from './builder.ts';
import { ErofsImage } from './erofs/image.ts';
import { mountErofs, unmount } from './kernel.ts';

/**
 * Whether this kernel mounts an EROFS image straight from a file (Linux 6.12 on): tried with an empty one, in `where`, which must be on the
 * file system that layers are on. tmpfs, where /run is, has no files that can be mounted. A full disk can't be tried: until the next start
 * layers are folders then.
 */
export async function probeErofs(where: string): Promise<boolean> {
  if (process.env.GANTRY_LAYERS === 'folders') return false;
  let folder: string | undefined;
  try {
    fs.mkdirSync(where, { recursive: true, mode: 0o700 });
    folder = fs.mkdtempSync(path.join(where, 'probe-'));
    const file = path.join(folder, 'image');
    const target = path.join(folder, 'mount');
    const fd = fs.openSync(file, 'wx', 0o600);
    try {
      new LayerBuilder(new ErofsImage(fd, randomBytes(16))).finish();
    } finally {
      fs.closeSync(fd);
    }
    fs.mkdirSync(target);
    await mountErofs(file, target);
    await unmount(target);
    return true;
  } catch {
    return false;
  } finally {
    if (folder !== undefined) fs.rmSync(folder, { recursive: true, force: true });
  }
}
