import { promises as fs } from 'node:fs';
import { Failure } from '../failure.ts';
import { resolveInRoot } from './rootfs.ts';

export const hasWorkingDirectory = (folder: string | undefined): folder is string => Boolean(folder) && folder !== '/';

/**
 * The folder that a container's processes start in, made where the image has none. `root` is its mounted tree.
 * @throws Failure system when a file is in its place
 */
export async function makeWorkingDirectory(root: string, folder: string | undefined): Promise<void> {
  if (!hasWorkingDirectory(folder)) return;
  try {
    await fs.mkdir(await resolveInRoot(root, folder), { recursive: true, mode: 0o755 });
  } catch (error) {
    if (['EEXIST', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) {
      throw new Failure('system', `Cannot mkdir: ${folder} is not a directory`);
    }
    throw error;
  }
}
