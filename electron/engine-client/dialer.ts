import type { Duplex } from 'node:stream';

/**
 * The one thing a connection to a host gives: a duplex stream to its engine's socket. Each call makes a new stream.
 * Rejects with a system error (ENOENT, EACCES, ECONNREFUSED …) or with a HostFailure that says more.
 */
export type Dialer = (signal: AbortSignal) => Promise<Duplex>;
