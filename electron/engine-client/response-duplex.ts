import type { IncomingMessage } from 'node:http';
import { Duplex } from 'node:stream';

/**
 * A hijack answered with 200 instead of 101 (old engines): node:http hands the bytes out as the answer's body, while what we
 * write goes to the socket below it.
 */
export class ResponseDuplex extends Duplex {
  readonly #response: IncomingMessage;
  readonly #socket: Duplex;

  constructor(response: IncomingMessage, socket: Duplex) {
    super({ allowHalfOpen: true });
    this.#response = response;
    this.#socket = socket;
    response.on('data', (chunk: Buffer) => {
      if (!this.push(chunk)) response.pause();
    });
    response.on('end', () => this.push(null));
    response.on('error', (error) => this.destroy(error));
    socket.on('error', (error) => this.destroy(error));
    socket.on('close', () => {
      if (!response.complete && !response.readableEnded) this.push(null);
    });
  }

  override _read(): void {
    this.#response.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, encoding, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#response.destroy();
    this.#socket.destroy();
    done(error);
  }
}
