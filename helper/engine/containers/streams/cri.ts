import { frame, HEADER_LENGTH, STDERR, STDOUT, writeHeader } from './frames.ts';

/**
 * conmon's log records: `2026-11-24T19:04:10.123456789+00:00 stdout F text\n`. All fields before the text have a fixed width,
 * so a record is taken apart by offsets, without looking at its bytes.
 * Source: Kubernetes CRI logging format, as conmon writes it (RFC 3339 with nine digits and a numeric offset).
 */
const OFFSET_AT = 29;
const STREAM_AT = 36;
/** `o` of stdout, `e` of stderr. */
const STREAM_LETTER_AT = STREAM_AT + 3;
export const TAG_AT = 43;
export const TEXT_AT = 45;
const NEWLINE = 10;
const PARTIAL = 'P'.charCodeAt(0);
const LETTER_O = 'o'.charCodeAt(0);
/** `2026-11-24T19:04:10.123456789Z ` */
const STAMP_LENGTH = 31;

/** Time of the record that starts at `at`, in nanoseconds since the epoch; undefined if it is no record. */
export function recordTime(chunk: Buffer, at: number): bigint | undefined {
  if (chunk.length < at + TEXT_AT) return undefined;
  const ms = Date.parse(`${chunk.toString('latin1', at, at + 19)}${chunk.toString('latin1', at + OFFSET_AT, at + OFFSET_AT + 6)}`);
  const nanos = Number(chunk.toString('latin1', at + 20, at + 29));
  return Number.isNaN(ms) || Number.isNaN(nanos) ? undefined : BigInt(ms) * 1_000_000n + BigInt(nanos);
}

export function isPartial(chunk: Buffer, at: number): boolean {
  return chunk[at + TAG_AT] === PARTIAL;
}

export interface RenderOptions {
  stdout: boolean;
  stderr: boolean;
  timestamps: boolean;
  /** Raw bytes for a TTY, frames otherwise. */
  multiplexed: boolean;
  /** Goes before each line, after its time: `key=value,… `. */
  details: string;
}

/** Turns records into the bytes that go to a client. Holds what must be known from one chunk to the next. */
export class Renderer {
  /** Streams whose last record was partial: the next one goes on in its line, without a time. */
  #open = [false, false, false];
  #options: RenderOptions;
  #details: Buffer;
  #stampSource = '';
  #stamp = Buffer.alloc(STAMP_LENGTH, ' ');

  constructor(options: RenderOptions) {
    this.#options = options;
    this.#details = Buffer.from(options.details);
  }

  /**
   * @param chunk whole records, each ending in a newline, from `start` to `end`
   * @returns a new buffer of wire bytes
   */
  render(chunk: Buffer, start: number, end: number): Buffer {
    const { stdout, stderr, timestamps, multiplexed } = this.#options;
    const details = this.#details.length;
    // A record's header is 45 bytes; a frame's header, a time and the newline are 40: what comes out is never longer.
    const out = Buffer.allocUnsafe(details ? this.#bound(chunk, start, end) : end - start);
    let to = 0;
    for (let at = start; at < end; ) {
      let next = chunk.indexOf(NEWLINE, at);
      if (next < 0 || next >= end) next = end - 1;
      const text = at + TEXT_AT;
      if (next < text) {
        at = next + 1;
        continue;
      }
      const stream = chunk[at + STREAM_LETTER_AT] === LETTER_O ? STDOUT : STDERR;
      const partial = chunk[at + TAG_AT] === PARTIAL;
      const fresh = !this.#open[stream];
      this.#open[stream] = partial;
      if (stream === STDOUT ? stdout : stderr) {
        const prefix = fresh ? (timestamps ? STAMP_LENGTH : 0) + details : 0;
        const length = prefix + (next - text) + (partial ? 0 : 1);
        if (multiplexed) {
          writeHeader(out, to, stream, length);
          to += HEADER_LENGTH;
        }
        if (fresh && timestamps) {
          this.#writeStamp(chunk, at, out, to);
          to += STAMP_LENGTH;
        }
        if (fresh && details) to += this.#details.copy(out, to);
        to += chunk.copy(out, to, text, next);
        if (!partial) {
          out[to] = NEWLINE;
          to += 1;
        }
      }
      at = next + 1;
    }
    return out.subarray(0, to);
  }

  /** Ends the lines whose rest will not come. */
  breakLines(): Buffer {
    const { stdout, stderr, multiplexed } = this.#options;
    const ends = [STDOUT, STDERR].filter((stream) => this.#open[stream] && (stream === STDOUT ? stdout : stderr));
    this.#open.fill(false);
    return Buffer.concat(ends.map((stream) => (multiplexed ? frame(stream, Buffer.from('\n')) : Buffer.from('\n'))));
  }

  #bound(chunk: Buffer, start: number, end: number): number {
    let records = 0;
    for (let at = start; at >= 0 && at < end; records += 1) {
      const next = chunk.indexOf(NEWLINE, at);
      at = next < 0 ? end : next + 1;
    }
    return end - start + records * this.#details.length;
  }

  /** UTC with nine digits, as dockerd writes it; conmon has local time. */
  #writeStamp(chunk: Buffer, at: number, out: Buffer, to: number): void {
    const second = chunk.toString('latin1', at, at + 19) + chunk.toString('latin1', at + OFFSET_AT, at + OFFSET_AT + 6);
    if (second !== this.#stampSource) {
      this.#stampSource = second;
      const ms = Date.parse(second);
      this.#stamp.write(Number.isNaN(ms) ? second.slice(0, 19) : new Date(ms).toISOString().slice(0, 19), 0, 'latin1');
      this.#stamp.write('.', 19, 'latin1');
      this.#stamp.write('Z ', 29, 'latin1');
    }
    this.#stamp.copy(out, to, 0, STAMP_LENGTH);
    chunk.copy(out, to + 20, at + 20, at + 29);
  }
}
