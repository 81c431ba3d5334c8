import { connect, createServer, type Server, type Socket } from 'node:net';

export interface Listening {
  port: number;
  /** No new connections; those that are open stay. */
  close(): void;
}

const TRIES = 200;
/** How long something that listens already has to take a connection. */
const LOOK_MS = 500;

/**
 * Listens on this machine's own addresses only (127.0.0.1, and ::1 where there is IPv6): on `wanted` if it is free, else on the next
 * free port. Privileged ports that this user may not have become 8000 more: 80 → 8080, 443 → 8443.
 */
export async function listenOnLoopback(wanted: number, onConnection: (socket: Socket) => void): Promise<Listening> {
  let port = wanted;
  for (let tries = 0; tries < TRIES; tries += 1) {
    const outcome = await listenOn(port, onConnection);
    if (outcome === 'forbidden') port += port < 1024 ? 8000 : 1;
    else if (outcome === 'taken') port += 1;
    else return outcome;
    if (port > 65535) break;
  }
  // None near it: any.
  const any = await listenOn(0, onConnection);
  if (typeof any === 'object') return any;
  throw new Error('No port of this machine is free');
}

async function listenOn(port: number, onConnection: (socket: Socket) => void): Promise<Listening | 'taken' | 'forbidden'> {
  // Some systems let a second program listen beside one that has all addresses, and packet filters take ports without listening.
  if (port !== 0 && (await answers(port))) return 'taken';
  let first: Server;
  try {
    first = await bind('127.0.0.1', port, onConnection);
  } catch (error) {
    return unless(error);
  }
  const bound = first.address();
  const at = typeof bound === 'object' && bound !== null ? bound.port : port;
  const servers = [first];
  try {
    servers.push(await bind('::1', at, onConnection));
  } catch (error) {
    // Another program has localhost:PORT by IPv6, and browsers would go there. Without IPv6 there is nothing to mind.
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      first.close();
      return 'taken';
    }
  }
  return {
    port: at,
    close: () => {
      for (const server of servers) server.close();
    },
  };
}

function unless(error: unknown): 'taken' | 'forbidden' {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'EADDRINUSE') return 'taken';
  if (code === 'EACCES' || code === 'EPERM') return 'forbidden';
  throw error;
}

function bind(host: string, port: number, onConnection: (socket: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer({ allowHalfOpen: true }, onConnection);
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve(server);
    });
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port });
    const done = (answer: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    const timer = setTimeout(() => done(false), LOOK_MS);
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
