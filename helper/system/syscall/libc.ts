import { closeSync, constants, openSync } from 'node:fs';
import os from 'node:os';
import koffi from 'koffi';

/**
 * The C library's functions that Node has none for. Every call is synchronous and short: it runs on the main thread,
 * which is the one whose namespaces `unshare` and `setns` change.
 */
type Native = (...args: unknown[]) => number | bigint;
const libc = koffi.load(null);
const bound = new Map<string, Native>();

/** Binds on first use: the helper's start pays only for what it calls. */
export function native(signature: string): Native {
  let call = bound.get(signature);
  if (!call) {
    call = libc.func(signature) as unknown as Native;
    bound.set(signature, call);
  }
  return call;
}

/** EWOULDBLOCK is EAGAIN's other name. */
const NAMES = new Map(
  Object.entries(os.constants.errno)
    .filter(([name]) => name !== 'EWOULDBLOCK')
    .map(([name, number]) => [number, name]),
);

/** A system call that failed: `code` as Node writes it (`ENOENT`), so that callers treat both alike. */
export class SystemCallError extends Error {
  readonly code: string;
  readonly errno: number;
  readonly call: string;
  constructor(call: string, errno: number, subject?: string) {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    super(`${code}: ${call}${subject === undefined ? '' : ` '${subject}'`}`);
    this.name = 'SystemCallError';
    this.code = code;
    this.errno = errno;
    this.call = call;
  }
}

/** @throws SystemCallError for a result below 0 */
export function check(call: string, result: number | bigint, subject?: string): number {
  const value = Number(result);
  if (value < 0) throw new SystemCallError(call, koffi.errno(), subject);
  return value;
}

export const CLONE = { FS: 0x200, NEWNS: 0x20000, NEWNET: 0x40000000 } as const;

export function unshare(flags: number): void {
  check('unshare', native('int unshare(int flags)')(flags));
}

export function setns(fd: number, kind: number): void {
  check('setns', native('int setns(int fd, int kind)')(fd, kind));
}

/** Changes the working folder to an open one; `process.chdir` knows names only. */
export function fchdir(fd: number): void {
  check('fchdir', native('int fchdir(int fd)')(fd));
}

/** Changes the root folder of this thread, and of those that share it with this one. */
export function chroot(folder: string): void {
  check('chroot', native('int chroot(const char *folder)')(folder), folder);
}

/** Replaces this process; returns only by throwing. */
export function execve(file: string, argv: string[], env: string[]): never {
  native('int execve(const char *file, const char **argv, const char **envp)')(file, [...argv, null], [...env, null]);
  throw new SystemCallError('execve', koffi.errno(), file);
}

export function mknod(path: string, mode: number, device: { major: number; minor: number }): void {
  const { major, minor } = device;
  const encoded = (BigInt(major & 0xfff) << 8n) | BigInt(minor & 0xff) | (BigInt(minor >>> 8) << 20n) | (BigInt(major >>> 12) << 44n);
  check('mknod', native('int mknod(const char *path, unsigned int mode, uint64_t device)')(path, mode, encoded), path);
}

export function lsetxattr(path: string, name: string, value: Uint8Array): void {
  const call = native('int lsetxattr(const char *path, const char *name, const void *value, size_t size, int flags)');
  check('lsetxattr', call(path, name, value, value.length, 0), path);
}

/** Undefined when the file has no such attribute or its file system knows none. */
export function lgetxattr(path: string, name: string): Buffer | undefined {
  const call = native('long lgetxattr(const char *path, const char *name, _Out_ void *value, size_t size)');
  const value = Buffer.alloc(65536);
  const size = Number(call(path, name, value, value.length));
  if (size >= 0) return value.subarray(0, size);
  const error = new SystemCallError('lgetxattr', koffi.errno(), path);
  if (error.code === 'ENODATA' || error.code === 'EOPNOTSUPP' || error.code === 'ENOTSUP') return undefined;
  throw error;
}

/** Names of a file's extended attributes; none where its file system knows none. `file` may be `/proc/self/fd/N`: what is open counts. */
export function listxattr(file: string): string[] {
  const call = native('long listxattr(const char *path, _Out_ char *list, size_t size)');
  const list = Buffer.alloc(65536);
  const size = Number(call(file, list, list.length));
  if (size >= 0) return list.toString('latin1', 0, size).split('\0').slice(0, -1);
  const error = new SystemCallError('listxattr', koffi.errno(), file);
  if (error.code === 'EOPNOTSUPP' || error.code === 'ENOTSUP') return [];
  throw error;
}

/** Of what is open, or a link leads to. Undefined when it has no such attribute. */
export function getxattr(file: string, name: string): Buffer | undefined {
  const call = native('long getxattr(const char *path, const char *name, _Out_ void *value, size_t size)');
  const value = Buffer.alloc(65536);
  const size = Number(call(file, name, value, value.length));
  if (size >= 0) return value.subarray(0, size);
  const error = new SystemCallError('getxattr', koffi.errno(), file);
  if (error.code === 'ENODATA' || error.code === 'EOPNOTSUPP' || error.code === 'ENOTSUP') return undefined;
  throw error;
}

export function setxattr(file: string, name: string, value: Uint8Array): void {
  const call = native('int setxattr(const char *path, const char *name, const void *value, size_t size, int flags)');
  check('setxattr', call(file, name, value, value.length, 0), file);
}

export const AT_FDCWD = -100;
const AT_SYMLINK_NOFOLLOW = 0x100;
/** Two of struct timespec: of the last access, and of the last change. */
function timespecs(nanoseconds: bigint): Buffer {
  const second = 1_000_000_000n;
  const rest = ((nanoseconds % second) + second) % second;
  const times = Buffer.alloc(32);
  for (const at of [0, 16]) {
    times.writeBigInt64LE((nanoseconds - rest) / second, at);
    times.writeBigInt64LE(rest, at + 8);
  }
  return times;
}
/**
 * Times of a file to the nanosecond since the epoch; Node's functions end at microseconds. Of a link its own.
 * @param file a path, as bytes that need not be UTF-8, or an open descriptor
 */
export function setTimes(file: Buffer | number, nanoseconds: bigint): void {
  const times = timespecs(nanoseconds);
  if (typeof file === 'number') {
    check('futimens', native('int futimens(int fd, const void *times)')(file, times));
    return;
  }
  const call = native('int utimensat(int folder, const void *path, const void *times, int flags)');
  const path = Buffer.concat([file, Buffer.alloc(1)]);
  check('utimensat', call(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), file.toString());
}

const SEEK = { data: 3, hole: 4 } as const;
/** Where from `offset` on the next data (or hole) of an open file begins; undefined: there is none. */
export function seek(fd: number, what: keyof typeof SEEK, offset: number): number | undefined {
  const at = Number(native('long lseek(int fd, long offset, int whence)')(fd, offset, SEEK[what]));
  if (at >= 0) return at;
  const error = new SystemCallError('lseek', koffi.errno());
  if (error.code === 'ENXIO') return undefined;
  throw error;
}

/** All that was written to the file system of `folder` is on disk when it resolves. Off the main thread: it can take long. */
export async function syncFileSystem(folder: string): Promise<void> {
  const fd = openSync(folder, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const call = native('int syncfs(int fd)') as unknown as { async(fd: number, done: (error: unknown, result: number) => void): void };
    const result = await new Promise<number>((resolve, reject) =>
      call.async(fd, (error, value) => (error ? reject(error) : resolve(value))),
    );
    if (result < 0) throw new Error(`syncfs of ${folder} failed`);
  } finally {
    closeSync(fd);
  }
}

export const LOCK = { SH: 1, EX: 2, NB: 4, UN: 8 } as const;
/** flock(2); with LOCK.NB it throws EAGAIN when another process holds it. */
export function flock(fd: number, operation: number): void {
  check('flock', native('int flock(int fd, int operation)')(fd, operation));
}

export function closeFd(fd: number): void {
  native('int close(int fd)')(fd);
}

const AF_UNIX = 1;
const SOCK_SEQPACKET = 5;
const SOCK_CLOEXEC = 0o2000000;
const SOCK_NONBLOCK = 0o4000;
const SUN_PATH_LENGTH = 108;

/**
 * Connects to a SOCK_SEQPACKET Unix socket. A path too long for a socket address is the caller's to shorten
 * (`/proc/self/fd/N/name`).
 * @returns a file descriptor, non-blocking
 */
export function connectSeqpacket(path: string): number {
  const name = Buffer.from(path);
  if (name.length >= SUN_PATH_LENGTH) throw new RangeError(`socket path too long: ${path}`);
  const address = Buffer.alloc(2 + SUN_PATH_LENGTH);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  const fd = check(
    'socket',
    native('int socket(int domain, int type, int protocol)')(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0),
  );
  try {
    check('connect', native('int connect(int fd, const void *address, unsigned int length)')(fd, address, 2 + name.length + 1), path);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  return fd;
}

const SOCK_DGRAM = 2;
/** One datagram to a Unix socket: a path, or `@name` in the abstract namespace. */
export function sendDatagram(to: string, message: Buffer): void {
  const name = Buffer.from(to);
  if (name.length >= SUN_PATH_LENGTH) throw new RangeError(`socket path too long: ${to}`);
  const address = Buffer.alloc(2 + SUN_PATH_LENGTH);
  address.writeUInt16LE(AF_UNIX, 0);
  name.copy(address, 2);
  if (to.startsWith('@')) address[2] = 0;
  const fd = check('socket', native('int socket(int domain, int type, int protocol)')(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  try {
    const call = native('long sendto(int fd, const void *data, size_t size, int flags, const void *address, unsigned int length)');
    check('sendto', call(fd, message, message.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, 2 + name.length), to);
  } finally {
    closeFd(fd);
  }
}
const MSG_NOSIGNAL = 0x4000;

/** Sends a signal through a pidfd, so that a number that the kernel has given to another process since is never hit. */
export function signalByPidfd(pidfd: number, signal: number): void {
  const call = native('long syscall(long n, int pidfd, int signal, void *info, unsigned int flags)');
  check('pidfd_send_signal', call(SYS_PIDFD_SEND_SIGNAL, pidfd, signal, null, 0));
}
export function openPidfd(pid: number): number {
  return check('pidfd_open', native('long syscall(long n, int pid, unsigned int flags)')(SYS_PIDFD_OPEN, pid, 0), String(pid));
}
const SYS_PIDFD_SEND_SIGNAL = 424;
const SYS_PIDFD_OPEN = 434;

/** Keeps a descriptor open over execve: Node marks all that it inherited close-on-exec when it starts. */
export function keepOverExec(fd: number): void {
  check('fcntl', native('int fcntl(int fd, int command, int value)')(fd, F_SETFD, 0), String(fd));
}
/** Node does so at its start with the first numbers only. */
export function closeOnExec(fd: number): void {
  check('fcntl', native('int fcntl(int fd, int command, int value)')(fd, F_SETFD, FD_CLOEXEC), String(fd));
}
const F_SETFD = 2;
const FD_CLOEXEC = 1;

const F_DUPFD_CLOEXEC = 1030;
/** A second descriptor for the same open file or socket, close-on-exec, the lowest that is free from `atLeast` on. */
export function duplicate(fd: number, atLeast = 3): number {
  return check('fcntl', native('int fcntl(int fd, int command, int value)')(fd, F_DUPFD_CLOEXEC, atLeast), String(fd));
}

/** eventfd(2): a counter to wait for, close-on-exec and non-blocking. */
export function eventFd(): number {
  return check('eventfd', native('int eventfd(unsigned int initial, int flags)')(0, O_CLOEXEC | constants.O_NONBLOCK));
}

const MSG_DONTWAIT = 0x40;
const RECEIVE_BYTES = 64 * 1024;
/** The next packet that waits in a socket; undefined when there is none, or at the end. */
export function receiveNow(fd: number): Buffer | undefined {
  const call = native('long recv(int fd, _Out_ void *buffer, size_t size, int flags)');
  const buffer = Buffer.allocUnsafe(RECEIVE_BYTES);
  let size = Number(call(fd, buffer, buffer.length, MSG_DONTWAIT));
  // A reset is reported once, before what was sent ahead of it.
  if (size < 0 && koffi.errno() === os.constants.errno.ECONNRESET) size = Number(call(fd, buffer, buffer.length, MSG_DONTWAIT));
  return size > 0 ? Buffer.from(buffer.subarray(0, size)) : undefined;
}

const SYS_OPENAT2 = 437;
const RESOLVE_NO_MAGICLINKS = 0x02;
const RESOLVE_IN_ROOT = 0x10;
const RACE_ATTEMPTS = 16;
/** open(2): a place, not its content. Node has no name for it. */
export const O_PATH = 0o10000000;

/**
 * Opens `name` as a process whose root is `root` would: neither links nor `..` lead out of it, whatever is renamed meanwhile.
 * @returns a descriptor, close-on-exec
 * @throws SystemCallError ENOSYS before Linux 5.6
 */
export function openInRoot(root: string, name: string, flags: number): number {
  const call = native('long syscall(long n, int folder, const char *path, const void *how, size_t size)');
  const folder = openSync(root, O_PATH | constants.O_DIRECTORY);
  try {
    const how = Buffer.alloc(24);
    how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0);
    how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16);
    for (let attempt = 1; ; attempt++) {
      try {
        return check('openat2', call(SYS_OPENAT2, folder, name, how, how.length), name);
      } catch (error) {
        // Something was renamed while `..` was looked up: the kernel wants the caller to try again.
        if ((error as SystemCallError).code !== 'EAGAIN' || attempt === RACE_ATTEMPTS) throw error;
      }
    }
  } finally {
    closeSync(folder);
  }
}
export const O_CLOEXEC = 0o2000000;
