import net from 'node:net';

/**
 * Runs `work` while no other engine on this host (in this network namespace) does the same: two that start at once would
 * otherwise both find the same subnet free. The lock is an abstract socket: it belongs to the network namespace, needs no
 * file and dies with its process.
 */
export async function withHostLock<T>(name: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  const server = await acquire(name, signal);
  try {
    return await work();
  } finally {
    server.close();
  }
}

async function acquire(name: string, signal?: AbortSignal): Promise<net.Server> {
  for (;;) {
    signal?.throwIfAborted();
    const server = net.createServer((socket) => socket.destroy());
    const taken = await new Promise<boolean>((resolve, reject) => {
      server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(true) : reject(error)));
      server.listen(`\0${name}`, () => resolve(false));
    });
    if (!taken) return server;
    // Held for milliseconds; there is nothing to wait on.
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
}
