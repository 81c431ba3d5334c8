import { constants } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { Failure } from '../failure.ts';
import { fromNanos } from '../instant.ts';
import type { Container } from './container.ts';
import { type Engine, emit } from './engine.ts';
import { lookupUser } from './spec/user.ts';
import { extractInto } from './tree/extract.ts';
import { openTree } from './tree/open.ts';
import { packTree } from './tree/pack.ts';
import { find, isHidden, type Place, type Tree, withPlace } from './tree/walk.ts';

/** `X-Docker-Container-Path-Stat`, before base64. `mode` has Go's bits. */
export interface PathStat {
  name: string;
  size: number;
  mode: number;
  mtime: string;
  linkTarget: string;
}

/** Go's os.FileMode for a kernel mode. Source: Go, io/fs. */
export function goMode(mode: number): number {
  const kind = mode & constants.S_IFMT;
  const kinds: [number, number][] = [
    [constants.S_IFDIR, 2 ** 31],
    [constants.S_IFLNK, 2 ** 27],
    [constants.S_IFBLK, 2 ** 26],
    [constants.S_IFCHR, 2 ** 26 + 2 ** 21],
    [constants.S_IFIFO, 2 ** 25],
    [constants.S_IFSOCK, 2 ** 24],
  ];
  const special = (mode & 0o4000 ? 2 ** 23 : 0) + (mode & 0o2000 ? 2 ** 22 : 0) + (mode & 0o1000 ? 2 ** 20 : 0);
  return (kinds.find(([own]) => own === kind)?.[1] ?? 0) + special + (mode & 0o777);
}

/** A trailing `/` or `/.` means what a link points to. */
const meansTarget = (name: string): boolean => /\/\.?$/.test(name) || name === '.';

/** @param reference the container as the client called it */
const missing = (reference: string, name: string): Failure =>
  new Failure('notFound', `Could not find the file ${name} in container ${reference}`);

/** The name in the archive: the last component as the client wrote it, `.` and `/` kept, since clients unpack by it. */
function entryName(name: string): string {
  if (/(^|\/)\.$/.test(name)) return '.';
  return path.posix.basename(path.posix.normalize(`/${name}`)) || '/';
}

async function statOf(tree: Tree, place: Place, name: string): Promise<PathStat | undefined> {
  const stat = await place.stat();
  if (!stat) return undefined;
  const linkTarget = stat.isSymbolicLink()
    ? await withPlace(tree, place.path, { follow: true }, async (target) => target.path).catch(() => '')
    : '';
  return {
    name: entryName(name) === '.' ? path.posix.basename(place.path) || '/' : entryName(name),
    size: Number(stat.size),
    mode: goMode(Number(stat.mode)),
    mtime: fromNanos(stat.mtimeNs),
    linkTarget,
  };
}

async function locate(reference: string, tree: Tree, name: string, follow = meansTarget(name)): Promise<{ place: Place; stat: PathStat }> {
  let place: Place;
  try {
    place = await find(tree, name, { follow });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP') throw missing(reference, name);
    throw error;
  }
  const stat = isHidden(tree, place.path) ? undefined : await statOf(tree, place, name);
  const folderMeant = /\/\.?$/.test(name);
  if (stat && !(folderMeant && !(await place.stat())?.isDirectory())) return { place, stat };
  await place.close();
  if (stat) throw new Failure('system', `lstat ${path.posix.join('/', name)}: not a directory`);
  throw missing(reference, name);
}

/** HEAD /containers/{id}/archive */
export async function archiveStat(engine: Engine, reference: string, name: string): Promise<PathStat> {
  const container = engine.store.get(reference);
  const { tree, close } = await openTree(engine, container, { volumes: true });
  try {
    const { place, stat } = await locate(reference, tree, name);
    await place.close();
    return stat;
  } finally {
    close();
  }
}

/** GET /containers/{id}/archive */
export async function archiveGet(
  engine: Engine,
  reference: string,
  name: string,
  signal: AbortSignal,
): Promise<{ stat: PathStat; body: Readable }> {
  const container = engine.store.get(reference);
  const { tree, close } = await openTree(engine, container, { volumes: true });
  try {
    const { place, stat } = await locate(reference, tree, name);
    const body = packTree(place, { tree, name: entryName(name), signal, hollow: tree.hidden }, close);
    emit(engine, container, 'archive-path');
    return { stat, body };
  } catch (error) {
    close();
    throw error;
  }
}

/** The mount that a path in the container lies in. */
function mountAround(container: Container, where: string): { rw: boolean } | undefined {
  const inside = container.mounts.filter(({ destination }) => where === destination || where.startsWith(`${destination}/`));
  return inside.sort((a, b) => b.destination.length - a.destination.length)[0];
}

/** PUT /containers/{id}/archive: into a folder that is there. */
export async function archivePut(
  engine: Engine,
  reference: string,
  name: string,
  body: Readable,
  options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
  signal: AbortSignal,
): Promise<void> {
  const container = engine.store.get(reference);
  const { tree, close } = await openTree(engine, container, { volumes: true });
  try {
    const { place } = await locate(reference, tree, name, true);
    const folder = place.path;
    const stat = await place.stat();
    await place.close();
    if (!stat?.isDirectory()) throw new Failure('invalidParameter', 'extraction point is not a directory');
    const mount = mountAround(container, folder);
    if (mount && !mount.rw) throw new Failure('forbidden', 'mounted volume is marked read-only');
    if (!mount && container.hostConfig.ReadonlyRootfs) throw new Failure('forbidden', 'container rootfs is marked read-only');
    const { User } = container.config;
    const owner = options.copyUidGid && User ? await lookupUser(tree.root, User) : undefined;
    await extractInto(body, { tree, folder, noOverwriteDirNonDir: options.noOverwriteDirNonDir, owner, signal });
    emit(engine, container, 'extract-to-dir');
  } finally {
    close();
  }
}
