import type { LogLine } from '../../../electron/ipc/contract.ts';
import { hasEscapes, plainText } from './ansi.ts';

const blockLines = 4096;

interface Block {
  /** All lines, joined; line i is text[offsets[i] … offsets[i+1]). A sealed block is one flat string. */
  text: string;
  offsets: Uint32Array;
  ms: Float64Array;
  flags: Uint8Array;
  /** Width of each line in terminal cells, so that wrapping a million lines again measures none of them. */
  cells: Uint32Array;
  count: number;
  escapes: boolean;
}

function newBlock(): Block {
  return {
    text: '',
    offsets: new Uint32Array(blockLines + 1),
    ms: new Float64Array(blockLines),
    flags: new Uint8Array(blockLines),
    cells: new Uint32Array(blockLines),
    count: 0,
    escapes: false,
  };
}

const isError = 1;
/** Has characters of other widths than one cell (wide ones, tabs): its rows have to be walked. */
const isUneven = 2;

export interface StoredLine {
  text: string;
  ms: number;
  err: boolean;
}

/**
 * Log lines outside of React: a million lines are 245 strings and some typed arrays, not a million objects.
 * Line numbers count from 0 at the first line ever added; the oldest blocks go when there are more than `limit` lines.
 */
export class LogStore {
  #blocks: Block[] = [newBlock()];
  #firstBlock = 0;
  #next = 0;
  readonly #limit: number;

  constructor(limit = 2_000_000) {
    this.#limit = limit;
  }

  /** Number of the oldest line that is still there. */
  get first(): number {
    return this.#firstBlock * blockLines;
  }
  /** One beyond the newest line. */
  get end(): number {
    return this.#next;
  }

  append(lines: readonly Pick<LogLine, 'text' | 'ms' | 'err'>[]): void {
    for (const line of lines) {
      let block = this.#blocks[this.#blocks.length - 1] as Block;
      if (block.count === blockLines) {
        block = newBlock();
        this.#blocks.push(block);
      }
      const i = block.count++;
      block.text += line.text;
      block.offsets[i + 1] = block.text.length;
      block.ms[i] = line.ms;
      let flags = line.err ? isError : 0;
      let plain = line.text;
      if (hasEscapes(plain)) {
        block.escapes = true;
        plain = plainText(plain);
      }
      let cells = plain.length;
      if (/[^ -~]/.test(plain)) {
        cells = cellWidth(plain);
        flags |= isUneven;
      }
      block.cells[i] = cells;
      block.flags[i] = flags;
      this.#next++;
    }
    while (this.end - this.first > this.#limit && this.#blocks.length > 1) {
      this.#blocks.shift();
      this.#firstBlock++;
    }
  }

  clear(): void {
    this.#blocks = [newBlock()];
    // Numbers go on, so that a view knows its lines are gone.
    this.#firstBlock = Math.ceil(this.#next / blockLines);
    this.#next = this.#firstBlock * blockLines;
  }

  #at(line: number): { block: Block; i: number } | undefined {
    const block = this.#blocks[Math.floor(line / blockLines) - this.#firstBlock];
    const i = line % blockLines;
    return block && i < block.count ? { block, i } : undefined;
  }

  /** The line as the container wrote it, escapes included. */
  raw(line: number): string {
    const at = this.#at(line);
    return at ? at.block.text.slice(at.block.offsets[at.i], at.block.offsets[at.i + 1]) : '';
  }
  /** The line as it is seen. */
  plain(line: number): string {
    const at = this.#at(line);
    const text = this.raw(line);
    return at?.block.escapes ? plainText(text) : text;
  }
  get(line: number): StoredLine | undefined {
    const at = this.#at(line);
    return at && { text: this.raw(line), ms: at.block.ms[at.i] ?? 0, err: isErrorAt(at) };
  }
  isErr(line: number): boolean {
    const at = this.#at(line);
    return at !== undefined && isErrorAt(at);
  }

  /** Rows that a line takes at `cols` cells. */
  rows(line: number, cols: number): number {
    const at = this.#at(line);
    const cells = at?.block.cells[at.i] ?? 0;
    if (!at || cells <= cols) return 1;
    return ((at.block.flags[at.i] ?? 0) & isUneven) === 0 ? Math.ceil(cells / cols) : rowStarts(this.plain(line), cols).length;
  }

  /**
   * Numbers of the lines in [from, to) that contain `needle` (any case) on the wanted stream.
   * Whole blocks are searched at once where no line has escapes.
   */
  find(needle: string, from: number, to: number, stream: 'all' | 'out' | 'err' = 'all'): number[] {
    const found: number[] = [];
    const low = needle.toLowerCase();
    const wanted = (line: number) => stream === 'all' || this.isErr(line) === (stream === 'err');
    for (let line = Math.max(from, this.first); line < Math.min(to, this.end); ) {
      const block = this.#blocks[Math.floor(line / blockLines) - this.#firstBlock];
      if (!block) break;
      const base = line - (line % blockLines);
      const stop = Math.min(to, base + block.count);
      if (low && !block.escapes) {
        const text = block.text.toLowerCase();
        // toLowerCase may change the length (İ); then offsets don't fit and lines are searched one by one.
        if (text.length === block.text.length) {
          let i = line - base;
          while (i < stop - base) {
            const hit = text.indexOf(low, block.offsets[i]);
            if (hit < 0) break;
            i = lineOf(block, hit, i);
            // A hit across the border of two lines is none.
            if (hit + low.length <= (block.offsets[i + 1] ?? 0) && i < stop - base) {
              if (wanted(base + i)) found.push(base + i);
              i++;
            } else if (text.indexOf(low, hit + 1) < 0) break;
            else if (!text.slice(hit + 1, block.offsets[i + 1]).includes(low)) i++;
            else {
              if (wanted(base + i) && i < stop - base) found.push(base + i);
              i++;
            }
          }
          line = base + blockLines;
          continue;
        }
      }
      for (; line < stop; line++) if (wanted(line) && (!low || this.plain(line).toLowerCase().includes(low))) found.push(line);
      line = base + blockLines;
    }
    return found;
  }

  /** All lines as one text, for saving. */
  text(time?: (ms: number) => string): string {
    const parts: string[] = [];
    for (let line = this.first; line < this.end; line++) {
      const ms = this.get(line)?.ms ?? 0;
      parts.push(time && ms ? `${time(ms)} ${this.plain(line)}` : this.plain(line));
    }
    return `${parts.join('\n')}\n`;
  }
}

function isErrorAt({ block, i }: { block: Block; i: number }): boolean {
  return ((block.flags[i] ?? 0) & isError) !== 0;
}

function lineOf(block: Block, offset: number, from: number): number {
  let low = from;
  let high = block.count - 1;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if ((block.offsets[middle] ?? 0) <= offset) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Characters that a terminal draws two cells wide. Source: Unicode East Asian Width W and F, and emoji, by ranges. */
function isWide(code: number): boolean {
  return (
    code >= 0x1100 &&
    (code <= 0x115f ||
      (code >= 0x2e80 && code <= 0x303e) ||
      (code >= 0x3041 && code <= 0xa4cf) ||
      (code >= 0xac00 && code <= 0xd7a3) ||
      (code >= 0xf900 && code <= 0xfaff) ||
      (code >= 0xfe30 && code <= 0xfe6f) ||
      (code >= 0xff00 && code <= 0xff60) ||
      (code >= 0xffe0 && code <= 0xffe6) ||
      (code >= 0x1f300 && code <= 0x1faff) ||
      (code >= 0x20000 && code <= 0x3fffd))
  );
}

export function cellWidth(text: string): number {
  let cells = 0;
  for (const char of text) cells += isWide(char.codePointAt(0) ?? 0) ? 2 : char === '\t' ? 8 - (cells % 8) : 1;
  return cells;
}

/** Where a text breaks into rows of `cols` cells: the start of each row. Hard breaks, as terminals do. */
export function rowStarts(text: string, cols: number): number[] {
  const starts = [0];
  let cells = 0;
  let at = 0;
  for (const char of text) {
    const width = isWide(char.codePointAt(0) ?? 0) ? 2 : char === '\t' ? 8 - (cells % 8) : 1;
    if (cells + width > cols && at > 0) {
      starts.push(at);
      cells = 0;
    }
    cells += width;
    at += char.length;
  }
  return starts;
}
