/**
 * Turns the entries of a layer's archive into operations of a back end (an EROFS image, a folder).
 * Whiteouts, duplicate names, hard links and implied directories are decided here, once for all back ends.
 */
import { Failure } from '../../engine/failure.ts';
import type { TarHeader, TarSink } from '../tar/reader.ts';
import type { DirectoryNode, LayerNode, LeafNode, Place, SymlinkNode } from './tree.ts';
import { allowedXattrs, components, isWhiteout, LayerTree, makeLeaf, pick, whiteoutOf } from './tree.ts';

/** What a layer becomes. Calls come in the archive's order; `finish` once, at the end. */
export interface Backend {
  /** A directory that is new under its name (`madeOver`: what it replaces there), or whose entry came again. */
  directory(node: DirectoryNode, replaces: LayerNode | undefined, again: boolean): void;
  /** Anything else. For a file with data, `data` follows, then `fileEnd`. */
  leaf(place: Place, node: LeafNode | SymlinkNode, replaces: LayerNode | undefined): void;
  data(chunk: Buffer): void;
  fileEnd(): void;
  /** One more name for a node that is there already. */
  link(place: Place, target: Place, node: LayerNode, replaces: LayerNode | undefined): void;
  finish(tree: LayerTree): void;
}

export interface LayerCounts {
  /** Names in the layer, directories included. */
  entries: number;
  /** Bytes of files and symlinks, hard links counted once: what dockerd calls the size of a layer. */
  size: number;
}

/** The kernel's, without the NUL at the end. */
const LONGEST_TARGET = 4095;
/** What the record of a link to a later name costs besides its names. */
const LATER_LINK_BYTES = 64;

export class LayerBuilder implements TarSink {
  readonly tree: LayerTree;
  readonly #backend: Backend;
  #mode: 'none' | 'file' | 'skip' = 'none';
  #laterLinks: { path: string; target: string }[] = [];

  constructor(backend: Backend) {
    this.#backend = backend;
    this.tree = new LayerTree((node) => backend.directory(node, undefined, false));
  }

  entry(header: TarHeader): void {
    this.#mode = 'skip';
    const parts = components(header.name);
    const last = parts.at(-1);
    if (last === undefined) {
      if (header.type !== 'directory') throw new Failure('invalidParameter', 'the root of a layer must be a directory');
      this.#describe(this.tree.root, header);
      this.#backend.directory(this.tree.root, undefined, true);
      return;
    }
    if (last.startsWith('.wh.') || header.name.includes('.wh..wh.')) {
      if (parts.some((part) => whiteoutOf(part)?.kind === 'aufs')) return;
      const whiteout = whiteoutOf(last);
      if (whiteout) {
        this.#whiteout(header, parts, whiteout);
        return;
      }
    }
    if (header.type === 'link') {
      this.#link(header.name, header.linkName);
      return;
    }
    this.#add(this.tree.place(header.name) as Place, header);
  }

  data(chunk: Buffer): void {
    if (this.#mode === 'file') this.#backend.data(chunk);
  }

  entryEnd(): void {
    if (this.#mode === 'file') this.#backend.fileEnd();
    this.#mode = 'none';
  }

  /** All entries are in: links to later names are resolved, the back end writes what it kept for the end. */
  finish(): LayerCounts {
    for (const { path, target } of this.#laterLinks) {
      if (!this.#tryLink(path, target)) {
        throw new Failure('invalidParameter', `hard link ${JSON.stringify(path)} to ${JSON.stringify(target)}, which is not in the layer`);
      }
    }
    const counts = this.#count();
    this.#backend.finish(this.tree);
    return counts;
  }

  #add(place: Place, header: TarHeader): void {
    const before = place.parent.children.get(place.name);
    this.#chargeXattrs(header);
    if (header.type === 'directory') {
      if (before?.type === 'directory') {
        this.#describe(before, header);
        this.#backend.directory(before, undefined, true);
        return;
      }
      const node = this.tree.directory(place.parent, place.name, { ...pick(header), xattrs: allowedXattrs(header.xattrs) });
      this.tree.put(place, node);
      this.#backend.directory(node, before, false);
      return;
    }
    let node: LeafNode | SymlinkNode;
    if (header.type === 'symlink') {
      const { length } = header.linkName;
      if (length === 0 || length > LONGEST_TARGET || header.linkName.includes('\0')) {
        throw new Failure('invalidParameter', `symlink ${JSON.stringify(header.name)} with an empty, too long or broken target`);
      }
      this.tree.charge(header.linkName.length);
      node = {
        ...pick(header),
        xattrs: allowedXattrs(header.xattrs),
        type: 'symlink',
        target: header.linkName,
        slot: undefined,
        links: 0,
      };
    } else {
      const { type, size, major, minor } = header;
      if (type === 'link') throw new Failure('system', 'a hard link is not a node');
      node = makeLeaf(header, { type, size, major, minor, whiteout: type === 'character' && major === 0 && minor === 0 });
    }
    this.tree.put(place, node);
    this.#backend.leaf(place, node, before);
    if (node.type === 'file' && node.size > 0) this.#mode = 'file';
  }

  #chargeXattrs(header: TarHeader): void {
    for (const [name, value] of header.xattrs ?? []) this.tree.charge(name.length + value.length);
  }

  #describe(node: DirectoryNode, header: TarHeader): void {
    Object.assign(node, pick(header), { xattrs: allowedXattrs(header.xattrs) });
  }

  #whiteout(header: TarHeader, parts: string[], whiteout: { kind: 'opaque' } | { kind: 'hide'; name: string } | { kind: 'aufs' }): void {
    if (whiteout.kind === 'aufs') return;
    const hidden = whiteout.kind === 'hide' ? whiteout.name : 'x';
    if (hidden === '' || hidden === '.' || hidden === '..')
      throw new Failure('invalidParameter', `invalid whiteout: ${JSON.stringify(header.name)}`);
    const place = this.tree.place([...parts.slice(0, -1), hidden].join('/')) as Place;
    if (whiteout.kind === 'opaque') {
      place.parent.opaque = true;
      return;
    }
    const before = place.parent.children.get(place.name);
    if (before) {
      // Whiteouts hide lower layers only, whatever the order of entries: what this layer itself brings stays.
      if (before.type === 'directory') before.opaque = true;
      return;
    }
    const meta = { ...pick(header), mode: 0, uid: 0, gid: 0, xattrs: undefined };
    const node = makeLeaf(meta, { type: 'character', size: 0, major: 0, minor: 0, whiteout: true });
    this.tree.put(place, node);
    this.#backend.leaf(place, node, undefined);
  }

  #link(path: string, target: string): void {
    if (this.#tryLink(path, target)) return;
    this.tree.charge(path.length + target.length + LATER_LINK_BYTES);
    this.#laterLinks.push({ path, target });
  }

  #tryLink(path: string, targetPath: string): boolean {
    const target = this.tree.locate(targetPath);
    const node = target?.parent.children.get(target.name);
    if (!target || !node || isWhiteout(node)) return false;
    if (node.type === 'directory') throw new Failure('invalidParameter', `hard link ${JSON.stringify(path)} to a directory`);
    const place = this.tree.place(path);
    if (!place) throw new Failure('invalidParameter', 'the root of a layer must be a directory');
    const before = place.parent.children.get(place.name);
    if (before === node) return true;
    this.tree.put(place, node);
    this.#backend.link(place, target, node, before);
    return true;
  }

  #count(): LayerCounts {
    let entries = 0;
    let size = 0;
    const stack: DirectoryNode[] = [this.tree.root];
    for (let directory = stack.pop(); directory; directory = stack.pop()) {
      for (const child of directory.children.values()) {
        entries++;
        child.links++;
        if (child.type === 'directory') stack.push(child);
        else if (child.links === 1) size += child.type === 'symlink' ? child.target.length : child.size;
      }
    }
    return { entries, size };
  }
}
