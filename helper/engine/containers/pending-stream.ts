import { Duplex } from 'node:stream';

/**
 * The streams of a process that does not exist yet. What the client writes waits (bounded by the stream's own mark) until
 * `connect`; `cancel` ends both directions. Chunks keep their bounds: each is one packet of the monitor's.
 */
export class PendingStream extends Duplex {
  #socket: Duplex | undefined;
  #due: (() => void)[] = [];

  constructor() {
    super({ readableObjectMode: true, allowHalfOpen: true });
  }

  connect(socket: Duplex): void {
    if (this.destroyed) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on('data', (packet: Buffer) => {
      if (!this.push(packet)) socket.pause();
    });
    const end = (): void => {
      if (!this.readableEnded) this.push(null);
    };
    socket.once('end', end).once('close', end).on('error', end);
    for (const action of this.#due.splice(0)) action();
  }

  /** The process will not come. */
  cancel(): void {
    if (!this.#socket) this.destroy();
  }

  /** Runs `action` with the socket, now or when it is there. */
  #whenConnected(action: (socket: Duplex) => void): void {
    const run = (): void => {
      if (this.#socket) action(this.#socket);
    };
    if (this.#socket) run();
    else this.#due.push(run);
  }

  override _read(): void {
    this.#socket?.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.#whenConnected((socket) => {
      if (socket.destroyed) done();
      else socket.write(chunk, () => done());
    });
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#whenConnected((socket) => {
      if (socket.destroyed) done();
      else socket.end(() => done());
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket?.destroy();
    this.#due = [];
    done(error);
  }
}
