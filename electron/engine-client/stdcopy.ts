import { ProtocolError } from './errors.ts';

/** 0 stdin (echoed by some engines), 1 stdout, 2 stderr, 3 an error of the engine itself. */
export type StdStream = 0 | 1 | 2 | 3;
export interface StdPart {
  stream: StdStream;
  data: Buffer;
}

/**
 * Takes apart a multiplexed stream: frames of `[stream, 0, 0, 0, length as uint32 big endian]` and payload. Chunks may be cut
 * anywhere. Payloads are handed out as they come, never collected, so a frame may come out in several parts.
 *
 * Source: Docker API, POST /containers/{id}/attach, "Stream format"
 */
export class Stdcopy {
  readonly #header = Buffer.alloc(8);
  #headerLength = 0;
  #stream: StdStream = 1;
  #left = 0;

  /** @throws ProtocolError if a header is none: the stream is raw (a TTY), or broken */
  push(chunk: Buffer): StdPart[] {
    const parts: StdPart[] = [];
    let at = 0;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const data = chunk.subarray(at, at + this.#left);
        parts.push({ stream: this.#stream, data });
        at += data.length;
        this.#left -= data.length;
        continue;
      }
      const copied = chunk.copy(this.#header, this.#headerLength, at, Math.min(chunk.length, at + 8 - this.#headerLength));
      at += copied;
      this.#headerLength += copied;
      if (this.#headerLength < 8) break;
      const [stream = 255, a, b, c] = this.#header;
      if (stream > 3 || a !== 0 || b !== 0 || c !== 0) throw new ProtocolError('the stream is not multiplexed as it should be');
      this.#stream = stream as StdStream;
      this.#left = this.#header.readUInt32BE(4);
      this.#headerLength = 0;
    }
    return parts;
  }
}
