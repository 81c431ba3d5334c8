import { closeSync, constants, openSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { connectSeqpacket } from './libc.ts';

interface PipeHandle {
  open(fd: number): number;
}
interface PipeBinding {
  Pipe: new (kind: number) => PipeHandle;
}

/**
 * A connection to a SOCK_SEQPACKET Unix socket as a Duplex: each read is one packet, each write one packet.
 * Node's own `net.connect` knows only SOCK_STREAM; libuv reads and writes both alike once it has the descriptor.
 */
export function connectPackets(socketPath: string): net.Socket {
  // By way of the folder's descriptor, since a socket's address holds 107 bytes and a container's folder may be longer.
  const folder = openSync(path.dirname(socketPath), constants.O_RDONLY | constants.O_DIRECTORY);
  let fd: number;
  try {
    fd = connectSeqpacket(`/proc/self/fd/${folder}/${path.basename(socketPath)}`);
  } finally {
    closeSync(folder);
  }
  const { Pipe } = (process as unknown as { binding(name: 'pipe_wrap'): PipeBinding }).binding('pipe_wrap');
  const handle = new Pipe(0);
  const failed = handle.open(fd);
  if (failed) throw new Error(`can't read socket ${socketPath}: error ${failed}`);
  return new net.Socket({ handle, allowHalfOpen: true } as unknown as net.SocketConstructorOpts);
}
