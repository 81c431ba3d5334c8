import { connect } from 'node:net';
import type { Dialer } from '../engine-client/index.ts';

/** Dials a Unix socket. Rejects with the system's error (ENOENT, EACCES, ECONNREFUSED). */
export function unixDialer(path: string): Dialer {
  return (signal) =>
    new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const socket = connect({ path, allowHalfOpen: false });
      const abort = () => {
        socket.destroy();
        reject(signal.reason);
      };
      signal.addEventListener('abort', abort, { once: true });
      socket.once('error', (error) => {
        signal.removeEventListener('abort', abort);
        reject(error);
      });
      socket.once('connect', () => {
        signal.removeEventListener('abort', abort);
        socket.removeAllListeners('error');
        resolve(socket);
      });
    });
}
