import { createHash } from 'node:crypto';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Log } from './engine/context.ts';
import { Failure, messageOf } from './engine/failure.ts';
import { overlayProblem } from './system/mount/index.ts';
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

/** Keys of the configuration that name a folder, or a file in one. */
type FolderKey = 'data-root' | 'exec-root' | 'hosts' | 'pidfile';

/**
 * Makes one of the engine's folders where it is not there. Level by level: Node's own `recursive` never returns where the
 * kernel lets nobody make folders, and names the wrong cause on a read-only file system.
 * @throws Failure invalidParameter that names the key
 */
export function makeFolder(key: FolderKey, folder: string): void {
  const missing: string[] = [];
  let at = path.resolve(folder);
  for (; !existsSync(at); at = path.dirname(at)) missing.unshift(at);
  try {
    for (const level of missing) mkdirSync(level, { mode: 0o711 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(key, `can't make the folder: ${messageOf(error)}`);
  }
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw unusable(key, `${folder} is no folder`);
}

/** @throws Failure invalidParameter when containers could not have their files in the data folder */
export async function checkOverlay(folder: string): Promise<void> {
  const problem = await overlayProblem(folder);
  if (problem) throw unusable('data-root', `containers can't run on ${folder}: ${problem}`);
}

const unusable = (key: FolderKey, why: string): Failure => new Failure('invalidParameter', `${key}: ${why}`);

/**
 * Whoever may write there could put what he likes in the place of a container's files, and root would run it. Said, not mended: the
 * folder may be one that others need so.
 */
export function warnOfOthers(key: FolderKey, folder: string, log: Log): void {
  const { uid, mode } = statSync(folder);
  if (uid !== 0) log.warn(`${key}: ${folder} belongs to user ${uid}, who can replace what is in it: give it to root`);
  if ((mode & 0o022) === 0) return;
  log.warn(`${key}: others than root can write to ${folder} (mode ${(mode & 0o7777).toString(8)}): take that away with chmod go-w`);
}

/**
 * Makes a folder this process's until it ends, however it ends.
 * @throws Failure unavailable when another engine has it
 */
export function lockFolder(key: FolderKey, folder: string): { release(): void } {
  let fd: number;
  try {
    fd = openSync(path.join(folder, 'lock'), 'w', 0o600);
  } catch (error) {
    throw unusable(key, `can't write to the folder: ${messageOf(error)}`);
  }
  try {
    flock(fd, LOCK.EX | LOCK.NB);
  } catch (error) {
    closeSync(fd);
    if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    throw new Failure(
      'unavailable',
      `${key}: another engine is running on ${folder}: stop it first, or give this one other folders (--data, --run, --socket)`,
    );
  }
  return { release: () => closeSync(fd) };
}

/** @throws Failure unavailable when the process that the file names lives, invalidParameter when it can't be written */
export function writePidFile(file: string): { remove(): void } {
  const other = Number(readIfThere(file).trim());
  if (other > 0 && other !== process.pid && lives(other)) {
    throw new Failure('unavailable', `pidfile: process with PID ${other} is still running: ${file}`);
  }
  makeFolder('pidfile', path.dirname(file));
  try {
    writeFileSync(file, String(process.pid), { mode: 0o644 });
  } catch (error) {
    throw unusable('pidfile', messageOf(error));
  }
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
