import { randomBytes } from 'node:crypto';
import { constants, promises as fs, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/**
 * Durable files: the only writer of the engine's state. A power cut leaves the old content or the new, never half:
 * temporary file in the same folder, fsync, rename, fsync of the folder.
 */

const TEMPORARY = /\.tmp-[0-9a-f]{8}$/;

interface FolderSync {
  running: Promise<void>;
  next: Promise<void> | undefined;
}
const folderSyncs = new Map<string, FolderSync>();

/**
 * fsync of a folder, so that a rename or an unlink in it is durable. Those that are asked for while one is under way, which may have
 * begun before what they are to cover, share the next one.
 */
export function syncFolder(folder: string): Promise<void> {
  const current = folderSyncs.get(folder);
  if (!current) return beginSync(folder);
  const begin = (): Promise<void> => beginSync(folder);
  current.next ??= current.running.then(begin, begin);
  return current.next;
}

function beginSync(folder: string): Promise<void> {
  const sync: FolderSync = { running: fsyncFolder(folder), next: undefined };
  folderSyncs.set(folder, sync);
  const end = (): void => {
    if (!sync.next) folderSyncs.delete(folder);
  };
  sync.running.then(end, end);
  return sync.running;
}

async function fsyncFolder(folder: string): Promise<void> {
  const handle = await fs.open(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface WriteOptions {
  mode?: number;
  /** false gives up durability (not atomicity), for run-time state. Default: true. */
  sync?: boolean;
  /** What the file held before stays beside it, as `previousOf` names it. */
  keepPrevious?: boolean;
}

export const previousOf = (file: string): string => `${file}.previous`;

/** Writes `data` to `file` durably and atomically. */
export async function writeFileDurably(file: string, data: string | Uint8Array, options: WriteOptions = {}): Promise<void> {
  const sync = options.sync ?? true;
  const temporary = `${file}.tmp-${randomBytes(4).toString('hex')}`;
  const handle = await fs.open(temporary, 'wx', options.mode ?? 0o600);
  try {
    await handle.writeFile(data);
    if (sync) await handle.datasync();
  } catch (error) {
    await handle.close();
    await fs.rm(temporary, { force: true });
    throw error;
  }
  await handle.close();
  try {
    if (options.keepPrevious) await keep(file);
    await fs.rename(temporary, file);
  } catch (error) {
    await fs.rm(temporary, { force: true });
    throw error;
  }
  if (sync) await syncFolder(path.dirname(file));
}

async function keep(file: string): Promise<void> {
  await fs.rm(previousOf(file), { force: true });
  await fs.link(file, previousOf(file)).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

export async function writeJson(file: string, value: unknown, options?: WriteOptions): Promise<void> {
  await writeFileDurably(file, `${JSON.stringify(value)}\n`, options);
}

/** Writes a new file, and makes it and its folder durable: for folders that nobody looks into before they get their name. */
export async function writeUnseen(file: string, value: unknown): Promise<void> {
  const handle = await fs.open(file, 'wx', 0o600);
  try {
    await handle.writeFile(`${JSON.stringify(value)}\n`);
    await Promise.all([handle.datasync(), syncFolder(path.dirname(file))]);
  } finally {
    await handle.close();
  }
}

/**
 * Writes run-time state at once: atomic, and there after a kill of the helper, but not after a power cut, with which it ends anyway.
 * For the run folder, which lies in memory: handing four calls to the thread pool would take ten times as long as they do.
 * Makes the folder (0710) when it is missing.
 */
export function writeRunState(file: string, value: unknown): void {
  const temporary = `${file}.tmp-${randomBytes(4).toString('hex')}`;
  const text = `${JSON.stringify(value)}\n`;
  try {
    try {
      writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      mkdirSync(path.dirname(file), { recursive: true, mode: 0o710 });
      writeFileSync(temporary, text, { flag: 'wx', mode: 0o600 });
    }
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** `movedTo`: where a damaged file lies now; its own place if it could not be moved, or was not to be. */
export type ReadResult<T> = { status: 'ok'; value: T } | { status: 'absent' } | { status: 'damaged'; reason: string; movedTo: string };

/**
 * Reads a JSON file through `parse` (a schema: throws on what it does not know).
 * A damaged or unknown file, and one that can't be read, is moved aside (`FILE.damaged-<time>`) and reported, never thrown:
 * one damaged object must not keep the engine from starting.
 *
 * @param options.keep leave a damaged file where it is
 */
export async function readJson<T>(file: string, parse: (value: unknown) => T, options: { keep?: boolean } = {}): Promise<ReadResult<T>> {
  try {
    return { status: 'ok', value: parse(JSON.parse(await fs.readFile(file, 'utf8'))) };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { status: 'absent' };
    const reason = error instanceof Error ? error.message : String(error);
    return { status: 'damaged', reason, movedTo: options.keep ? file : await moveAside(file) };
  }
}

/** How many of many files are read at the same time: most of it is waiting for the disk. */
export const READS_AT_ONCE = 32;

/** Keeps a file (or what lies in its place) for somebody to look at. @returns where it is now; where it was, on a disk that takes no changes any more */
export async function moveAside(file: string): Promise<string> {
  const movedTo = `${file}.damaged-${Date.now()}`;
  try {
    await fs.rename(file, movedTo);
    return movedTo;
  } catch {
    return file;
  }
}

/** Removes temporary files that a crash left in `folder`. */
export async function sweepTemporary(folder: string): Promise<void> {
  for (const name of await fs.readdir(folder)) {
    if (TEMPORARY.test(name)) await fs.rm(path.join(folder, name), { force: true });
  }
}

/** An empty folder, made or emptied: one that is there is kept, since on a full disk it could not be made again. */
export async function emptyFolder(folder: string): Promise<void> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await fs.readdir(folder)) await fs.rm(path.join(folder, name), { recursive: true, force: true });
}

/** Removes a folder so that a crash never leaves half of it under its name: renamed into `trash` first, then deleted. */
export async function removeFolder(folder: string, trash: string): Promise<void> {
  await fs.mkdir(trash, { recursive: true, mode: 0o700 });
  const target = path.join(trash, `${path.basename(folder)}-${randomBytes(4).toString('hex')}`);
  try {
    await fs.rename(folder, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  await fs.rm(target, { recursive: true, force: true });
}
