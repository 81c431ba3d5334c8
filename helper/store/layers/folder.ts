/**
 * Unpacks a layer into a folder, for kernels that can't mount EROFS from a file.
 *
 * The tree (tree.ts) says where each entry lies; every parent on that way is a directory that this unpacker made, in a
 * folder only root can enter, so no symlink of the archive is ever followed by the host's kernel. What needs syscalls that
 * Node lacks (device nodes, extended attributes) and what must come last (modes and times of directories) is
 * returned as a list, for the main thread.
 */
import fs from 'node:fs';
import { Failure } from '../../engine/failure.ts';
import type { Backend } from './builder.ts';
import { writeFully } from './erofs/output.ts';
import type { DirectoryNode, LayerNode, LayerTree, LeafNode, Meta, Place, SymlinkNode } from './tree.ts';
import { pathOf } from './tree.ts';

/** Steps left for the thread that has the syscalls, in order. Paths are relative, in latin1. */
export type DeferredStep =
  | {
      kind: 'node';
      path: string;
      mode: number;
      major: number;
      minor: number;
      meta: Pick<Meta, 'uid' | 'gid' | 'mode' | 'mtimeSeconds' | 'mtimeNanos'>;
    }
  | { kind: 'xattr'; path: string; name: string; value: Uint8Array }
  | { kind: 'directory'; path: string; meta: Pick<Meta, 'uid' | 'gid' | 'mode' | 'mtimeSeconds' | 'mtimeNanos'> };

export function timeOf(meta: Pick<Meta, 'mtimeSeconds' | 'mtimeNanos'>): number {
  return meta.mtimeSeconds + meta.mtimeNanos / 1e9;
}

export class FolderUnpacker implements Backend {
  readonly deferred: DeferredStep[] = [];
  readonly #folder: string;
  readonly #root: Buffer;
  #file: { fd: number; path: Buffer; node: LeafNode } | undefined;

  /** @param folder an empty folder, mode 0700 */
  constructor(folder: string) {
    this.#folder = folder;
    this.#root = Buffer.from(`${folder}/`);
  }

  directory(node: DirectoryNode, replaces: LayerNode | undefined, again: boolean): void {
    if (again) return;
    const path = this.#path(pathOf(node));
    this.#clear(path, replaces);
    fs.mkdirSync(path, 0o700);
  }

  leaf(place: Place, node: LeafNode | SymlinkNode, replaces: LayerNode | undefined): void {
    const path = this.#path(join(place));
    this.#clear(path, replaces);
    if (node.type === 'symlink') {
      fs.symlinkSync(Buffer.from(node.target, 'latin1'), path);
      fs.lchownSync(path, node.uid, node.gid);
      fs.lutimesSync(path, timeOf(node), timeOf(node));
      return;
    }
    if (node.type !== 'file') return;
    // 'wx': O_EXCL never follows a symlink and never writes into what is there.
    const fd = fs.openSync(path, 'wx', 0o600);
    this.#file = { fd, path, node };
    if (node.size === 0) this.fileEnd();
  }

  data(chunk: Buffer): void {
    if (this.#file) writeFully(this.#file.fd, chunk, null);
  }

  fileEnd(): void {
    const file = this.#file;
    if (!file) return;
    this.#file = undefined;
    try {
      fs.fchownSync(file.fd, file.node.uid, file.node.gid);
      // After chown, which clears setuid.
      fs.fchmodSync(file.fd, file.node.mode);
      fs.futimesSync(file.fd, timeOf(file.node), timeOf(file.node));
    } finally {
      fs.closeSync(file.fd);
    }
  }

  link(place: Place, target: Place, node: LayerNode, replaces: LayerNode | undefined): void {
    const path = this.#path(join(place));
    // Devices are made at the end, with all names that they have then.
    if (node.type === 'character' || node.type === 'block' || node.type === 'fifo') {
      this.#clear(path, replaces);
      return;
    }
    // The target may lie in the folder that the link replaces: it is held by another name meanwhile.
    const held = Buffer.from(`${this.#folder}.link`);
    fs.linkSync(this.#path(join(target)), held);
    this.#clear(path, replaces);
    fs.renameSync(held, path);
  }

  finish(tree: LayerTree): void {
    const stack: DirectoryNode[] = [tree.root];
    const directories: DirectoryNode[] = [];
    const made = new Map<LayerNode, string>();
    for (let directory = stack.pop(); directory; directory = stack.pop()) {
      directories.push(directory);
      const base = pathOf(directory);
      for (const [name, node] of directory.children) {
        const path = base === '' ? name : `${base}/${name}`;
        if (node.type === 'directory') stack.push(node);
        else this.#finishLeaf(path, node, made);
      }
    }
    // Children before parents: making a node changes its folder's time.
    for (const directory of directories.reverse()) {
      const path = pathOf(directory);
      this.#xattrs(path, directory);
      if (directory.opaque) this.deferred.push({ kind: 'xattr', path, name: 'trusted.overlay.opaque', value: Buffer.from('y') });
      this.deferred.push({ kind: 'directory', path, meta: plain(directory) });
    }
  }

  /** Closes what is open; the folder is the caller's to remove. */
  abandon(): void {
    if (this.#file) fs.closeSync(this.#file.fd);
    this.#file = undefined;
  }

  #finishLeaf(path: string, node: LeafNode | SymlinkNode, made: Map<LayerNode, string>): void {
    if (node.type === 'character' || node.type === 'block' || node.type === 'fifo') {
      const type = { character: 0o020000, block: 0o060000, fifo: 0o010000 }[node.type];
      const mode = node.whiteout ? 0 : node.mode;
      this.deferred.push({
        kind: 'node',
        path,
        mode: type | mode,
        major: node.major,
        minor: node.minor,
        meta: { ...plain(node), mode },
      });
    }
    if (made.has(node)) return;
    made.set(node, path);
    this.#xattrs(path, node);
  }

  #xattrs(path: string, node: LayerNode): void {
    for (const [name, value] of node.xattrs ?? []) this.deferred.push({ kind: 'xattr', path, name, value });
  }

  /** Takes away what another entry of the same archive left under this name. */
  #clear(path: Buffer, replaces: LayerNode | undefined): void {
    if (!replaces) return;
    if (this.#file) throw new Failure('system', 'an entry began before the last one ended');
    fs.rmSync(path, { recursive: true, force: true });
  }

  #path(relative: string): Buffer {
    return Buffer.concat([this.#root, Buffer.from(relative, 'latin1')]);
  }
}

function join(place: Place): string {
  const base = pathOf(place.parent);
  return base === '' ? place.name : `${base}/${place.name}`;
}

function plain(meta: Meta): Pick<Meta, 'uid' | 'gid' | 'mode' | 'mtimeSeconds' | 'mtimeNanos'> {
  return { uid: meta.uid, gid: meta.gid, mode: meta.mode, mtimeSeconds: meta.mtimeSeconds, mtimeNanos: meta.mtimeNanos };
}
