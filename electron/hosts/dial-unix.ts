import type { Dialer } from '../engine-client/index.ts';
import { dialNet } from './dial-net.ts';

/** Dials a Unix socket. Rejects with the system's error (ENOENT, EACCES, ECONNREFUSED). */
export function unixDialer(path: string): Dialer {
  return (signal) => dialNet({ path, allowHalfOpen: false }, signal);
}
