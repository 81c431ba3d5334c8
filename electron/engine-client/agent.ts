import { Agent, type ClientRequest } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Dialer } from './dialer.ts';

/**
 * node:http's keep-alive pool over a dialer. Only GET and HEAD go through it: a pooled connection may just have been closed
 * by the engine, and only those can be sent again without harm.
 */
export class DialingAgent extends Agent {
  readonly #dial: Dialer;
  readonly #closed = new AbortController();

  constructor(dial: Dialer) {
    super({ keepAlive: true, maxFreeSockets: 4 });
    this.#dial = dial;
  }

  override createConnection(_options: unknown, done: (error: Error | null, socket?: Duplex) => void): undefined {
    this.#dial(this.#closed.signal).then(
      (socket) => done(null, socket),
      (error: unknown) => done(error instanceof Error ? error : new Error(String(error))),
    );
    return undefined;
  }

  /** The default calls setKeepAlive and unref, which only a net.Socket has. */
  override keepSocketAlive(): boolean {
    return true;
  }

  /** The default takes its error listener away again, and calls ref, which only a net.Socket has. */
  override reuseSocket(socket: Duplex, request: ClientRequest): void {
    super.reuseSocket('ref' in socket ? socket : Object.assign(socket, { ref: () => socket }), request);
  }

  override destroy(): void {
    this.#closed.abort();
    super.destroy();
  }
}
