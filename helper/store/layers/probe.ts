import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { LayerBuilder } from './builder.ts';
import { ErofsImage } from './erofs/image.ts';
import { mountErofs, unmount } from './kernel.ts';

/** Whether this kernel mounts an EROFS image straight from a file (Linux 6.12 on): tried with an empty one, in `run`. */
export async function probeErofs(run: string): Promise<boolean> {
  if (process.env.GANTRY_LAYERS === 'folders') return false;
  fs.mkdirSync(run, { recursive: true });
  const folder = fs.mkdtempSync(path.join(run, 'probe-'));
  const file = path.join(folder, 'image');
  const target = path.join(folder, 'mount');
  try {
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
    fs.rmSync(folder, { recursive: true, force: true });
  }
}
