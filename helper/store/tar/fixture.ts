/** For tests: archives with whatever an archive can hold, hostile things included. */
import type { TarType } from './reader.ts';
import { tarEnd, tarPadding } from './writer.ts';

export interface FixtureEntry {
  /** Latin1: one character a byte. */
  name: string;
  type?: TarType;
  data?: Buffer;
  link?: string;
  mode?: number;
  uid?: number;
  gid?: number;
  /** Seconds, with a fraction where PAX writes one. */
  mtime?: number;
  major?: number;
  minor?: number;
  xattrs?: Record<string, Buffer>;
  /** Another type flag than that of `type`. */
  flag?: string;
  /** Further PAX records; they win over what the entry needs itself. */
  pax?: Record<string, Buffer | string>;
  /** Written over the header before its checksum is made: offset and bytes. */
  patch?: [number, Buffer | string][];
}

const FLAGS: Record<TarType, string> = { file: '0', link: '1', symlink: '2', character: '3', block: '4', directory: '5', fifo: '6' };

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, '0')}\0`;
}

function header(entry: FixtureEntry, flag: string, size: number): Buffer {
  const block = Buffer.alloc(512);
  block.write(entry.name.slice(0, 100), 0, 'latin1');
  block.write(octal(entry.mode ?? (flag === '5' ? 0o755 : 0o644), 8), 100);
  block.write(octal((entry.uid ?? 0) & 0o7777777, 8), 108);
  block.write(octal((entry.gid ?? 0) & 0o7777777, 8), 116);
  block.write(octal(size, 12), 124);
  block.write(octal(Math.max(0, Math.floor(entry.mtime ?? 0)), 12), 136);
  block.write('        ', 148);
  block.write(flag, 156);
  block.write((entry.link ?? '').slice(0, 100), 157, 'latin1');
  block.write('ustar\x0000', 257, 'latin1');
  block.write(octal(entry.major ?? 0, 8), 329);
  block.write(octal(entry.minor ?? 0, 8), 337);
  for (const [at, bytes] of entry.patch ?? []) Buffer.from(bytes as string, 'latin1').copy(block, at);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}

function paxRecord(key: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, 'latin1'), value, Buffer.from('\n')]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function pax(entry: FixtureEntry): Buffer | undefined {
  const records: Buffer[] = [];
  if (entry.name.length > 100) records.push(paxRecord('path', Buffer.from(entry.name, 'latin1')));
  if ((entry.link ?? '').length > 100) records.push(paxRecord('linkpath', Buffer.from(entry.link ?? '', 'latin1')));
  for (const key of ['uid', 'gid'] as const) {
    const value = entry[key] ?? 0;
    if (value > 0o7777777) records.push(paxRecord(key, Buffer.from(String(value))));
  }
  if (entry.mtime !== undefined && (entry.mtime < 0 || !Number.isInteger(entry.mtime))) {
    records.push(paxRecord('mtime', Buffer.from(entry.mtime.toFixed(6))));
  }
  for (const [name, value] of Object.entries(entry.xattrs ?? {})) records.push(paxRecord(`SCHILY.xattr.${name}`, value));
  for (const [name, value] of Object.entries(entry.pax ?? {})) records.push(paxRecord(name, Buffer.from(value as string, 'latin1')));
  return records.length > 0 ? Buffer.concat(records) : undefined;
}

export function tarOf(entries: FixtureEntry[]): Buffer {
  const parts: Buffer[] = [];
  for (const entry of entries) {
    const extra = pax(entry);
    if (extra) parts.push(header({ name: 'pax' }, 'x', extra.length), extra, tarPadding(extra.length));
    const data = entry.data ?? Buffer.alloc(0);
    parts.push(header(entry, entry.flag ?? FLAGS[entry.type ?? 'file'], data.length), data, tarPadding(data.length));
  }
  return Buffer.concat([...parts, tarEnd()]);
}
