import os from 'node:os';
import koffi from 'koffi';

/** The C library's socket calls, for sockets that Node can't make: netlink, SCTP, and those of another network namespace. */
const libc = koffi.load(null);

const c = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, unsigned int length)'),
  connect: libc.func('int connect(int fd, const void *address, unsigned int length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  setsockopt: libc.func('int setsockopt(int fd, int level, int name, const void *value, unsigned int length)'),
  getsockname: libc.func('int getsockname(int fd, void *address, void *length)'),
  sendto: libc.func('long sendto(int fd, const void *data, size_t length, int flags, const void *address, unsigned int size)'),
  send: libc.func('long send(int fd, const void *data, size_t length, int flags)'),
  recv: libc.func('long recv(int fd, void *data, size_t length, int flags)'),
  close: libc.func('int close(int fd)'),
};

export const AF_INET = 2;
export const AF_INET6 = 10;
export const AF_NETLINK = 16;
export const AF_PACKET = 17;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
export const SOCK_RAW = 3;
export const SOCK_NONBLOCK = 0o4000;
export const SOCK_CLOEXEC = 0o2000000;

const NAMES = new Map(Object.entries(os.constants.errno).map(([name, number]) => [number, name]));

/** A system call that failed: `code` as Node writes it (`EEXIST`), so that callers treat both alike. */
export class SystemError extends Error {
  readonly code: string;
  readonly errno: number;
  constructor(call: string, errno: number, detail?: string) {
    const code = NAMES.get(errno) ?? `errno ${errno}`;
    super(`${call}: ${detail ? `${detail} (${code})` : code}`);
    this.code = code;
    this.errno = errno;
  }
}

function checked(call: string, result: number | bigint): number {
  if (Number(result) < 0) throw new SystemError(call, koffi.errno());
  return Number(result);
}

export const socket = (domain: number, type: number, protocol: number): number =>
  checked('socket', c.socket(domain, type | SOCK_CLOEXEC, protocol));
export const bind = (fd: number, address: Uint8Array): void => void checked('bind', c.bind(fd, address, address.length));
export const connect = (fd: number, address: Uint8Array): void => void checked('connect', c.connect(fd, address, address.length));
export const listen = (fd: number, backlog: number): void => void checked('listen', c.listen(fd, backlog));
export const setsockopt = (fd: number, level: number, name: number, value: number): void => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32LE(value);
  checked('setsockopt', c.setsockopt(fd, level, name, bytes, 4));
};
/** The port that a bound IPv4 or IPv6 socket has. */
export const localPort = (fd: number): number => {
  const address = Buffer.alloc(28);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(address.length);
  checked('getsockname', c.getsockname(fd, address, length));
  return address.readUInt16BE(2);
};
export const send = (fd: number, data: Uint8Array, flags = 0): number => checked('send', c.send(fd, data, data.length, flags));
/** To a socket address of the socket's family. */
export const sendTo = (fd: number, data: Uint8Array, address: Uint8Array): void =>
  void checked('sendto', c.sendto(fd, data, data.length, 0, address, address.length));
export const recv = (fd: number, into: Uint8Array, flags = 0): number => checked('recv', c.recv(fd, into, into.length, flags));
export const close = (fd: number): void => void c.close(fd);
