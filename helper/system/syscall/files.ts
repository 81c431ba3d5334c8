/**
 * System calls on names in folders that are held open, which Node has none for. With `/proc/self/fd/N/name` Node's own functions do the
 * same at half the speed: each looks that up first. For worker threads: all of them wait.
 *
 * Names are latin1 strings, one character a byte, so that a name that is not UTF-8 is a name like any other.
 */
import { constants, readdirSync } from 'node:fs';
import os from 'node:os';
import koffi from 'koffi';
import { check, native, O_CLOEXEC, SystemCallError } from './libc.ts';

const AT_SYMLINK_NOFOLLOW = 0x100;
const AT_REMOVEDIR = 0x200;
const AT_NO_AUTOMOUNT = 0x800;
const AT_EMPTY_PATH = 0x1000;
const STATX_BASIC_STATS = 0x7ff;
/** No path is as long; nor do trees that are walked go deeper than a path can name. */
export const PATH_MAX = 4096;
const LIST_BYTES = 64 * 1024;
const XATTR_BYTES = 64 * 1024;

const nameBuffer = Buffer.alloc(PATH_MAX);
const otherName = Buffer.alloc(PATH_MAX);
const statBuffer = Buffer.alloc(256);
const nothing = Buffer.alloc(1);
let scratch: Buffer | undefined;

/** NUL-terminated, in memory that the next call uses again. */
function named(name: string, buffer = nameBuffer): Buffer {
  if (name.length >= PATH_MAX) throw Object.assign(new Error(`ENAMETOOLONG: ${name}`), { code: 'ENAMETOOLONG' });
  buffer.write(name, 0, 'latin1');
  buffer[name.length] = 0;
  return buffer;
}

/** A path as the functions here take it. */
export const bytesOf = (text: string): string => Buffer.from(text).toString('latin1');

/** What went, or became something else, since somebody looked. */
const GONE = new Set(['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'ENODEV', 'ESTALE']);
export const isGone = (error: unknown): boolean => GONE.has((error as NodeJS.ErrnoException).code ?? '');

/** What a file is. Source: statx(2), whose structure is the same on all machines. */
export interface FileStat {
  /** The bits of S_IFMT. */
  type: number;
  /** The others. */
  mode: number;
  uid: number;
  gid: number;
  links: number;
  size: number;
  /** Bytes that it takes on the disk. */
  allocated: number;
  /** Since 1970, rounded down; and what is left of the second. */
  mtimeSeconds: number;
  mtimeNanos: number;
  major: number;
  minor: number;
  device: number;
  inodeHigh: number;
  inodeLow: number;
}

/** Equal for all names of one file. */
export const identityOf = (stat: FileStat): string => `${stat.device}:${stat.inodeHigh}:${stat.inodeLow}`;

const word = (at: number): number => statBuffer.readUInt32LE(at);
const long = (at: number): number => word(at) + word(at + 4) * 0x1_0000_0000;

function parseStat(): FileStat {
  const mode = statBuffer.readUInt16LE(28);
  return {
    type: mode & constants.S_IFMT,
    mode: mode & 0o7777,
    uid: word(20),
    gid: word(24),
    links: word(16),
    size: long(40),
    allocated: long(48) * 512,
    mtimeSeconds: word(112) + statBuffer.readInt32LE(116) * 0x1_0000_0000,
    mtimeNanos: word(120),
    major: word(128),
    minor: word(132),
    device: word(136) * 0x10_0000 + word(140),
    inodeHigh: word(36),
    inodeLow: word(32),
  };
}

const statx = (folder: number, name: Buffer, flags: number): number | bigint =>
  native('int statx(int folder, const void *name, int flags, unsigned int mask, _Out_ void *stat)')(
    folder,
    name,
    flags | AT_NO_AUTOMOUNT,
    STATX_BASIC_STATS,
    statBuffer,
  );

/** No link in the last component is followed unless asked for. @throws SystemCallError */
export function statAt(folder: number, name: string, options: { follow?: boolean } = {}): FileStat {
  check('statx', statx(folder, named(name), options.follow ? 0 : AT_SYMLINK_NOFOLLOW), name);
  return parseStat();
}

/** Of what is open. */
export function statOpen(fd: number): FileStat {
  check('statx', statx(fd, nothing, AT_EMPTY_PATH));
  return parseStat();
}

/** @returns a descriptor, close-on-exec; Node does not know of it: `closeFd` closes it @throws SystemCallError */
export function openAt(folder: number, name: string, flags: number, mode = 0): number {
  const call = native('int openat(int folder, const void *name, int flags, int mode)');
  return check('openat', call(folder, named(name), flags | O_CLOEXEC, mode), name);
}

/** Where a link leads. @throws SystemCallError EINVAL when it is none */
export function readlinkAt(folder: number, name: string): string {
  scratch ??= Buffer.alloc(LIST_BYTES);
  const call = native('long readlinkat(int folder, const void *name, _Out_ void *target, size_t size)');
  return scratch.toString('latin1', 0, check('readlinkat', call(folder, named(name), scratch, PATH_MAX), name));
}

/** Of what is open. Undefined when it has no such attribute or its file system knows none. The bytes are valid until the next call. */
export function xattrOf(fd: number, name: string): Buffer | undefined {
  scratch ??= Buffer.alloc(XATTR_BYTES);
  const call = native('long fgetxattr(int fd, const void *name, _Out_ void *value, size_t size)');
  const size = Number(call(fd, named(name), scratch, XATTR_BYTES));
  if (size >= 0) return scratch.subarray(0, size);
  const errno = koffi.errno();
  // Nearly all files: no error is made for them.
  if (errno === os.constants.errno.ENODATA || errno === os.constants.errno.EOPNOTSUPP) return undefined;
  throw new SystemCallError('fgetxattr', errno, name);
}

export function closeOpen(fd: number): void {
  native('int close(int fd)')(fd);
}

export function makeFolderAt(folder: number, name: string, mode: number): void {
  check('mkdirat', native('int mkdirat(int folder, const void *name, unsigned int mode)')(folder, named(name), mode), name);
}

export function removeAt(folder: number, name: string, isFolder: boolean): void {
  const call = native('int unlinkat(int folder, const void *name, int flags)');
  check('unlinkat', call(folder, named(name), isFolder ? AT_REMOVEDIR : 0), name);
}

/** @param target as the link says it, not looked at */
export function symlinkAt(target: string, folder: number, name: string): void {
  const call = native('int symlinkat(const void *target, int folder, const void *name)');
  check('symlinkat', call(named(target, otherName), folder, named(name)), name);
}

/** Of a link the link itself, on both sides. */
export function linkAt(fromFolder: number, from: string, folder: number, name: string): void {
  const call = native('int linkat(int fromFolder, const void *from, int folder, const void *name, int flags)');
  check('linkat', call(fromFolder, named(from, otherName), folder, named(name), 0), name);
}

/** Of a link its own owner. */
export function chownAt(folder: number, name: string, uid: number, gid: number): void {
  const call = native('int fchownat(int folder, const void *name, unsigned int uid, unsigned int gid, int flags)');
  check('fchownat', call(folder, named(name), uid, gid, AT_SYMLINK_NOFOLLOW), name);
}

/** A device, a FIFO, a whiteout. @param mode with the bits of S_IFMT */
export function makeNodeAt(folder: number, name: string, mode: number, device: { major: number; minor: number }): void {
  const { major, minor } = device;
  const encoded = (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 20n) | (BigInt(major >>> 12) << 44n);
  const call = native('int mknodat(int folder, const void *name, unsigned int mode, uint64_t device)');
  check('mknodat', call(folder, named(name), mode, encoded), name);
}

const timeBuffer = Buffer.alloc(32);
/** The last access and the last change are set to one time. Of a link its own. @param name undefined: of what is open itself */
export function setTimesAt(folder: number, name: string | undefined, seconds: number, nanos: number): void {
  for (const at of [0, 16]) {
    timeBuffer.writeBigInt64LE(BigInt(seconds), at);
    timeBuffer.writeBigInt64LE(BigInt(nanos), at + 8);
  }
  if (name === undefined) {
    check('futimens', native('int futimens(int fd, const void *times)')(folder, timeBuffer));
    return;
  }
  const call = native('int utimensat(int folder, const void *name, const void *times, int flags)');
  check('utimensat', call(folder, named(name), timeBuffer, AT_SYMLINK_NOFOLLOW), name);
}

/** Where the kernel's call has another number: glibc has a function for it since 2.30 only. */
const SYS_GETDENTS64: Partial<Record<string, number>> = { x64: 217, arm64: 61 };
/** What d_type says where the file system has it. Source: readdir(3) */
export const KIND = { unknown: 0, fifo: 1, character: 2, folder: 4, block: 6, file: 8, link: 10, socket: 12 } as const;

/** Names in an open folder (not O_PATH), sorted by their bytes, each with its kind at the time: `nameOf` and `kindOf` take them apart. */
export function readFolder(fd: number): string[] {
  const number = SYS_GETDENTS64[process.arch];
  if (number === undefined)
    return readdirSync(`/proc/self/fd/${fd}`, { encoding: 'latin1' })
      .map((name) => `${name}\0\0`)
      .sort();
  scratch ??= Buffer.alloc(LIST_BYTES);
  const call = native('long syscall(long number, int fd, _Out_ void *entries, size_t size)');
  const found: string[] = [];
  for (;;) {
    const length = check('getdents64', call(number, fd, scratch, LIST_BYTES));
    if (length === 0) break;
    for (let at = 0; at < length; at += scratch.readUInt16LE(at + 16)) {
      const name = scratch.toString('latin1', at + 19, scratch.indexOf(0, at + 19));
      if (name !== '.' && name !== '..') found.push(`${name}\0${String.fromCharCode(scratch[at + 18] as number)}`);
    }
  }
  return found.sort();
}
export const nameOf = (entry: string): string => entry.slice(0, -2);
export const kindOf = (entry: string): number => entry.charCodeAt(entry.length - 1);
