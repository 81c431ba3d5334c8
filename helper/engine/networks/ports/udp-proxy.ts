import dgram from 'node:dgram';
import type { Target } from './tcp-proxy.ts';

const IDLE_MS = 90_000;
const MAX_SESSIONS = 1024;

/**
 * UDP by sessions: each client address gets a socket of its own towards the container, so that answers find back.
 * A session ends after 90 s of silence; the oldest goes when there are too many.
 *
 * @param fd a bound socket; owned by the proxy from now on
 */
export function serveUdp(fd: number, v6: boolean, target: Target): { close(): void } {
  const front = dgram.createSocket(v6 ? 'udp6' : 'udp4');
  const sessions = new Map<string, { socket: dgram.Socket; timer: NodeJS.Timeout }>();
  const end = (key: string): void => {
    const session = sessions.get(key);
    if (!session) return;
    sessions.delete(key);
    clearTimeout(session.timer);
    session.socket.close();
  };
  front.on('message', (message, from) => {
    const key = `${from.address} ${from.port}`;
    let session = sessions.get(key);
    if (!session) {
      const oldest = sessions.size >= MAX_SESSIONS ? sessions.keys().next().value : undefined;
      if (oldest !== undefined) end(oldest);
      const socket = dgram.createSocket(target.address.includes(':') ? 'udp6' : 'udp4');
      socket.on('message', (answer) => front.send(answer, from.port, from.address, () => {}));
      socket.on('error', () => end(key));
      session = { socket, timer: setTimeout(() => end(key), IDLE_MS).unref() };
      sessions.set(key, session);
    }
    session.timer.refresh();
    session.socket.send(message, target.port, target.address, () => {});
  });
  front.on('error', () => {});
  front.bind({ fd });
  front.unref();
  return {
    close() {
      for (const key of [...sessions.keys()]) end(key);
      front.close();
    },
  };
}
