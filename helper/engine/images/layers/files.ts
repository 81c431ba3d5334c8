import { type BigIntStats, promises as fs } from 'node:fs';
import path from 'node:path';
import type { LayerFile } from '../../../contract/gantry.ts';
import { isOpaque, isWhiteout, sameFolder } from '../../../system/mount/index.ts';
import { Failure } from '../../failure.ts';

const MOST_FILES = 5000;
const AT_ONCE = 64;

/**
 * What a layer has in one of its folders, by name, each against the layers below.
 *
 * @param folders of the layers, base first, this one last
 * @param where absolute path in the image; no link in it is followed
 * @throws Failure notFound when the layer has no such folder
 */
export async function layerFiles(folders: readonly string[], where: string): Promise<{ files: LayerFile[]; truncated: boolean }> {
  const own = folders.at(-1) as string;
  const lower = folders.slice(0, -1).reverse();
  const components = where.split('/').filter((name) => name !== '' && name !== '.');
  const found = await lookUp(own, components);
  if (components.includes('..') || found.kind !== 'there' || !found.stat.isDirectory()) {
    throw new Failure('notFound', `the layer has no folder ${where}`);
  }
  const folder = path.join(own, ...components);
  const names = (await fs.readdir(folder)).sort();
  const files: LayerFile[] = [];
  for (let from = 0; from < Math.min(names.length, MOST_FILES); from += AT_ONCE) {
    const some = names.slice(from, Math.min(from + AT_ONCE, MOST_FILES));
    files.push(...(await Promise.all(some.map((name) => describe(path.join(folder, name), name, lower, [...components, name])))));
  }
  return { files, truncated: names.length > MOST_FILES };
}

async function describe(file: string, name: string, lower: readonly string[], components: string[]): Promise<LayerFile> {
  const stat = await fs.lstat(file, { bigint: true });
  const below = await statBelow(lower, components);
  if (isWhiteout(stat)) return shape(name, below ?? stat, 'removed');
  const change = !below ? 'added' : sameFolder(stat, below) ? 'unchanged' : 'changed';
  const shaped = shape(name, stat, change);
  return stat.isSymbolicLink() ? { ...shaped, LinkTarget: await fs.readlink(file) } : shaped;
}

/** What the layers below show at a path, the nearest first; undefined: nothing. */
async function statBelow(lower: readonly string[], components: readonly string[]): Promise<BigIntStats | undefined> {
  for (const folder of lower) {
    const found = await lookUp(folder, components);
    if (found.kind === 'there') return found.stat;
    if (found.kind === 'hidden') return undefined;
  }
  return undefined;
}

type Found = { kind: 'there'; stat: BigIntStats } | { kind: 'absent' } | { kind: 'hidden' };

/** One layer's word on a path: it has it, it says nothing of it, or it hides what lower ones have. */
async function lookUp(folder: string, components: readonly string[]): Promise<Found> {
  let file = folder;
  let opaque = false;
  let stat = await fs.lstat(folder, { bigint: true });
  for (const name of components) {
    if (!stat.isDirectory()) return { kind: 'hidden' };
    opaque ||= file !== folder && isOpaque(file);
    file = path.join(file, name);
    try {
      stat = await fs.lstat(file, { bigint: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
      return { kind: opaque ? 'hidden' : 'absent' };
    }
    if (isWhiteout(stat)) return { kind: 'hidden' };
  }
  return { kind: 'there', stat };
}

function shape(name: string, stat: BigIntStats, change: LayerFile['Change']): LayerFile {
  return {
    Name: name,
    Type: typeOf(stat),
    Change: change,
    Size: stat.isFile() ? Number(stat.size) : 0,
    Mode: Number(stat.mode & 0o7777n),
    Uid: Number(stat.uid),
    Gid: Number(stat.gid),
    ModifiedAt: stat.mtime.toISOString(),
  };
}

function typeOf(stat: BigIntStats): LayerFile['Type'] {
  if (stat.isFile()) return 'file';
  if (stat.isDirectory()) return 'folder';
  if (stat.isSymbolicLink()) return 'link';
  return stat.isCharacterDevice() || stat.isBlockDevice() ? 'device' : 'other';
}
