/**
 * What differs between the upper folder of an overlay and the tree below it, by path. What runs there may swap its folders for links:
 * each is held open while it is read, and none is followed. Nor is a link of the image where the upper folder has a folder.
 */
import { constants } from 'node:fs';
import {
  bytesOf,
  closeOpen,
  type FileStat,
  isGone,
  KIND,
  kindOf,
  nameOf,
  openAt,
  PATH_MAX,
  readFolder,
  statAt,
} from '../../system/syscall/files.ts';
import { O_PATH } from '../../system/syscall/libc.ts';
import type { Steps } from './steps.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, S_IFDIR, S_IFCHR, S_IFLNK } = constants;

export interface CompareTask {
  /** Folders on this host. */
  upper: string;
  image: string;
  /** What is made in every container: no difference, unless it has content. Paths below the folders, `/` first. */
  own: readonly string[];
}

/** As latin1 strings, a folder before what is in it. */
export interface Differences {
  paths: string[];
  /** 0 changed, 1 added, 2 deleted: one for each path. */
  kinds: Uint8Array;
}

const added = 1;
const deleted = 2;

export function* compare({ upper, image, own }: CompareTask): Steps<Differences> {
  const paths: string[] = [];
  const kinds: number[] = [];
  const made = new Set(own);

  function* visit(parent: number, name: string, path: string, imageParent: number | undefined, imageName: string): Steps<boolean> {
    const follow = path === '' ? 0 : O_NOFOLLOW;
    const fd = openedAt(parent, name, O_RDONLY | O_DIRECTORY | follow);
    if (fd === undefined) return false;
    const imageFd = imageParent === undefined ? undefined : openedAt(imageParent, imageName, O_PATH | O_DIRECTORY | follow);
    try {
      return yield* folder(fd, path, imageFd);
    } finally {
      closeOpen(fd);
      if (imageFd !== undefined) closeOpen(imageFd);
    }
  }

  function* folder(fd: number, path: string, imageFd: number | undefined): Steps<boolean> {
    let changed = false;
    for (const entry of readFolder(fd)) {
      yield;
      const name = nameOf(entry);
      const child = `${path}/${name}`;
      const before = imageFd === undefined ? undefined : statedAt(imageFd, name);
      const kind = kindOf(entry);
      const isPlain = (kind === KIND.file || kind === KIND.link) && !made.has(child);
      const stat = isPlain ? undefined : statedAt(fd, name);
      if (!isPlain && !stat) continue;
      if (stat && stat.type === S_IFCHR && stat.major === 0 && stat.minor === 0) {
        // Deleted and never there: made and removed by the container itself.
        if (!before) continue;
        paths.push(child);
        kinds.push(deleted);
        changed = true;
        continue;
      }
      const at = paths.length;
      const isFolder = stat?.type === S_IFDIR && child.length < PATH_MAX;
      const inside = isFolder ? yield* visit(fd, name, child, before?.type === S_IFDIR ? imageFd : undefined, name) : false;
      if (stat && made.has(child) && isEmpty(stat) && !inside) continue;
      // A folder lies in upper also when only something below it changed: then it counts as changed for that.
      if (stat && before && sameFolder(stat, before) && !inside) continue;
      paths.splice(at, 0, child);
      kinds.splice(at, 0, before ? 0 : added);
      changed = true;
    }
    return changed;
  }

  yield* visit(0, bytesOf(upper), '', 0, bytesOf(image));
  return { paths, kinds: Uint8Array.from(kinds) };
}

const sameFolder = (a: FileStat, b: FileStat): boolean =>
  a.type === S_IFDIR && b.type === S_IFDIR && a.mode === b.mode && a.uid === b.uid && a.gid === b.gid;

/** As it was made: a mount point, or a link. */
export const isEmpty = (stat: FileStat): boolean => stat.type === S_IFDIR || stat.type === S_IFLNK || stat.size === 0;

/** Undefined for what went, or became something else, since its folder was read. */
export function openedAt(folder: number, name: string, flags: number): number | undefined {
  try {
    return openAt(folder, name, flags);
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

export function statedAt(folder: number, name: string): FileStat | undefined {
  try {
    return statAt(folder, name);
  } catch {
    return undefined;
  }
}
