import { type BigIntStats, promises as fs } from 'node:fs';
import path from 'node:path';
import type { ImageLayer, WastedPath } from '../../../contract/gantry.ts';
import { isOpaque, isWhiteout, sameAttributes } from '../../../system/mount/index.ts';
import { Failure } from '../../failure.ts';

/** Entries of a folder that are looked at together. */
const AT_ONCE = 64;
/** Some 200 bytes of memory each. */
const MOST_ENTRIES = 2_000_000;
const WASTED_PATHS = 50;

/** What is seen of the layers so far: a folder with children, or anything else. */
interface Node {
  size: number;
  /** The layer it comes from. */
  layer: number;
  mode: bigint;
  uid: bigint;
  gid: bigint;
  children: Map<string, Node> | undefined;
}

export type Counts = Pick<ImageLayer, 'Entries' | 'Added' | 'Changed' | 'Removed' | 'WastedBytes'>;

export interface Analysis {
  layers: Counts[];
  wastedBytes: number;
  wasted: WastedPath[];
}

/**
 * Puts layers over each other as overlayfs does, counting what each adds, changes and removes, and the bytes that nobody sees
 * because a later layer has the same path or removes it.
 *
 * @param folders one for each layer, base first; their content does not change
 * @throws Failure unavailable for images of absurd size
 */
export async function analyse(folders: readonly string[], signal: AbortSignal): Promise<Analysis> {
  const walk = new Walk(folders.length, signal);
  for (const [layer, folder] of folders.entries()) await walk.layer(folder, layer);
  return walk.result();
}

class Walk {
  readonly #root: Node = { size: 0, layer: 0, mode: 0n, uid: 0n, gid: 0n, children: new Map() };
  readonly #counts: Counts[];
  readonly #wasted = new Map<string, { bytes: number; copies: number; removed: boolean }>();
  readonly #signal: AbortSignal;
  #entries = 0;

  constructor(layers: number, signal: AbortSignal) {
    this.#signal = signal;
    this.#counts = Array.from({ length: layers }, () => ({ Entries: 0, Added: 0, Changed: 0, Removed: 0, WastedBytes: 0 }));
  }

  async layer(folder: string, layer: number): Promise<void> {
    // Names of one file count once.
    await this.#folder(folder, '/', layer, this.#root, new Set());
  }

  async #folder(folder: string, where: string, layer: number, node: Node, links: Set<bigint>): Promise<void> {
    const names = await fs.readdir(folder);
    for (let from = 0; from < names.length; from += AT_ONCE) {
      this.#signal.throwIfAborted();
      const some = names.slice(from, from + AT_ONCE);
      const stats = await Promise.all(some.map((name) => fs.lstat(path.join(folder, name), { bigint: true })));
      for (const [index, name] of some.entries()) {
        const stat = stats[index] as BigIntStats;
        await this.#entry(path.join(folder, name), path.posix.join(where, name), name, stat, layer, node, links);
      }
    }
  }

  async #entry(
    file: string,
    where: string,
    name: string,
    stat: BigIntStats,
    layer: number,
    parent: Node,
    links: Set<bigint>,
  ): Promise<void> {
    const counts = this.#counts[layer] as Counts;
    const children = parent.children as Map<string, Node>;
    const below = children.get(name);
    counts.Entries += 1;
    this.#entries += 1;
    if (this.#entries > MOST_ENTRIES)
      throw new Failure('unavailable', `the image has more than ${MOST_ENTRIES} files: too many to look at`);
    if (isWhiteout(stat)) {
      if (!below) return;
      counts.Removed += 1;
      this.#waste(below, where, true);
      children.delete(name);
      return;
    }
    const isFolder = stat.isDirectory();
    const { mode, uid, gid } = stat;
    const made: Node = { size: sizeOf(stat, links), layer, mode, uid, gid, children: isFolder ? new Map() : undefined };
    if (!below) counts.Added += 1;
    else if (!isFolder || !below.children) {
      counts.Changed += 1;
      this.#waste(below, where, false);
    } else {
      if (!sameAttributes(below, stat)) counts.Changed += 1;
      if (isOpaque(file)) {
        for (const [child, lower] of below.children) {
          counts.Removed += 1;
          this.#waste(lower, path.posix.join(where, child), true);
        }
      } else made.children = below.children;
    }
    children.set(name, made);
    if (isFolder) await this.#folder(file, where, layer, made, links);
  }

  /** All that lies at or below `node` is hidden from now on. */
  #waste(node: Node, where: string, removed: boolean): void {
    if (node.children) {
      for (const [name, child] of node.children) this.#waste(child, path.posix.join(where, name), removed);
      return;
    }
    const counts = this.#counts[node.layer] as Counts;
    counts.WastedBytes += node.size;
    const known = this.#wasted.get(where) ?? { bytes: 0, copies: 0, removed };
    this.#wasted.set(where, { bytes: known.bytes + node.size, copies: known.copies + 1, removed });
  }

  result(): Analysis {
    const wasted = [...this.#wasted]
      .filter(([, { bytes }]) => bytes > 0)
      .sort(([, a], [, b]) => b.bytes - a.bytes)
      .slice(0, WASTED_PATHS)
      .map(([Path, { bytes, copies, removed }]) => ({ Path, Bytes: bytes, Copies: removed ? copies : copies + 1, Removed: removed }));
    return { layers: this.#counts, wastedBytes: this.#counts.reduce((sum, { WastedBytes }) => sum + WastedBytes, 0), wasted };
  }
}

function sizeOf(stat: BigIntStats, links: Set<bigint>): number {
  if (!stat.isFile()) return 0;
  if (stat.nlink > 1n) {
    if (links.has(stat.ino)) return 0;
    links.add(stat.ino);
  }
  return Number(stat.size);
}
