import { execFile } from 'node:child_process';
import { promises as fs } from 'node:fs';
import { Failure } from '../failure.ts';

/**
 * Copies `source` into `target` if that is empty: owners, modes, times, extended attributes, hard links, sparse files and
 * devices as `cp -a` does; symbolic links are copied, never followed. The folder itself gets source's owner and mode.
 * @throws Failure system, in dockerd's words where `source` is no folder
 */
export async function populateFolder(source: string, target: string): Promise<void> {
  const from = await fs.lstat(source).catch(() => undefined);
  if (!from) return;
  if ((await fs.readdir(target)).length > 0) return;
  if (!from.isDirectory()) throw new Failure('system', `source ${source} is not directory`);
  await new Promise<void>((resolve, reject) => {
    execFile(
      'cp',
      ['-a', '--', `${source}/.`, target],
      { maxBuffer: 1 << 20, env: { PATH: process.env.PATH ?? '', LC_ALL: 'C' } },
      (error, _out, err) => {
        if (error) reject(new Failure('system', `error while copying image content into the volume: ${err.trim() || error.message}`));
        else resolve();
      },
    );
  });
}
