/**
 * Headers of tar archives for whatever a tree holds: ustar, with PAX records where a field is too small or a name is no ASCII.
 * Names are latin1 strings, one character a byte.
 *
 * Source: POSIX pax interchange format; SCHILY.xattr records as GNU tar and Docker write them.
 */
import type { TarType } from './reader.ts';

const BLOCK = 512;
const FLAGS: Record<TarType, number> = { file: 0x30, link: 0x31, symlink: 0x32, character: 0x33, block: 0x34, directory: 0x35, fifo: 0x36 };
const PAX_FLAG = 0x78;
/** In place of a name that the PAX records hold. */
const PAX_NAME = 'PaxHeader';
const NAME_BYTES = 100;
const PREFIX_BYTES = 155;
/** Largest numbers of fields with seven and eleven digits. */
const SMALL_NUMBER = 0o7777777;
const LARGE_NUMBER = 0o77777777777;

export interface TarEntry {
  name: string;
  type: TarType;
  /** Permission bits. */
  mode: number;
  uid: number;
  gid: number;
  /** Bytes that follow; of files only. */
  size: number;
  /** Whole seconds since 1970. */
  mtime: number;
  linkName?: string;
  major?: number;
  minor?: number;
  /** Goes in as `SCHILY.xattr.security.capability`: the one extended attribute that images carry. */
  capability?: Buffer | undefined;
}

/** `<length> <key>=<value>\n`, the length counting itself. */
function record(key: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`), Buffer.from(value as string, 'latin1'), Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** Digits and a space, as many as `digits` or, where that is too few, one more in the place of the space. */
function octal(block: Buffer, at: number, value: number, digits: number): void {
  const text = value.toString(8);
  block.write(text.length <= digits ? `${text.padStart(digits, '0')} ` : text, at, 'latin1');
}

/** Eleven digits, or base 256 for what is larger (GNU's, understood everywhere). */
function size(block: Buffer, at: number, value: number): void {
  if (value <= LARGE_NUMBER) {
    octal(block, at, value, 11);
    return;
  }
  block[at] = 0x80;
  for (let place = at + 11, rest = value; place > at; place--, rest = Math.floor(rest / 256)) block[place] = rest % 256;
}

const notAscii = (text: string): boolean => /[^\x00-\x7f]/.test(text);

/** The name as ustar holds it: the last 100 bytes, and before them what goes before a slash. Undefined: it can't. */
function split(name: string): { name: string; prefix: string } | undefined {
  if (notAscii(name)) return undefined;
  let rest = name;
  let prefix = '';
  while (rest.length > NAME_BYTES) {
    const slash = rest.indexOf('/');
    if (slash === -1) return undefined;
    prefix = prefix === '' ? rest.slice(0, slash) : `${prefix}/${rest.slice(0, slash)}`;
    rest = rest.slice(slash + 1);
  }
  return prefix.length > PREFIX_BYTES ? undefined : { name: rest, prefix };
}

const within = (value: number, most: number): number => (value >= 0 && value <= most ? value : 0);

function write(block: Buffer, at: number, entry: TarEntry, flag: number, name: string, prefix: string, linkName: string): void {
  block.fill(0, at, at + BLOCK);
  block.write(name, at, 'latin1');
  octal(block, at + 100, entry.mode, 6);
  octal(block, at + 108, within(entry.uid, SMALL_NUMBER), 6);
  octal(block, at + 116, within(entry.gid, SMALL_NUMBER), 6);
  size(block, at + 124, entry.size);
  octal(block, at + 136, within(entry.mtime, LARGE_NUMBER), 11);
  block[at + 156] = flag;
  if (linkName !== '') block.write(linkName, at + 157, 'latin1');
  block.write('ustar\x0000', at + 257, 'latin1');
  octal(block, at + 329, within(entry.major ?? 0, SMALL_NUMBER), 6);
  octal(block, at + 337, within(entry.minor ?? 0, SMALL_NUMBER), 6);
  if (prefix !== '') block.write(prefix, at + 345, 'latin1');
  let sum = 8 * 0x20;
  for (let place = at; place < at + BLOCK; place++) sum += block[place] as number;
  octal(block, at + 148, sum, 6);
}

/** What no field holds. */
function records(entry: TarEntry, isLong: boolean): Buffer[] {
  const found: Buffer[] = [];
  if (isLong) found.push(record('path', entry.name));
  if (isLong && entry.linkName) found.push(record('linkpath', entry.linkName));
  if (entry.uid > SMALL_NUMBER) found.push(record('uid', String(entry.uid)));
  if (entry.gid > SMALL_NUMBER) found.push(record('gid', String(entry.gid)));
  if (entry.mtime < 0 || entry.mtime > LARGE_NUMBER) found.push(record('mtime', String(entry.mtime)));
  if (entry.capability) found.push(record('SCHILY.xattr.security.capability', entry.capability));
  return found;
}

/**
 * Writes an entry's header to `out`, or makes a buffer of what is not a plain one.
 * @returns a buffer to be written instead; undefined: 512 bytes were written at `at`
 */
export function writeHeader(out: Buffer, at: number, entry: TarEntry): Buffer | undefined {
  const plain = split(entry.name);
  const isLong = plain === undefined || (entry.linkName?.length ?? 0) > NAME_BYTES;
  const extra = records(entry, isLong);
  const { name, prefix } = plain && !isLong ? plain : { name: PAX_NAME, prefix: '' };
  const linkName = isLong && entry.linkName ? PAX_NAME : (entry.linkName ?? '');
  if (extra.length === 0 && at + BLOCK <= out.length) {
    write(out, at, entry, FLAGS[entry.type], name, prefix, linkName);
    return undefined;
  }
  const body = Buffer.concat(extra);
  const padded = Math.ceil(body.length / BLOCK) * BLOCK;
  const all = Buffer.alloc((extra.length > 0 ? BLOCK + padded : 0) + BLOCK);
  if (extra.length > 0) {
    write(all, 0, { ...entry, size: body.length }, PAX_FLAG, PAX_NAME, '', linkName === '' ? '' : PAX_NAME);
    body.copy(all, BLOCK);
  }
  write(all, all.length - BLOCK, entry, FLAGS[entry.type], name, prefix, linkName);
  return all;
}
