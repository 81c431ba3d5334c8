import type { DirectoryNode, LayerNode } from '../tree.ts';
import { BLOCK, FILE_TYPE, writeDirent } from './format.ts';

const DIRENT = 12;

/** How a directory will lie in the image. */
export interface DirectoryLayout {
  node: DirectoryNode;
  xattrs: Buffer | undefined;
  /** Entries block by block, sorted by the bytes of their names over all blocks; `.` and `..` included. */
  blocks: { names: Buffer[]; nodes: LayerNode[] }[];
  size: number;
  /** Bytes of the last block. */
  tail: number;
  /** The last block lies beside the inode. */
  inline: boolean;
  dataBlocks: number;
  /** First of the data blocks; known when all directories are laid out. */
  dataBlock: number;
  subdirectories: number;
}

/** @param head bytes of inode and attributes @param capacity bytes that inode, attributes and an inline tail may take */
export function layOut(node: DirectoryNode, head: number, capacity: number, xattrs: Buffer | undefined): DirectoryLayout {
  const entries: [string, LayerNode][] = [...node.children];
  entries.push(['.', node], ['..', node.parent]);
  entries.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
  const blocks: DirectoryLayout['blocks'] = [];
  let current: DirectoryLayout['blocks'][number] = { names: [], nodes: [] };
  let used = 0;
  let subdirectories = 0;
  for (const [name, child] of entries) {
    const need = DIRENT + name.length;
    if (used + need > BLOCK) {
      blocks.push(current);
      current = { names: [], nodes: [] };
      used = 0;
    }
    used += need;
    current.names.push(Buffer.from(name, 'latin1'));
    current.nodes.push(child);
    if (child.type === 'directory') subdirectories++;
  }
  blocks.push(current);
  const inline = head + used <= capacity;
  return {
    node,
    xattrs,
    blocks,
    size: (blocks.length - 1) * BLOCK + used,
    tail: used,
    inline,
    dataBlocks: inline ? blocks.length - 1 : blocks.length,
    dataBlock: 0,
    // `.` and `..` are directories among the entries.
    subdirectories: subdirectories - 2,
  };
}

/** The directory's blocks, each 4 KiB, the last padded with zeros. */
export function writeEntries(layout: DirectoryLayout, nid: (node: LayerNode) => number): Buffer[] {
  return layout.blocks.map(({ names, nodes }) => {
    const block = Buffer.alloc(BLOCK);
    let nameAt = names.length * DIRENT;
    for (let i = 0; i < names.length; i++) {
      const name = names[i] as Buffer;
      const node = nodes[i] as LayerNode;
      writeDirent(block, i * DIRENT, nid(node), nameAt, FILE_TYPE[node.type]);
      name.copy(block, nameAt);
      nameAt += name.length;
    }
    return block;
  });
}
