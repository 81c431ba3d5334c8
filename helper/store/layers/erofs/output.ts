import { writeSync } from 'node:fs';
import { BLOCK } from './format.ts';

/** Writes the whole of `data` at `position`; a short write (disk nearly full) is continued or fails. */
export function writeFully(fd: number, data: Buffer, position: number | null): void {
  let done = 0;
  while (done < data.length) {
    done += writeSync(fd, data, done, data.length - done, position === null ? null : position + done);
  }
}

/** Appends to an image file through one buffer; knows the position in blocks. */
export class Output {
  readonly fd: number;
  readonly #buffer = Buffer.allocUnsafe(1024 * 1024);
  #fill = 0;
  #flushed: number;

  constructor(fd: number, start: number) {
    this.fd = fd;
    this.#flushed = start;
  }

  get position(): number {
    return this.#flushed + this.#fill;
  }

  /** The block that comes next. Only when the position is at a block's start. */
  get block(): number {
    return this.position / BLOCK;
  }

  write(chunk: Buffer): void {
    if (this.#fill + chunk.length <= this.#buffer.length) {
      chunk.copy(this.#buffer, this.#fill);
      this.#fill += chunk.length;
      return;
    }
    this.flush();
    if (chunk.length >= this.#buffer.length / 2) {
      writeFully(this.fd, chunk, this.#flushed);
      this.#flushed += chunk.length;
      return;
    }
    chunk.copy(this.#buffer, 0);
    this.#fill = chunk.length;
  }

  /** Zeros up to the next block. */
  pad(): void {
    const rest = (BLOCK - (this.position % BLOCK)) % BLOCK;
    if (rest > 0) this.write(ZEROS.subarray(0, rest));
  }

  flush(): void {
    if (this.#fill === 0) return;
    writeFully(this.fd, this.#buffer.subarray(0, this.#fill), this.#flushed);
    this.#flushed += this.#fill;
    this.#fill = 0;
  }
}

const ZEROS = Buffer.alloc(BLOCK);
