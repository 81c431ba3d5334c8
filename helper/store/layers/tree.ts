/**
 * The tree of one layer as its archive describes it, held in memory while the layer is unpacked.
 *
 * Both unpackers ask it where an entry belongs, so that hostile names are judged in one place: `..` can't leave the root,
 * symlinks planted before are followed inside the tree only, hard links find their targets only here. Nothing of it
 * touches the host. Names are latin1 strings of raw bytes (see tar/reader.ts).
 *
 * Source: OCI image specification, layer.md (whiteouts); overlayfs documentation (whiteouts and opaque directories).
 */
import { Failure } from '../../engine/failure.ts';

export type NodeType = 'file' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface Meta {
  mode: number;
  uid: number;
  gid: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  xattrs: Map<string, Buffer> | undefined;
}

interface Base extends Meta {
  /** Where the unpacker has put it: the writer's own. */
  slot?: unknown;
  /** Names that lead here; filled at the end. */
  links: number;
}
export interface DirectoryNode extends Base {
  type: 'directory';
  children: Map<string, LayerNode>;
  parent: DirectoryNode;
  name: string;
  /** Length of its path, with a slash at the end. */
  pathBytes: number;
  opaque: boolean;
}
export interface LeafNode extends Base {
  type: Exclude<NodeType, 'directory' | 'symlink'>;
  size: number;
  major: number;
  minor: number;
  whiteout: boolean;
}
export interface SymlinkNode extends Base {
  type: 'symlink';
  target: string;
}
export type LayerNode = DirectoryNode | LeafNode | SymlinkNode;

export interface Place {
  parent: DirectoryNode;
  name: string;
}

/**
 * Bounds against archives made to exhaust the host. All of a layer's names and attributes are in memory while it is unpacked:
 * a name costs about 400 bytes, and names, targets of links and attributes together may have `metadataBytes`. Paths leave room
 * for the host's folders before them: the kernel takes no path of 4096 bytes, and links in an archive can make long ones of short ones.
 */
export const LIMITS = { nodes: 1_000_000, metadataBytes: 256 * 1024 * 1024, pathBytes: 3840, nameBytes: 255, symlinks: 40 };

const WHITEOUT = '.wh.';
const OPAQUE = '.wh..wh..opq';

export type Whiteout = { kind: 'opaque' } | { kind: 'hide'; name: string } | { kind: 'aufs' } | undefined;

/** What a base name of an archive means: a whiteout of a lower name, of all lower names, aufs' own leftovers, or nothing special. */
export function whiteoutOf(name: string): Whiteout {
  if (!name.startsWith(WHITEOUT)) return undefined;
  if (name === OPAQUE) return { kind: 'opaque' };
  if (name.startsWith(`${WHITEOUT}${WHITEOUT}`)) return { kind: 'aufs' };
  return { kind: 'hide', name: name.slice(WHITEOUT.length) };
}

const tooLong = (): Failure => new Failure('invalidParameter', 'path in archive is too long');

/**
 * Components of an archive's path, cleaned lexically as dockerd does; [] is the root.
 * @throws Failure invalidParameter when it would leave the root
 */
export function components(path: string): string[] {
  if (path.length > LIMITS.pathBytes) throw tooLong();
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '' || part === '.') continue;
    if (part === '..') {
      if (parts.length === 0) throw new Failure('invalidParameter', `archive entry leaves the layer: ${JSON.stringify(path)}`);
      parts.pop();
      continue;
    }
    if (part.length > LIMITS.nameBytes) throw new Failure('invalidParameter', `file name too long: ${JSON.stringify(part)}`);
    if (part.includes('\0')) throw new Failure('invalidParameter', 'file name with a NUL byte');
    parts.push(part);
  }
  return parts;
}

export class LayerTree {
  readonly root: DirectoryNode;
  readonly #madeDirectory: (node: DirectoryNode) => void;
  #nodes = 1;
  #metadataBytes = 0;

  /** @param madeDirectory told of each directory that an archive implies but has not (yet) named */
  constructor(madeDirectory: (node: DirectoryNode) => void = () => {}) {
    this.#madeDirectory = madeDirectory;
    const root = {
      ...IMPLIED,
      type: 'directory',
      children: new Map(),
      name: '',
      pathBytes: 0,
      opaque: false,
      links: 0,
    } as unknown as DirectoryNode;
    root.parent = root;
    this.root = root;
  }

  /** Where an entry of this path belongs; missing parents are made. Undefined for the root itself. */
  place(path: string): Place | undefined {
    const parts = components(path);
    const name = parts.pop();
    if (name === undefined) return undefined;
    const parent = this.#descend(this.root, parts, true, 0);
    return { parent: parent as DirectoryNode, name };
  }

  /** Where an existing path lies, nothing made: symlinks in its parents are followed, the last component is not. */
  locate(path: string): Place | undefined {
    const parts = components(path);
    const name = parts.pop();
    if (name === undefined) return undefined;
    const parent = this.#descend(this.root, parts, false, 0);
    return parent?.children.has(name) ? { parent, name } : undefined;
  }

  /** Puts a node at its place. The last entry of a name wins; a directory over a directory keeps what is in it. */
  put(place: Place, node: LayerNode): void {
    const before = place.parent.children.get(place.name);
    if (node.type === 'directory' && before && before.type !== 'directory' && isWhiteout(before)) node.opaque = true;
    if (!before) {
      if (place.parent.pathBytes + place.name.length > LIMITS.pathBytes) throw tooLong();
      this.#nodes++;
      if (this.#nodes > LIMITS.nodes) throw new Failure('invalidParameter', `archive has more than ${LIMITS.nodes} entries`);
      this.charge(place.name.length);
    }
    place.parent.children.set(place.name, node);
  }

  /** Counts bytes that the archive has us keep besides nodes. @throws Failure invalidParameter when they are too many */
  charge(bytes: number): void {
    this.#metadataBytes += bytes;
    if (this.#metadataBytes > LIMITS.metadataBytes) {
      throw new Failure('invalidParameter', `names and attributes in the archive take more than ${LIMITS.metadataBytes} bytes`);
    }
  }

  #descend(from: DirectoryNode, parts: string[], make: boolean, followed: number): DirectoryNode | undefined {
    let at = from;
    for (let i = 0; i < parts.length; i++) {
      const part = parts[i] as string;
      if (part === '..') {
        at = at.parent;
        continue;
      }
      const child = at.children.get(part);
      if (child?.type === 'directory') {
        at = child;
      } else if (child?.type === 'symlink') {
        if (followed >= LIMITS.symlinks) throw new Failure('invalidParameter', 'too many levels of symbolic links in archive');
        const target = child.target.split('/').filter((piece) => piece !== '' && piece !== '.');
        const base = child.target.startsWith('/') ? this.root : at;
        // `..` above the root stays at the root, as in a chroot: parent of the root is the root.
        return this.#descend(base, [...target, ...parts.slice(i + 1)], make, followed + 1);
      } else if (!make) {
        return undefined;
      } else if (child && !isWhiteout(child)) {
        throw new Failure('invalidParameter', `archive entry below something that is not a directory: ${JSON.stringify(part)}`);
      } else {
        const node = this.directory(at, part, IMPLIED);
        this.put({ parent: at, name: part }, node);
        this.#madeDirectory(node);
        at = node;
      }
    }
    return at;
  }

  directory(parent: DirectoryNode, name: string, meta: Meta): DirectoryNode {
    const pathBytes = parent.pathBytes + name.length + 1;
    return { ...pick(meta), type: 'directory', children: new Map(), parent, name, pathBytes, opaque: false, slot: undefined, links: 0 };
  }
}

/** Anything but directories and links. Written out field by field: layers have hundreds of thousands, and spreads cost ten times as much. */
export function makeLeaf(
  meta: Meta,
  what: { type: LeafNode['type']; size: number; major: number; minor: number; whiteout: boolean },
): LeafNode {
  return {
    type: what.type,
    mode: meta.mode,
    uid: meta.uid,
    gid: meta.gid,
    mtimeSeconds: meta.mtimeSeconds,
    mtimeNanos: meta.mtimeNanos,
    xattrs: allowedXattrs(meta.xattrs),
    size: what.size,
    major: what.major,
    minor: what.minor,
    whiteout: what.whiteout,
    slot: undefined,
    links: 0,
  };
}

/** Directories that an archive implies: dockerd makes them 0755 root:root, with no time worth keeping. */
const IMPLIED: Meta = { mode: 0o755, uid: 0, gid: 0, mtimeSeconds: 0, mtimeNanos: 0, xattrs: undefined };

export function pick(meta: Meta): Meta {
  return {
    mode: meta.mode,
    uid: meta.uid,
    gid: meta.gid,
    mtimeSeconds: meta.mtimeSeconds,
    mtimeNanos: meta.mtimeNanos,
    xattrs: meta.xattrs,
  };
}

export function isWhiteout(node: LayerNode): boolean {
  return node.type === 'character' && node.whiteout;
}

/** Path of a directory below the root, without a leading slash; '' for the root. */
export function pathOf(node: DirectoryNode): string {
  const parts: string[] = [];
  for (let at = node; at.parent !== at; at = at.parent) parts.push(at.name);
  return parts.reverse().join('/');
}

/**
 * Attributes that a layer may bring. overlayfs' own are dropped: with `redirect` and `metacopy` a layer could have
 * the kernel show other parts of other layers; what we need of them (opaque) we set ourselves.
 */
export function allowedXattrs(xattrs: Map<string, Buffer> | undefined): Map<string, Buffer> | undefined {
  if (!xattrs) return undefined;
  const kept = new Map<string, Buffer>();
  for (const [name, value] of xattrs) {
    if (name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')) continue;
    if (name.length > 255 || value.length > 65535) throw new Failure('invalidParameter', `extended attribute too large: ${name}`);
    // Pieces of the stream's buffers must not be kept alive by a few bytes.
    kept.set(name, Buffer.from(value));
  }
  return kept.size > 0 ? kept : undefined;
}
