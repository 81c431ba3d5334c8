import net from 'node:net';

/** Where the proxies send to; changed when the container's gateway network changes. */
export interface Target {
  address: string;
  port: number;
}

/**
 * Serves what the kernel's translation does not catch: IPv6 clients of an IPv4-only container, a rule set that was
 * flushed. Each side's end is passed on by itself (half close); an error of one breaks the other.
 *
 * @param fd a listening socket; owned by the server from now on
 */
export function serveTcp(fd: number, target: Target): { close(): void } {
  const open = new Set<net.Socket>();
  const server = net.createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    const upstream = net.connect({ host: target.address, port: target.port, allowHalfOpen: true, noDelay: true });
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket);
      socket.on('error', () => other.resetAndDestroy());
      socket.on('close', (hadError) => {
        open.delete(socket);
        if (hadError) other.destroy();
      });
    }
    client.pipe(upstream);
    upstream.pipe(client);
  });
  // Accepting can fail for a moment (EMFILE); the port stays ours.
  server.on('error', () => {});
  server.listen({ fd });
  server.unref();
  return {
    close() {
      server.close();
      for (const socket of open) socket.destroy();
    },
  };
}

/** Holds a port that the kernel's translation alone serves: who comes past it is turned away, not kept waiting. */
export function refuseTcp(fd: number): { close(): void } {
  const server = net.createServer((client) => client.resetAndDestroy());
  server.on('error', () => {});
  server.listen({ fd });
  server.unref();
  return { close: () => server.close() };
}
