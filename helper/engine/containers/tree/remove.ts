import { constants, promises as fs } from 'node:fs';

/**
 * Removes `file` and all below it. Every folder on the way is held open and never a link followed: what runs in the container may change
 * the tree at the same time, and can't lead the removal out of it.
 *
 * @param file a name in a folder that is held open (`Place.file`)
 */
export async function removeTree(file: string): Promise<void> {
  const stat = await fs.lstat(file);
  if (!stat.isDirectory()) return fs.unlink(file);
  const folder = await fs.open(file, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  try {
    const held = `/proc/self/fd/${folder.fd}`;
    for (const name of await fs.readdir(held)) await removeTree(`${held}/${name}`);
  } finally {
    await folder.close();
  }
  return fs.rmdir(file);
}
