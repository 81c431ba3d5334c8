import { constants, promises as fs } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { extract, type Header } from 'tar-stream';
import { decompressed } from '../../../store/layers/compression.ts';
import { lsetxattr, mknod } from '../../../system/syscall/index.ts';
import { Failure, messageOf } from '../../failure.ts';
import { removeTree } from './remove.ts';
import { type Place, type Tree, withPlace } from './walk.ts';

const S_IFCHR = 0o020000;
const S_IFBLK = 0o060000;
const S_IFIFO = 0o010000;
const CREATE_ATTEMPTS = 5;

export interface ExtractOptions {
  tree: Tree;
  /** Folder in the container; entries are placed below it, wherever it and its links lead within the container. */
  folder: string;
  /** A folder is not replaced by a file, nor a file by a folder. */
  noOverwriteDirNonDir: boolean;
  /** All files get this owner instead of the archive's. */
  owner: { uid: number; gid: number } | undefined;
  signal: AbortSignal;
}

/** Entry names may not climb out of the folder by themselves; links within the container are the container's affair. */
function safeName(name: string): string {
  const parts: string[] = [];
  for (const part of name.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') throw new Failure('invalidParameter', `breakout attempt: "${name}" is outside of the destination`);
    parts.push(part);
  }
  return parts.join('/');
}

/**
 * Unpacks a tar, compressed or not, into a container's tree. Every entry is placed by a folder that is held open, so that nothing that runs
 * in the container can lead a write out of it.
 * @throws Failure system for what is no tar, or would replace what must stay; forbidden on a read-only file system
 */
export async function extractInto(body: Readable, options: ExtractOptions): Promise<void> {
  const unpack = extract();
  // Folders get their times last: each file placed in them changes those.
  const times: { path: string; mtime: Date }[] = [];
  const archive = Readable.from(decompressed(body), { objectMode: false });
  archive.on('error', (error) => unpack.destroy(error));
  options.signal.addEventListener('abort', () => unpack.destroy(new Error('aborted')), { once: true });
  let where = options.folder;
  archive.pipe(unpack as unknown as NodeJS.WritableStream);
  try {
    for await (const entry of unpack) {
      const { header } = entry;
      // When the archive breaks off its entry does too, perhaps while nobody reads it. What went wrong is thrown by the loop.
      (entry as unknown as Readable).on('error', () => undefined);
      const name = safeName(header.name);
      where = name === '' ? options.folder : `${options.folder}/${name}`;
      await withPlace(options.tree, where, { make: true }, (place) =>
        put(place, header, entry as unknown as AsyncIterable<Buffer>, options),
      );
      if (header.type === 'directory' && header.mtime) times.push({ path: where, mtime: header.mtime });
      (entry as unknown as Readable).resume();
    }
  } catch (error) {
    archive.destroy();
    body.destroy();
    if (error instanceof Failure && error.kind !== 'invalidParameter') throw error;
    if ((error as NodeJS.ErrnoException).code === 'EROFS') {
      throw new Failure('forbidden', 'mounted volume is marked read-only', { cause: error });
    }
    throw new Failure('system', archiveWords(error, where), { cause: error });
  }
  for (const { path, mtime } of times.reverse()) {
    await withPlace(options.tree, path, {}, (place) => fs.utimes(place.file, mtime, mtime)).catch(() => undefined);
  }
}

/** What Docker's clients know from Go's reader instead of tar-stream's words. */
function archiveWords(error: unknown, where: string): string {
  const words = messageOf(error);
  // `ENOENT: no such file or directory, open '/proc/self/fd/…'`: the place is known to nobody by that name.
  const kernels = /^E[A-Z0-9]+: ([^,]+), (\w+)/.exec(words);
  if (kernels) return `${kernels[2]} ${path.posix.normalize(where)}: ${kernels[1]}`;
  // The second is what a reader in the middle of a file hears of the first.
  if (/^(Unexpected end of data|Stream was destroyed)/.test(words)) return 'unexpected EOF';
  return /^Invalid (tar )?header/.test(words) ? 'archive/tar: invalid tar header' : words;
}

async function put(place: Place, header: Header, content: AsyncIterable<Buffer>, options: ExtractOptions): Promise<void> {
  const uid = options.owner?.uid ?? header.uid ?? 0;
  const gid = options.owner?.gid ?? header.gid ?? 0;
  const mode = header.mode ?? 0o644;
  const stat = await place.stat();
  const isFolder = header.type === 'directory';
  if (stat && options.noOverwriteDirNonDir && place.name !== '') {
    if (stat.isDirectory() && !isFolder) {
      throw new Failure('invalidParameter', `cannot overwrite directory "${place.path}" with non-directory "${options.folder}"`);
    }
    if (!stat.isDirectory() && isFolder) {
      throw new Failure('invalidParameter', `cannot overwrite non-directory "${place.path}" with directory "${options.folder}"`);
    }
  }
  if (isFolder) {
    if (!stat?.isDirectory()) {
      if (stat) await fs.unlink(place.file);
      await fs.mkdir(place.file, { mode });
    }
    await fs.lchown(place.file, uid, gid);
    await chmodFolder(place, mode);
    return;
  }
  if (stat) await removeTree(place.file);
  switch (header.type) {
    case 'symlink':
      await fs.symlink(header.linkname, place.file);
      await fs.lchown(place.file, uid, gid);
      return;
    case 'link':
      await withPlace(options.tree, `${options.folder}/${safeName(header.linkname)}`, {}, (target) => fs.link(target.file, place.file));
      return;
    case 'character-device':
    case 'block-device':
    case 'fifo': {
      const kind = header.type === 'fifo' ? S_IFIFO : header.type === 'block-device' ? S_IFBLK : S_IFCHR;
      mknod(place.file, kind | (mode & 0o7777), { major: header.devmajor ?? 0, minor: header.devminor ?? 0 });
      await fs.lchown(place.file, uid, gid);
      return;
    }
    default:
      await putFile(place, header, content, { uid, gid, mode });
  }
}

async function chmodFolder(place: Place, mode: number): Promise<void> {
  const handle = await fs.open(place.file, constants.O_RDONLY | constants.O_DIRECTORY | (place.name === '' ? 0 : constants.O_NOFOLLOW));
  try {
    await handle.chmod(mode & 0o7777);
  } finally {
    await handle.close();
  }
}

/** A new file; one that another copy has put there meanwhile gives way. */
async function createFile(file: string): Promise<fs.FileHandle> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await fs.open(file, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o600);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || attempt === CREATE_ATTEMPTS) throw error;
      await fs.rm(file, { force: true });
    }
  }
}

async function putFile(
  place: Place,
  header: Header,
  content: AsyncIterable<Buffer>,
  owner: { uid: number; gid: number; mode: number },
): Promise<void> {
  const handle = await createFile(place.file);
  try {
    for await (const chunk of content) await handle.write(chunk);
    await handle.chown(owner.uid, owner.gid);
    await handle.chmod(owner.mode & 0o7777);
    const capability = (header.pax as Record<string, string> | null | undefined)?.['SCHILY.xattr.security.capability'];
    // A chown takes capabilities away, so they come after it.
    if (capability) lsetxattr(`/proc/self/fd/${handle.fd}`, 'security.capability', Buffer.from(capability, 'latin1'));
    if (header.mtime) await handle.utimes(header.mtime, header.mtime);
  } finally {
    await handle.close();
  }
}
