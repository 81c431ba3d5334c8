const MESSAGE_BYTES = 64 * 1024;

/** Bytes on their way to one view: sent in messages of at most 64 KiB, never more than the view gave credit for. */
export class ByteQueue {
  readonly #send: (data: Uint8Array) => void;
  #chunks: Buffer[] = [];
  #length = 0;
  #credit = 0;

  constructor(send: (data: Uint8Array) => void) {
    this.#send = send;
  }

  /** Bytes waiting for credit. */
  get length(): number {
    return this.#length;
  }

  push(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    this.#pump();
  }

  credit(bytes: number): void {
    this.#credit = Math.min(Number.MAX_SAFE_INTEGER, this.#credit + bytes);
    this.#pump();
  }

  #pump(): void {
    while (this.#length > 0 && this.#credit > 0) {
      const size = Math.min(this.#length, this.#credit, MESSAGE_BYTES);
      // A copy of exactly these bytes: a view would be cloned with the whole buffer behind it.
      const message = new Uint8Array(size);
      let at = 0;
      while (at < size) {
        const [chunk] = this.#chunks as [Buffer];
        const part = chunk.subarray(0, size - at);
        message.set(part, at);
        at += part.length;
        if (part.length === chunk.length) this.#chunks.shift();
        else this.#chunks[0] = chunk.subarray(part.length);
      }
      this.#length -= size;
      this.#credit -= size;
      this.#send(message);
    }
  }
}
