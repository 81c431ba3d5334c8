/**
 * EROFS on disk: what an image that we write contains.
 * Little endian; blocks of 4 KiB; a node's number (nid) is its byte offset divided by 32, as meta_blkaddr is 0 here.
 * Source: Linux Documentation/filesystems/erofs.rst and the on-disk definitions of fs/erofs.
 */
export const BLOCK = 4096;
export const INODE_SIZE = 64;
export const SLOT = 32;
/** The superblock lies at 1024 and has 128 bytes; the root inode follows it, as its number has just 16 bits. */
export const SUPERBLOCK_OFFSET = 1024;
export const ROOT_OFFSET = SUPERBLOCK_OFFSET + 128;

const MAGIC = 0xe0f5e1e2;
const FEATURE_COMPAT_MTIME = 2;
const LAYOUT_EXTENDED = 1;
export const FLAT_PLAIN = 0;
export const FLAT_INLINE = 2;

export const FILE_TYPE = { file: 1, directory: 2, character: 3, block: 4, fifo: 5, symlink: 7 } as const;
const MODE_TYPE = {
  file: 0o100000,
  directory: 0o040000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
  symlink: 0o120000,
} as const;

export interface InodeFields {
  type: keyof typeof FILE_TYPE;
  layout: typeof FLAT_PLAIN | typeof FLAT_INLINE;
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  size: number;
  links: number;
  /** Number for 32-bit stat. */
  ino: number;
  /** First data block, or the device number of a device. */
  union: number;
  xattrBytes: number;
}

export const LINKS_OFFSET = 44;

/** Writes an extended (64-byte) inode. */
export function writeInode(into: Buffer, at: number, inode: InodeFields): void {
  into.writeUInt16LE(LAYOUT_EXTENDED | (inode.layout << 1), at);
  // The attribute area counts as one header of 12 bytes plus words of 4.
  into.writeUInt16LE(inode.xattrBytes === 0 ? 0 : (inode.xattrBytes - 12) / 4 + 1, at + 2);
  into.writeUInt16LE(MODE_TYPE[inode.type] | inode.mode, at + 4);
  writeUInt64(into, inode.size, at + 8);
  into.writeUInt32LE(inode.union >>> 0, at + 16);
  into.writeUInt32LE(inode.ino >>> 0, at + 20);
  into.writeUInt32LE(inode.uid >>> 0, at + 24);
  into.writeUInt32LE(inode.gid >>> 0, at + 28);
  into.writeBigInt64LE(BigInt(inode.mtimeSeconds), at + 32);
  into.writeUInt32LE(inode.mtimeNanos, at + 40);
  into.writeUInt32LE(inode.links, at + LINKS_OFFSET);
}

function writeUInt64(into: Buffer, value: number, at: number): void {
  into.writeUInt32LE(value % 0x1_0000_0000, at);
  into.writeUInt32LE(Math.floor(value / 0x1_0000_0000), at + 4);
}

/** The kernel's new_encode_dev. */
export function encodeDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
}

/** Prefixes that the kernel knows by number; others can't be stored. Longest first. */
const XATTR_PREFIXES: [string, number][] = [
  ['system.posix_acl_access', 2],
  ['system.posix_acl_default', 3],
  ['security.', 6],
  ['trusted.', 4],
  ['user.', 1],
];

/** The inline attribute area of an inode, header included; undefined when there is nothing to store. */
export function encodeXattrs(xattrs: Map<string, Buffer> | undefined): Buffer | undefined {
  if (!xattrs) return undefined;
  const parts: Buffer[] = [];
  for (const [name, value] of xattrs) {
    const prefix = XATTR_PREFIXES.find(([start]) => name.startsWith(start));
    if (!prefix) continue;
    const rest = Buffer.from(name.slice(prefix[0].length), 'latin1');
    if ((prefix[0].endsWith('.') && rest.length === 0) || (!prefix[0].endsWith('.') && rest.length > 0)) continue;
    const length = 4 + rest.length + value.length;
    const entry = Buffer.alloc(Math.ceil(length / 4) * 4);
    entry.writeUInt8(rest.length, 0);
    entry.writeUInt8(prefix[1], 1);
    entry.writeUInt16LE(value.length, 2);
    rest.copy(entry, 4);
    value.copy(entry, 4 + rest.length);
    parts.push(entry);
  }
  if (parts.length === 0) return undefined;
  return Buffer.concat([Buffer.alloc(12), ...parts]);
}

export interface SuperblockFields {
  rootNid: number;
  inodes: number;
  blocks: number;
  uuid: Uint8Array;
}

export function writeSuperblock(into: Buffer, at: number, fields: SuperblockFields): void {
  into.writeUInt32LE(MAGIC, at);
  into.writeUInt32LE(FEATURE_COMPAT_MTIME, at + 8);
  into.writeUInt8(12, at + 12);
  into.writeUInt16LE(fields.rootNid, at + 14);
  writeUInt64(into, fields.inodes, at + 16);
  into.writeUInt32LE(fields.blocks, at + 36);
  into.set(fields.uuid, at + 48);
}

/** One entry of a directory block. */
export function writeDirent(into: Buffer, at: number, nid: number, nameOffset: number, type: number): void {
  writeUInt64(into, nid, at);
  into.writeUInt16LE(nameOffset, at + 8);
  into.writeUInt8(type, at + 10);
}
