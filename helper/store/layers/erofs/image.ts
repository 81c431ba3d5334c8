/**
 * Writes an EROFS image in one pass while a layer's archive arrives.
 *
 * File data goes to the image as it comes, whole blocks first; the tail of a file lies beside its inode ("inline")
 * where it fits. Inodes are packed into metadata blocks that are written between files, as soon as they are full;
 * directories, whose entries and children are known only at the end, come last, then link counts are patched and the
 * superblock is written. So memory holds names and attributes, never data. Bringing it to the disk (fsync) is the caller's.
 */
import { Failure } from '../../../engine/failure.ts';
import type { Backend } from '../builder.ts';
import type { DirectoryNode, LayerNode, LayerTree, LeafNode, Place, SymlinkNode } from '../tree.ts';
import { isWhiteout } from '../tree.ts';
import type { DirectoryLayout } from './directory.ts';
import { layOut, writeEntries } from './directory.ts';
import {
  BLOCK,
  encodeDevice,
  encodeXattrs,
  FLAT_INLINE,
  FLAT_PLAIN,
  INODE_SIZE,
  LINKS_OFFSET,
  ROOT_OFFSET,
  SLOT,
  SUPERBLOCK_OFFSET,
  writeInode,
  writeSuperblock,
} from './format.ts';
import { Output, writeFully } from './output.ts';

/** A run of blocks that holds inodes, attributes and tails. Its place in the image is known when it is written. */
interface MetaBlock {
  buffer: Buffer;
  used: number;
  /** Block number; -1 while it is in memory. */
  at: number;
}
/** Where an inode lies. */
interface Slot {
  block: MetaBlock;
  offset: number;
}

/** Metadata blocks open at once: more pack better and cost memory; 16 leave about 3 % unused. */
const OPEN_BLOCKS = 16;

export class ErofsImage implements Backend {
  readonly #fd: number;
  readonly #out: Output;
  readonly #uuid: Uint8Array;
  readonly #first: MetaBlock = { buffer: Buffer.alloc(BLOCK), used: ROOT_OFFSET, at: 0 };
  #open: MetaBlock[] = [];
  /** At the end blocks are kept, since directories' entries are filled in when all numbers are known. */
  #kept: MetaBlock[] | undefined;
  #inodes = 0;
  /** The file whose data arrives: bytes for blocks still to come, then the tail. */
  #blockBytes = 0;
  #tailAt: { buffer: Buffer; offset: number } | undefined;

  /** @param fd an empty file, open for writing; not closed here @param uuid 16 bytes, from the layer's identity or random */
  constructor(fd: number, uuid: Uint8Array) {
    this.#fd = fd;
    this.#uuid = uuid;
    this.#out = new Output(fd, BLOCK);
  }

  directory(): void {
    // All of a directory is written at the end.
  }

  link(): void {
    // A further name costs a directory entry, which is written at the end.
  }

  leaf(_place: Place, node: LeafNode | SymlinkNode): void {
    const xattrs = encodeXattrs(node.xattrs);
    const head = INODE_SIZE + (xattrs?.length ?? 0);
    const size = node.type === 'symlink' ? node.target.length : node.size;
    const tail = size % BLOCK;
    const inline = tail > 0 && head + tail <= BLOCK;
    const slot = this.#allocate(inline ? head + tail : head);
    node.slot = slot;
    const wide = slot.block.buffer.length > BLOCK;
    const next = this.#out.block + (wide ? slot.block.buffer.length / BLOCK : 0);
    const dataBlock = size > 0 && !(inline && size < BLOCK) ? next : 0;
    const device = node.type === 'character' || node.type === 'block' ? encodeDevice(node.major, node.minor) : undefined;
    this.#inode(slot, node, { size, inline, union: device ?? dataBlock, links: 1, xattrs });
    const tailAt = slot.offset + head;
    if (wide) this.#write(slot.block);
    if (node.type === 'symlink') {
      const target = Buffer.from(node.target, 'latin1');
      if (inline) target.copy(slot.block.buffer, tailAt);
      else {
        this.#out.write(target);
        this.#out.pad();
      }
      return;
    }
    this.#blockBytes = inline ? size - tail : size;
    this.#tailAt = inline ? { buffer: slot.block.buffer, offset: tailAt } : undefined;
  }

  data(chunk: Buffer): void {
    let rest = chunk;
    if (this.#blockBytes > 0) {
      const part = rest.length <= this.#blockBytes ? rest : rest.subarray(0, this.#blockBytes);
      this.#out.write(part);
      this.#blockBytes -= part.length;
      rest = rest.subarray(part.length);
    }
    if (rest.length > 0 && this.#tailAt) {
      rest.copy(this.#tailAt.buffer, this.#tailAt.offset);
      this.#tailAt.offset += rest.length;
    }
  }

  fileEnd(): void {
    this.#out.pad();
    this.#tailAt = undefined;
  }

  finish(tree: LayerTree): void {
    this.#kept = [];
    const layouts = this.#layOutDirectories(tree.root);
    this.#kept.push(...this.#open);
    this.#open = [];
    let at = this.#out.block;
    for (const block of this.#kept) {
      block.at = at;
      at += block.buffer.length / BLOCK;
    }
    for (const layout of layouts) {
      layout.dataBlock = at;
      at += layout.dataBlocks;
    }
    const written: Buffer[] = [];
    for (const layout of layouts) written.push(...this.#fillDirectory(layout));
    this.#patchLinks(layouts);
    for (const block of this.#kept) this.#out.write(block.buffer);
    for (const block of written) this.#out.write(block);
    // fsck.erofs looks behind every inode for attributes, even behind one that is the last in its image.
    this.#out.write(Buffer.alloc(BLOCK));
    this.#out.flush();
    writeSuperblock(this.#first.buffer, SUPERBLOCK_OFFSET, {
      rootNid: ROOT_OFFSET / SLOT,
      inodes: this.#inodes,
      blocks: this.#out.block,
      uuid: this.#uuid,
    });
    writeFully(this.#fd, this.#first.buffer, 0);
  }

  #layOutDirectories(root: DirectoryNode): DirectoryLayout[] {
    const layouts: DirectoryLayout[] = [];
    const stack: DirectoryNode[] = [root];
    for (let node = stack.pop(); node; node = stack.pop()) {
      const own = new Map(node.xattrs);
      if (node.opaque) own.set('trusted.overlay.opaque', Buffer.from('y'));
      const xattrs = encodeXattrs(own);
      const head = INODE_SIZE + (xattrs?.length ?? 0);
      const capacity = node === root ? BLOCK - ROOT_OFFSET : BLOCK;
      const layout = layOut(node, head, capacity, xattrs);
      node.slot = node === root ? this.#allocateRoot(head) : this.#allocate(layout.inline ? head + layout.tail : head);
      layouts.push(layout);
      for (const child of node.children.values()) if (child.type === 'directory') stack.push(child);
    }
    return layouts;
  }

  /** Writes a directory's inode and tail into its slot; returns its blocks of entries. */
  #fillDirectory(layout: DirectoryLayout): Buffer[] {
    const { node, xattrs } = layout;
    const slot = node.slot as Slot;
    const subdirectories = layout.subdirectories;
    this.#inode(slot, node, { size: layout.size, inline: layout.inline, union: layout.dataBlock, links: 2 + subdirectories, xattrs });
    const blocks = writeEntries(layout, nid);
    if (layout.inline) {
      const tail = blocks.pop() as Buffer;
      tail.copy(slot.block.buffer, slot.offset + INODE_SIZE + (xattrs?.length ?? 0), 0, layout.tail);
    }
    return blocks;
  }

  /** Inodes are written with one link; those with more names (or replaced ones, which nothing refers to) are corrected here. */
  #patchLinks(layouts: DirectoryLayout[]): void {
    const seen = new Set<LayerNode>();
    const count = Buffer.alloc(4);
    for (const { node: directory } of layouts) {
      for (const node of directory.children.values()) {
        if (node.type === 'directory' || node.links < 2 || seen.has(node)) continue;
        seen.add(node);
        const slot = node.slot as Slot;
        const kept = slot.block.buffer !== EMPTY;
        count.writeUInt32LE(node.links);
        if (kept) count.copy(slot.block.buffer, slot.offset + LINKS_OFFSET);
        else {
          this.#out.flush();
          writeFully(this.#fd, count, slot.block.at * BLOCK + slot.offset + LINKS_OFFSET);
        }
      }
    }
  }

  #inode(
    slot: Slot,
    node: LayerNode,
    fields: { size: number; inline: boolean; union: number; links: number; xattrs: Buffer | undefined },
  ): void {
    this.#inodes++;
    writeInode(slot.block.buffer, slot.offset, {
      type: node.type,
      layout: fields.inline ? FLAT_INLINE : FLAT_PLAIN,
      // Linux gives every symlink all permissions; the archive's are not kept by any unpacker.
      mode: isWhiteout(node) ? 0 : node.type === 'symlink' ? 0o777 : node.mode,
      uid: node.uid,
      gid: node.gid,
      mtimeSeconds: node.mtimeSeconds,
      mtimeNanos: node.mtimeNanos,
      size: fields.size,
      links: fields.links,
      ino: this.#inodes,
      union: fields.union,
      xattrBytes: fields.xattrs?.length ?? 0,
    });
    fields.xattrs?.copy(slot.block.buffer, slot.offset + INODE_SIZE);
  }

  #allocateRoot(head: number): Slot {
    if (ROOT_OFFSET + head > BLOCK) throw new Failure('invalidParameter', 'too many extended attributes on the root of a layer');
    return { block: this.#first, offset: ROOT_OFFSET };
  }

  /** Room for an inode with what follows it: in the fullest open block where it fits, else in a new one. */
  #allocate(bytes: number): Slot {
    const need = Math.ceil(bytes / SLOT) * SLOT;
    if (need > BLOCK) {
      const block = { buffer: Buffer.alloc(Math.ceil(need / BLOCK) * BLOCK), used: need, at: -1 };
      this.#kept?.push(block);
      return { block, offset: 0 };
    }
    let best: MetaBlock | undefined;
    for (const block of this.#open) {
      if (BLOCK - block.used >= need && (!best || block.used > best.used)) best = block;
    }
    if (!best) {
      if (this.#open.length >= OPEN_BLOCKS) this.#retire();
      best = { buffer: Buffer.alloc(BLOCK), used: 0, at: -1 };
      this.#open.push(best);
    }
    const offset = best.used;
    best.used += need;
    return { block: best, offset };
  }

  /** The fullest open block leaves: to the image, or at the end to those that are kept. */
  #retire(): void {
    let fullest = 0;
    for (let i = 1; i < this.#open.length; i++) {
      if ((this.#open[i] as MetaBlock).used > (this.#open[fullest] as MetaBlock).used) fullest = i;
    }
    const [block] = this.#open.splice(fullest, 1) as [MetaBlock];
    if (this.#kept) this.#kept.push(block);
    else this.#write(block);
  }

  #write(block: MetaBlock): void {
    block.at = this.#out.block;
    this.#out.write(block.buffer);
    // Its numbers are all that is needed from now on.
    block.buffer = EMPTY;
  }
}

const EMPTY = Buffer.alloc(0);

function nid(node: LayerNode): number {
  const slot = node.slot as Slot;
  return slot.block.at * (BLOCK / SLOT) + slot.offset / SLOT;
}
