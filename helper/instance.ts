import { createHash } from 'node:crypto';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** @throws Failure unavailable when the process that the file names lives */
export function writePidFile(file: string): { remove(): void } {
  const other = Number(readIfThere(file).trim());
  if (other > 0 && other !== process.pid && lives(other)) {
    throw new Failure('unavailable', `pidfile: process with PID ${other} is still running: ${file}`);
  }
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o755 });
  writeFileSync(file, String(process.pid), { mode: 0o644 });
  return { remove: () => rmSync(file, { force: true }) };
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as { code?: string }).code === 'EPERM';
  }
}
