const LIMIT_BYTES = 256 * 1024;
/** How far to look for a line's end, so that a replay does not begin within a character or an escape sequence. */
const BORDER_BYTES = 4 * 1024;

/** The last 256 KiB of a terminal's output, for a new view. */
export class Replay {
  #chunks: Buffer[] = [];
  #length = 0;
  #cut = false;

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    // Many small chunks would cost more than what they hold: now and then they become one.
    if (this.#length > 2 * LIMIT_BYTES || this.#chunks.length > 4096) this.#compact();
  }

  clear(): void {
    this.#chunks = [];
    this.#length = 0;
    this.#cut = false;
  }

  bytes(): Buffer {
    this.#compact();
    const [all = Buffer.alloc(0)] = this.#chunks;
    if (!this.#cut) return all;
    const end = all.subarray(0, BORDER_BYTES).indexOf(10);
    return end === -1 ? all : all.subarray(end + 1);
  }

  #compact(): void {
    const all = Buffer.concat(this.#chunks, this.#length);
    if (all.length > LIMIT_BYTES) this.#cut = true;
    // Copied, so that the buffers it came in are let go.
    const kept = all.length > LIMIT_BYTES ? Buffer.from(all.subarray(all.length - LIMIT_BYTES)) : all;
    this.#chunks = [kept];
    this.#length = kept.length;
  }
}
