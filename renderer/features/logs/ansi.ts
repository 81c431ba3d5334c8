/** A piece of a log line with one look. `fg` and `bg`: 0–15 of the palette, or a CSS colour. */
export interface Span {
  text: string;
  fg?: number | string;
  bg?: number | string;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
}
type Look = Omit<Span, 'text'>;

const sequence = /\u001b(?:\[([0-9;:?]*)([@-~])|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g;
const controls = /[\u0000-\u0008\u000b-\u001f\u007f]/g;

/** Whether a line needs any of this. */
export function hasEscapes(text: string): boolean {
  return text.includes('\u001b') || text.includes('\r');
}

/** The text as it is seen: no escape sequences, of what carriage returns overwrite the last. */
export function plainText(text: string): string {
  if (!hasEscapes(text)) return text;
  let seen = '';
  for (const span of parseAnsi(text)) seen += span.text;
  return seen;
}

const cube = (n: number) => (n === 0 ? 0 : 55 + 40 * n);
function colour256(n: number): number | string {
  if (n < 16) return n;
  if (n >= 232) {
    const grey = 8 + 10 * (n - 232);
    return `rgb(${grey} ${grey} ${grey})`;
  }
  const i = n - 16;
  return `rgb(${cube(Math.floor(i / 36))} ${cube(Math.floor(i / 6) % 6)} ${cube(i % 6)})`;
}

function apply(look: Look, codes: number[]): Look {
  let next: Look = { ...look };
  for (let i = 0; i < codes.length; i++) {
    const code = codes[i] ?? 0;
    if (code === 0) next = {};
    else if (code === 1) next.bold = true;
    else if (code === 2) next.dim = true;
    else if (code === 3) next.italic = true;
    else if (code === 4) next.underline = true;
    else if (code === 7) next.inverse = true;
    else if (code === 22) {
      delete next.bold;
      delete next.dim;
    } else if (code === 23) delete next.italic;
    else if (code === 24) delete next.underline;
    else if (code === 27) delete next.inverse;
    else if (code >= 30 && code <= 37) next.fg = code - 30;
    else if (code >= 90 && code <= 97) next.fg = code - 82;
    else if (code >= 40 && code <= 47) next.bg = code - 40;
    else if (code >= 100 && code <= 107) next.bg = code - 92;
    else if (code === 39) delete next.fg;
    else if (code === 49) delete next.bg;
    else if (code === 38 || code === 48) {
      const colour =
        codes[i + 1] === 5 ? colour256(codes[i + 2] ?? 0) : `rgb(${codes[i + 2] ?? 0} ${codes[i + 3] ?? 0} ${codes[i + 4] ?? 0})`;
      i += codes[i + 1] === 5 ? 2 : 4;
      if (code === 38) next.fg = colour;
      else next.bg = colour;
    }
  }
  return next;
}

/** A line as spans, at most as many as it has changes of look. */
export function parseAnsi(text: string): Span[] {
  if (!hasEscapes(text)) return [{ text }];
  const spans: Span[] = [];
  let look: Look = {};
  let at = 0;
  let overwrite = false;
  const push = (stop: number) => {
    for (const [i, part] of text.slice(at, stop).split('\r').entries()) {
      if (i > 0) overwrite = true;
      const visible = part.replace(controls, '');
      if (!visible) continue;
      // Progress bars rewrite their line: only text that comes after the carriage return replaces it.
      if (overwrite) spans.length = 0;
      overwrite = false;
      spans.push({ text: visible, ...look });
    }
  };
  for (const found of text.matchAll(sequence)) {
    push(found.index);
    at = found.index + found[0].length;
    if (found[2] === 'm') look = apply(look, (found[1] ?? '').split(/[;:]/).map(Number));
  }
  push(text.length);
  return spans;
}
