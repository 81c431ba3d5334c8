/** What a chunk completed: whole lines, and pieces of a line that grew beyond the limit. */
export interface CutLine {
  /** Without the line's end (LF or CR LF). A view onto the chunk where possible. */
  data: Buffer;
  /** Bytes it took on the wire, its end included. */
  bytes: number;
  /** False: the line goes on in the next one (it is longer than the limit). */
  ended: boolean;
}

/** Splits bytes into lines over chunk borders; a line without end holds at most `limitBytes` in memory. */
export class LineSplitter {
  readonly #limitBytes: number;
  #parts: Buffer[] = [];
  #length = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  push(chunk: Buffer): CutLine[] {
    const lines: CutLine[] = [];
    let from = 0;
    while (from < chunk.length) {
      const end = chunk.indexOf(10, from);
      const to = end === -1 ? chunk.length : end;
      const room = this.#limitBytes - this.#length;
      if (to - from > room) {
        const piece = this.#take(chunk.subarray(from, from + room), 0, false);
        // The beginning of a character that was cut goes into the next piece.
        const rest = incompleteTail(piece.data);
        if (rest > 0) {
          this.#parts = [piece.data.subarray(piece.data.length - rest)];
          this.#length = rest;
        }
        lines.push({ ...piece, data: piece.data.subarray(0, piece.data.length - rest), bytes: piece.bytes - rest });
        from += room;
        continue;
      }
      if (end === -1) {
        this.#parts.push(chunk.subarray(from));
        this.#length += chunk.length - from;
        break;
      }
      lines.push(this.#take(chunk.subarray(from, end), 1, true));
      from = end + 1;
    }
    return lines;
  }

  /** What is left when the stream has ended without a line's end. */
  flush(): CutLine | undefined {
    return this.#length === 0 ? undefined : this.#take(Buffer.alloc(0), 0, true);
  }

  #take(last: Buffer, endBytes: number, ended: boolean): CutLine {
    let data = last;
    if (this.#parts.length > 0) {
      data = Buffer.concat([...this.#parts, last], this.#length + last.length);
      this.#parts = [];
      this.#length = 0;
    }
    const bytes = data.length + endBytes;
    if (ended && data.at(-1) === 13) data = data.subarray(0, -1);
    return { data, bytes, ended };
  }
}

/** Bytes at the end that begin a UTF-8 character without ending it (0 to 3). */
function incompleteTail(data: Buffer): number {
  for (let back = 1; back <= 3 && back <= data.length; back += 1) {
    const byte = data[data.length - back] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const needs = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return needs > back ? back : 0;
  }
  return 0;
}
