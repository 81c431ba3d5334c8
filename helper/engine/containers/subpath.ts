import { constants, promises as fs } from 'node:fs';
import path from 'node:path';
import { O_PATH } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';
import { find } from './tree/walk.ts';

/**
 * A link in a volume or image that leads out of it is refused, rather than followed inside as in a container.
 * @throws Failure invalidParameter
 */
export async function checkInside(root: string, name: string): Promise<void> {
  const [base, target] = await Promise.all([fs.realpath(root), fs.realpath(path.join(root, name)).catch(() => undefined)]);
  if (target === undefined || target === base || target.startsWith(`${base}/`)) return;
  throw new Failure('invalidParameter', `path concatenation escapes the base directory, base: ${root}, subpath: ${name}`);
}

/**
 * What lies under a name inside of `root`, held open (O_PATH). Other containers may change the tree at any moment: what counts is what
 * was held open after the links were resolved, not what would be found under that name later.
 * @throws Failure invalidParameter when it leads out, or is not there
 */
export async function openInside(root: string, name: string): Promise<fs.FileHandle> {
  const missing = (): Failure => {
    const inside = path.join(root, name);
    return new Failure('invalidParameter', `cannot access path ${inside}: lstat ${inside}: no such file or directory`);
  };
  await checkInside(root, name);
  const place = await find({ root, mounts: new Map(), hidden: new Set() }, name, { follow: true }).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' || error.code === 'ENOTDIR' ? missing() : error;
  });
  try {
    const handle = await fs.open(place.file, place.name === '' ? O_PATH : O_PATH | constants.O_NOFOLLOW).catch(() => {
      throw missing();
    });
    // A link may have come there since: one that is mounted would be followed, out of the volume.
    if (!(await handle.stat()).isSymbolicLink()) return handle;
    await handle.close();
    throw missing();
  } finally {
    await place.close();
  }
}
