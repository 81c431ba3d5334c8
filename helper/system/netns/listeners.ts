import ipaddr from 'ipaddr.js';
import {
  AF_INET,
  AF_INET6,
  bind,
  close,
  connect,
  listen,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_STREAM,
  SystemError,
  setsockopt,
  socket,
} from './sockets.ts';

const IPPROTO_SCTP = 132;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const IPPROTO_IPV6 = 41;
const IPV6_V6ONLY = 26;

/**
 * A bound socket (listening, for tcp and sctp) in the namespace that the main thread is in; Node takes it over by its
 * descriptor: `net.Server.listen({ fd })`, `dgram.Socket.bind({ fd })`.
 * @throws SystemError EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EPROTONOSUPPORT
 */
export function openListener(proto: 'tcp' | 'udp' | 'sctp', address: string, port: number): number {
  const v6 = address.includes(':');
  const kind = (proto === 'udp' ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK;
  const fd = socket(v6 ? AF_INET6 : AF_INET, kind, proto === 'sctp' ? IPPROTO_SCTP : 0);
  try {
    // A port whose last connections are in TIME_WAIT is free; for UDP the option would let two hold one port.
    if (proto !== 'udp') setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    bind(fd, socketAddress(address, port));
    if (proto !== 'udp') listen(fd, 4096);
    return fd;
  } catch (error) {
    close(fd);
    throw error;
  }
}

/**
 * A TCP socket on its way to `address`, from the namespace that the main thread is in; for `new net.Socket({ fd })`.
 * @throws SystemError ENETUNREACH and what else the kernel knows at once
 */
export function connectTcp(address: string, port: number): number {
  const fd = socket(address.includes(':') ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  try {
    connect(fd, socketAddress(address, port));
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'EINPROGRESS')) {
      close(fd);
      throw error;
    }
  }
  return fd;
}

function socketAddress(address: string, port: number): Buffer {
  const bytes = ipaddr.parse(address).toByteArray();
  const v6 = bytes.length === 16;
  const buffer = Buffer.alloc(v6 ? 28 : 16);
  buffer.writeUInt16LE(v6 ? AF_INET6 : AF_INET, 0);
  buffer.writeUInt16BE(port, 2);
  buffer.set(bytes, v6 ? 8 : 4);
  return buffer;
}
