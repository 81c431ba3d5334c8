/**
 * A tar reader that is pushed into: v7, ustar, GNU (long names, base-256 numbers) and PAX (per file and global).
 *
 * Why not tar-stream here: it decodes PAX values as UTF-8, which destroys binary extended attributes
 * (security.capability) and names that are not UTF-8. Names are kept byte for byte as latin1 strings instead,
 * so comparing strings is comparing bytes. Everything is synchronous: one call of a sink per piece, no allocation per entry.
 *
 * Source: POSIX pax interchange format; GNU tar manual, "Basic Tar Format" and "Extensions".
 */
import { Failure } from '../../engine/failure.ts';

export type TarType = 'file' | 'link' | 'symlink' | 'character' | 'block' | 'directory' | 'fifo';

export interface TarHeader {
  /** Path as written in the archive, one latin1 character a byte. */
  name: string;
  linkName: string;
  type: TarType;
  /** Permission bits only (0o7777). */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes of data that follow; 0 for all but files. */
  size: number;
  mtimeSeconds: number;
  mtimeNanos: number;
  major: number;
  minor: number;
  /** Extended attributes by full name (`security.capability`). */
  xattrs: Map<string, Buffer> | undefined;
}

/** What receives entries. All calls are made from within `TarReader.write`, in order. */
export interface TarSink {
  entry(header: TarHeader): void;
  data(chunk: Buffer): void;
  entryEnd(): void;
}

const BLOCK = 512;
/** Long names and PAX records above this are an attack, not an archive. */
const SPECIAL_LIMIT = 1024 * 1024;
/** Global PAX records count for every entry that follows: git writes one of 50 bytes. */
const GLOBAL_LIMIT = 64 * 1024;
/** Where an owner's number ends; the last one means "no change" to the kernel. */
const MAX_OWNER = 0xffff_fffe;
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xf_ffff;

function damaged(what: string): Failure {
  return new Failure('invalidParameter', `archive/tar: invalid tar header: ${what}`);
}

function octal(block: Buffer, offset: number, length: number): number {
  const first = block[offset] as number;
  if (first & 0x80) {
    if (first === 0xff) {
      // Two's complement: only times are negative in the wild.
      let inverted = 0;
      for (let i = offset + 1; i < offset + length; i++) inverted = inverted * 256 + (255 - (block[i] as number));
      return -(inverted + 1);
    }
    let value = first & 0x7f;
    for (let i = offset + 1; i < offset + length; i++) value = value * 256 + (block[i] as number);
    if (!Number.isSafeInteger(value)) throw damaged('number out of range');
    return value;
  }
  let value = 0;
  let seen = false;
  for (let i = offset; i < offset + length; i++) {
    const byte = block[i] as number;
    if (byte === 0x20 || byte === 0) {
      if (seen) break;
      continue;
    }
    if (byte < 0x30 || byte > 0x37) throw damaged('not an octal number');
    seen = true;
    value = value * 8 + (byte - 0x30);
  }
  return value;
}

function text(block: Buffer, offset: number, length: number): string {
  let end = offset;
  while (end < offset + length && block[end] !== 0) end++;
  return block.toString('latin1', offset, end);
}

function checksumHolds(block: Buffer): boolean {
  let unsigned = 8 * 0x20;
  let signed = unsigned;
  for (let i = 0; i < BLOCK; i++) {
    if (i === 148) i = 156;
    const byte = block[i] as number;
    unsigned += byte;
    signed += byte < 128 ? byte : byte - 256;
  }
  const written = octal(block, 148, 8);
  return written === unsigned || written === signed;
}

/** Parses PAX records: `LENGTH KEY=VALUE\n`, the length counting itself. */
export function parsePax(data: Buffer, into: Map<string, Buffer>): void {
  let at = 0;
  while (at < data.length) {
    const space = data.indexOf(0x20, at);
    if (space < 0) {
      // Some writers pad the record area with NULs.
      if (data.subarray(at).every((byte) => byte === 0)) return;
      throw damaged('PAX record');
    }
    const length = space - at > 10 ? Number.NaN : decimal(data.toString('latin1', at, space));
    if (!Number.isInteger(length) || length < 5 || at + length > data.length || data[at + length - 1] !== 0x0a) throw damaged('PAX record');
    const equals = data.indexOf(0x3d, space + 1);
    if (equals < 0 || equals >= at + length) throw damaged('PAX record');
    into.set(data.toString('latin1', space + 1, equals), data.subarray(equals + 1, at + length - 1));
    at += length;
  }
}

/** Digits only, unlike Number(), which reads `1e3`, `0x10` and the empty string too. */
function decimal(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN;
}

/** `123.456789` or `-1.5` as whole seconds and nanoseconds (0 to 999,999,999). */
function paxTime(value: string): [number, number] {
  const match = /^(-?)(\d+)(?:\.(\d*))?$/.exec(value);
  if (!match) throw damaged('PAX time');
  const nanos = Number((match[3] ?? '').padEnd(9, '0').slice(0, 9));
  const seconds = Number(match[2]);
  if (!Number.isSafeInteger(seconds)) throw damaged('PAX time');
  if (match[1] !== '-') return [seconds, nanos];
  return nanos === 0 ? [-seconds, 0] : [-seconds - 1, 1_000_000_000 - nanos];
}

function paxNumber(value: Buffer): number {
  const number = decimal(value.toString('latin1', 0, 32));
  if (!Number.isSafeInteger(number)) throw damaged('PAX number');
  return number;
}

function decodedName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw damaged('name of an extended attribute');
  }
}

function paxXattrs(pax: Map<string, Buffer>): Map<string, Buffer> | undefined {
  let found: Map<string, Buffer> | undefined;
  for (const [key, value] of pax) {
    if (key.startsWith('SCHILY.xattr.')) {
      found ??= new Map();
      found.set(key.slice(13), value);
    } else if (key.startsWith('LIBARCHIVE.xattr.')) {
      found ??= new Map();
      const name = decodedName(key.slice(17));
      if (!found.has(name)) found.set(name, Buffer.from(value.toString('latin1'), 'base64'));
    }
  }
  return found;
}

const TYPES: Record<string, TarType> = {
  '0': 'file',
  '\0': 'file',
  '7': 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'character',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
};

/** Numbers that the kernel has no room for, or that mean something else to it. */
function checkRanges({ uid, gid, major, minor, size, mtimeSeconds }: TarHeader): void {
  if (!(uid >= 0 && uid <= MAX_OWNER && gid >= 0 && gid <= MAX_OWNER)) throw damaged('owner out of range');
  if (!(major >= 0 && major <= MAX_MAJOR && minor >= 0 && minor <= MAX_MINOR)) throw damaged('device number out of range');
  if (!(size >= 0) || !Number.isSafeInteger(mtimeSeconds)) throw damaged('number out of range');
}

export class TarReader {
  readonly #sink: TarSink;
  readonly #block = Buffer.alloc(BLOCK);
  #blockFill = 0;
  /** Data of the current entry, or of a special header, still to come; then the padding to the next block. */
  #remaining = 0;
  #padding = 0;
  #inEntry = false;
  #special: { kind: 'pax' | 'global' | 'name' | 'link'; data: Buffer; fill: number } | undefined;
  #global = new Map<string, Buffer>();
  #globalBytes = 0;
  #pax: Map<string, Buffer> | undefined;
  #longName: string | undefined;
  #longLink: string | undefined;
  #zeroBlocks = 0;
  #ended = false;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** @throws Failure invalidParameter on what is not a tar archive, or whatever the sink throws */
  write(chunk: Buffer): void {
    let at = 0;
    const end = chunk.length;
    while (at < end && !this.#ended) {
      if (this.#remaining > 0) {
        const take = Math.min(this.#remaining, end - at);
        const piece = chunk.subarray(at, at + take);
        if (this.#special) {
          piece.copy(this.#special.data, this.#special.fill);
          this.#special.fill += take;
        } else {
          this.#sink.data(piece);
        }
        at += take;
        this.#remaining -= take;
        if (this.#remaining === 0) this.#finishData();
      } else if (this.#padding > 0) {
        const take = Math.min(this.#padding, end - at);
        this.#padding -= take;
        at += take;
      } else if (this.#blockFill === 0 && end - at >= BLOCK) {
        this.#header(chunk.subarray(at, at + BLOCK));
        at += BLOCK;
      } else {
        const take = Math.min(BLOCK - this.#blockFill, end - at);
        chunk.copy(this.#block, this.#blockFill, at, at + take);
        this.#blockFill += take;
        at += take;
        if (this.#blockFill === BLOCK) {
          this.#blockFill = 0;
          this.#header(this.#block);
        }
      }
    }
  }

  /** @throws Failure when the archive was cut off */
  end(): void {
    if (this.#ended) return;
    if (this.#remaining > 0 || this.#blockFill > 0 || this.#special) throw new Failure('invalidParameter', 'unexpected EOF');
  }

  #finishData(): void {
    const special = this.#special;
    if (special) {
      this.#special = undefined;
      if (special.kind === 'pax') {
        this.#pax = new Map();
        parsePax(special.data, this.#pax);
      } else if (special.kind === 'global') {
        this.#globalBytes += special.data.length;
        if (this.#globalBytes > GLOBAL_LIMIT) throw damaged('global PAX records too long');
        parsePax(special.data, this.#global);
      } else {
        const nul = special.data.indexOf(0);
        const value = special.data.toString('latin1', 0, nul < 0 ? special.data.length : nul);
        if (special.kind === 'name') this.#longName = value;
        else this.#longLink = value;
      }
    } else if (this.#inEntry) {
      this.#inEntry = false;
      this.#sink.entryEnd();
    }
  }

  #header(block: Buffer): void {
    if (block[0] === 0 && block.every((byte) => byte === 0)) {
      this.#zeroBlocks++;
      if (this.#zeroBlocks === 2) this.#ended = true;
      return;
    }
    this.#zeroBlocks = 0;
    if (!checksumHolds(block)) throw damaged('checksum');
    const flag = String.fromCharCode(block[156] as number);
    const size = octal(block, 124, 12);
    if (size < 0) throw damaged('size');
    if (flag === 'x' || flag === 'g' || flag === 'L' || flag === 'K') {
      if (size > SPECIAL_LIMIT) throw damaged('header too long');
      const kind = flag === 'x' ? 'pax' : flag === 'g' ? 'global' : flag === 'L' ? 'name' : 'link';
      this.#special = { kind, data: Buffer.alloc(size), fill: 0 };
      this.#follow(size);
      if (size === 0) this.#finishData();
      return;
    }
    this.#entry(block, flag, size);
  }

  #follow(size: number): void {
    this.#remaining = size;
    this.#padding = (BLOCK - (size % BLOCK)) % BLOCK;
  }

  #entry(block: Buffer, flag: string, sizeWritten: number): void {
    let name = text(block, 0, 100);
    // Only POSIX ustar ("ustar\0") has a prefix; GNU puts times there.
    if (block.toString('latin1', 257, 263) === 'ustar\0' && block[345] !== 0) name = `${text(block, 345, 155)}/${name}`;
    const header: TarHeader = {
      name: this.#longName ?? name,
      linkName: this.#longLink ?? text(block, 157, 100),
      type: 'file',
      mode: octal(block, 100, 8) & 0o7777,
      uid: octal(block, 108, 8),
      gid: octal(block, 116, 8),
      size: sizeWritten,
      mtimeSeconds: octal(block, 136, 12),
      mtimeNanos: 0,
      major: 0,
      minor: 0,
      xattrs: undefined,
    };
    this.#longName = undefined;
    this.#longLink = undefined;
    if (this.#pax || this.#global.size > 0) this.#applyPax(header);
    const type = TYPES[flag];
    if (flag === 'S') throw new Failure('invalidParameter', `sparse files in archives are not supported: ${header.name}`);
    if (!type && flag === 'V') {
      this.#follow(header.size);
      return;
    }
    if (!type) throw new Failure('invalidParameter', `unhandled tar header type ${block[156]}`);
    header.type = type;
    // v7 writes a directory as a file whose name ends in a slash.
    if (type === 'file' && header.name.endsWith('/')) header.type = 'directory';
    if (type === 'character' || type === 'block') {
      header.major = octal(block, 329, 8);
      header.minor = octal(block, 337, 8);
    }
    // As Go's archive/tar: all but files are headers only, whatever their size says.
    if (header.type !== 'file') header.size = 0;
    checkRanges(header);
    this.#sink.entry(header);
    this.#inEntry = true;
    this.#follow(header.size);
    if (header.size === 0) this.#finishData();
  }

  #applyPax(header: TarHeader): void {
    const own = this.#pax;
    const pax = own ? (this.#global.size > 0 ? new Map([...this.#global, ...own]) : own) : this.#global;
    this.#pax = undefined;
    const get = (key: string): Buffer | undefined => {
      const value = pax.get(key);
      return value && value.length > 0 ? value : undefined;
    };
    const path = get('path');
    if (path) header.name = path.toString('latin1');
    const link = get('linkpath');
    if (link) header.linkName = link.toString('latin1');
    const size = get('size');
    if (size) header.size = paxNumber(size);
    const uid = get('uid');
    if (uid) header.uid = paxNumber(uid);
    const gid = get('gid');
    if (gid) header.gid = paxNumber(gid);
    const mtime = get('mtime');
    if (mtime) [header.mtimeSeconds, header.mtimeNanos] = paxTime(mtime.toString('latin1'));
    for (const key of pax.keys()) {
      if (key.startsWith('GNU.sparse.')) {
        throw new Failure('invalidParameter', `sparse files in archives are not supported: ${header.name}`);
      }
    }
    header.xattrs = paxXattrs(pax);
  }
}
