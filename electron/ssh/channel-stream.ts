import { Duplex, type Readable } from 'node:stream';

/** What this needs of ssh2's channels; `incoming` is not in its types. */
export interface RawChannel extends Duplex {
  stderr?: Readable;
  close(): void;
  incoming?: { window: number };
  outgoing?: { window: number };
}

const READ_AHEAD_BYTES = 1024 * 1024;

/**
 * An ssh2 channel as streams are elsewhere: destroying it closes it, a cut is an error, a write that can't succeed any more fails,
 * `end()` closes our half only.
 */
export class ChannelStream extends Duplex {
  readonly #channel: RawChannel;
  readonly #onFull: () => void;
  #pending: ((error?: Error | null) => void) | undefined;
  #closed = false;

  /** @param onFull what was written waits until the other side takes more */
  constructor(channel: RawChannel, onFull: () => void = () => {}) {
    // Not autoDestroy: a command's exit status comes after the end of its output.
    super({ allowHalfOpen: true, autoDestroy: false, readableHighWaterMark: READ_AHEAD_BYTES });
    this.#channel = channel;
    this.#onFull = onFull;
    channel.on('data', (chunk: Buffer) => {
      if (!this.destroyed && !this.push(chunk)) channel.pause();
    });
    channel.on('end', () => {
      if (!this.destroyed) this.push(null);
    });
    channel.on('error', (error) => this.destroy(error));
    channel.on('close', () => this.#onClose());
    channel.pause();
  }

  /** The connection below is gone: what was not closed in order is cut. */
  cut(error: Error): void {
    if (!this.#closed) this.destroy(error);
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#closed) return void this.destroy(closedError());
    this.#pending = done;
    this.#channel.write(chunk, encoding, (error) => {
      this.#pending = undefined;
      done(error);
    });
    if (this.#channel.outgoing?.window === 0) this.#onFull();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (!this.#closed) this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    const pending = this.#pending;
    this.#pending = undefined;
    pending?.(error ?? closedError());
    if (!this.#closed) this.#channel.close();
    // What still comes until the other side has closed, too, is thrown away.
    this.#channel.resume();
    done(error);
  }

  /** Both directions are over: whoever still writes is told; what was read already can be read to the end. */
  #onClose(): void {
    this.#closed = true;
    if (this.#pending) this.destroy(closedError());
    if (this.destroyed) return;
    if (this.readableEnded) this.destroy();
    else this.once('end', () => this.destroy());
  }
}

function closedError(): Error {
  return Object.assign(new Error('the other side closed the stream'), { code: 'EPIPE' });
}
