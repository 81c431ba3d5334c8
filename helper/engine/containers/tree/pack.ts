import type { Readable } from 'node:stream';
import { readTree } from '../../../store/tree/read.ts';
import type { Place, Tree } from './walk.ts';

export interface PackOptions {
  tree: Tree;
  /** Name of the top entry in the archive (`data`, `.`, `/`); what is below it is named `data/…`. Empty: names without a prefix. */
  name: string;
  signal: AbortSignal;
  /** Contents of these are left out: files are written empty, folders without their entries. Paths in the container. */
  hollow?: Iterable<string>;
  /** The tree is the upper folder of an overlay, and only these paths of it (latin1 strings) go in, as a layer has them. */
  upper?: { only: readonly string[] };
}

/**
 * A place and all below it as a tar: owners, modes, times, links, hard links, devices. Reads as the reader reads.
 * `done` runs when it is over, however it ends.
 */
export function packTree(place: Place, options: PackOptions, done: () => Promise<void> | void): Readable {
  const { tree, name, signal, hollow = [], upper } = options;
  const top = { folder: place.folder, file: place.name || '.', path: place.path, name };
  const task = { kind: 'pack' as const, ...top, mounts: tree.mounts, hollow: [...hollow], ...(upper ? { upper } : {}) };
  return readTree(task, signal, async () => {
    await place.close().catch(() => undefined);
    await done();
  });
}
