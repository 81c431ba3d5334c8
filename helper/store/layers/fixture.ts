/** For tests: layer stores in a folder of their own, and what can be seen of a tree. */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import type { Log } from '../../engine/context.ts';
import type { LayerKind, Layers } from './layers.ts';
import { createLayers } from './layers.ts';
import type { JobPool } from './pool.ts';

const log: Log = { debug() {}, info() {}, warn() {}, error() {} };

/** A started store in `folder`/data and `folder`/run. */
export async function layerStore(folder: string, kind: LayerKind, pool?: JobPool): Promise<Layers> {
  const layers = await createLayers({ data: path.join(folder, 'data'), run: path.join(folder, 'run'), log, kind, pool });
  await layers.start();
  return layers;
}

/** Takes an archive in, in pieces of these sizes in turn; the blob goes to a file of its own in `folder`. @returns the diffID */
export async function addLayer(layers: Layers, folder: string, archive: Buffer, sizes = [archive.length]): Promise<string> {
  const blob = path.join(folder, `blob-${Math.random()}`);
  const ingest = await layers.add({ path: blob, has: 0 });
  try {
    for (let at = 0, i = 0; at < archive.length; i++) {
      const size = sizes[i % sizes.length] as number;
      await ingest.write(archive.subarray(at, at + size));
      at += size;
    }
    return (await ingest.finish({}, async () => {})).diffId;
  } catch (error) {
    await ingest.abort();
    throw error;
  } finally {
    fs.rmSync(blob, { force: true });
  }
}

/** Everything that can be seen of a tree, inode numbers as the first name they have. */
export function describeTree(top: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  const inodes = new Map<number, string>();
  const visit = (relative: string): void => {
    const file = path.join(top, relative);
    const stat = fs.lstatSync(file);
    const type = stat.mode & 0o170000;
    const first = inodes.get(stat.ino);
    inodes.set(stat.ino, first ?? relative);
    found[relative] = {
      mode: stat.mode,
      uid: stat.uid,
      gid: stat.gid,
      rdev: type === 0o020000 || type === 0o060000 ? stat.rdev : 0,
      mtime: type === 0o040000 ? undefined : stat.mtimeMs,
      links: stat.isDirectory() ? 0 : stat.nlink,
      same: stat.isDirectory() ? undefined : first,
      target: stat.isSymbolicLink() ? fs.readlinkSync(file) : undefined,
      content: stat.isFile() ? createHash('sha1').update(fs.readFileSync(file)).digest('hex') : undefined,
    };
    if (stat.isDirectory()) for (const name of fs.readdirSync(file).sort()) visit(path.join(relative, name));
  };
  visit('');
  delete found[''];
  return found;
}
