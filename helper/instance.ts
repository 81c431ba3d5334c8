import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import path from 'node:path';
import { Failure } from './engine/failure.ts';
import { flock, LOCK } from './system/syscall/index.ts';

const DEFAULT_DATA = '/var/lib/gantry';

/**
 * What names an instance's bridges, nft tables and cgroups: `gantry` for the default data folder, with a hash of the folder
 * for others, so that several run side by side.
 */
export function instanceName(data: string): string {
  const folder = path.resolve(data);
  return folder === DEFAULT_DATA ? 'gantry' : `gantry-${createHash('sha256').update(folder).digest('hex').slice(0, 6)}`;
}

/**
 * Makes the data folder this process's until it ends, however it ends.
 * @throws Failure unavailable when another helper has it
 */
export function lockData(data: string): { release(): void } {
  mkdirSync(data, { recursive: true, mode: 0o711 });
  const fd = openSync(path.join(data, 'lock'), 'w', 0o600);
  try {
    flock(fd, LOCK.EX | LOCK.NB);
  } catch (error) {
    closeSync(fd);
    if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    throw new Failure(
      'unavailable',
      `another engine is running on ${data}: stop it first, or give this one other folders (--data, --run, --socket)`,
    );
  }
  return { release: () => closeSync(fd) };
}
