/**
 * The framing of multiplexed streams: an 8-byte header `[stream, 0, 0, 0, length (big endian)]`, then the payload.
 * Source: Docker API, POST /containers/{id}/attach, "Stream format".
 */
export const STDOUT = 1;
export const STDERR = 2;
export const HEADER_LENGTH = 8;

export function writeHeader(into: Buffer, at: number, stream: number, length: number): void {
  into[at] = stream;
  into[at + 1] = 0;
  into[at + 2] = 0;
  into[at + 3] = 0;
  into.writeUInt32BE(length, at + 4);
}

export function frame(stream: number, payload: Uint8Array): Buffer {
  const framed = Buffer.allocUnsafe(HEADER_LENGTH + payload.length);
  writeHeader(framed, 0, stream, payload.length);
  framed.set(payload, HEADER_LENGTH);
  return framed;
}

/** Takes frames apart again, from chunks that are cut anywhere. */
export class FrameReader {
  #header = Buffer.alloc(HEADER_LENGTH);
  #headerFilled = 0;
  #remaining = 0;
  #stream = 0;

  /** Parts of payloads in order; a payload that spans chunks comes in several parts. */
  *read(chunk: Buffer): Generator<{ stream: number; data: Buffer }> {
    let at = 0;
    while (at < chunk.length) {
      if (this.#remaining === 0) {
        const taken = Math.min(HEADER_LENGTH - this.#headerFilled, chunk.length - at);
        chunk.copy(this.#header, this.#headerFilled, at, at + taken);
        this.#headerFilled += taken;
        at += taken;
        if (this.#headerFilled < HEADER_LENGTH) return;
        this.#headerFilled = 0;
        this.#stream = this.#header[0] ?? 0;
        this.#remaining = this.#header.readUInt32BE(4);
      } else {
        const taken = Math.min(this.#remaining, chunk.length - at);
        yield { stream: this.#stream, data: chunk.subarray(at, at + taken) };
        this.#remaining -= taken;
        at += taken;
      }
    }
  }
}
