import net from 'node:net';
import { AF_NETLINK, bind, close, SOCK_NONBLOCK, SOCK_RAW, socket } from './sockets.ts';

interface PipeBinding {
  Pipe: new (kind: number) => { open(fd: number): number };
}

/**
 * What the kernel tells all who listen to a netlink group, by the event loop. Each call of `heard` gets the messages of one
 * datagram. When the kernel drops some because we read too slowly, the socket is opened anew and `missed` is called.
 */
export function listenToGroup(protocol: number, group: number, heard: (messages: Buffer) => void, missed: () => void): { close(): void } {
  let current: net.Socket | undefined;
  let closed = false;
  const open = (): void => {
    if (closed) return;
    const fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, protocol);
    const address = Buffer.alloc(12);
    address.writeUInt16LE(AF_NETLINK, 0);
    address.writeUInt32LE(1 << (group - 1), 8);
    bind(fd, address);
    const { Pipe } = (process as unknown as { binding(name: 'pipe_wrap'): PipeBinding }).binding('pipe_wrap');
    const handle = new Pipe(0);
    if (handle.open(fd)) {
      close(fd);
      return;
    }
    const stream = new net.Socket({ handle } as unknown as net.SocketConstructorOpts);
    stream.on('data', heard);
    stream.on('error', () => {});
    stream.on('close', () => {
      if (closed) return;
      missed();
      setTimeout(open, 1000).unref();
    });
    stream.unref();
    current = stream;
  };
  open();
  return {
    close() {
      closed = true;
      current?.destroy();
    },
  };
}
