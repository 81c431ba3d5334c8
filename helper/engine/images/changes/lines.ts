import { Failure } from '../../failure.ts';

/** One line of a Dockerfile: `HEALTHCHECK --interval=5s CMD x` → its name as it was written, its flags, and the rest, trimmed. */
export interface Instruction {
  name: string;
  flags: string[];
  rest: string;
}

const CONTINUED = /([^\\])\\[ \t]*$|^\\[ \t]*$/;

/** Lines joined where they end with a backslash; comments and empty lines are left out, also within such a line. */
function joined(text: string): string[] {
  const lines: string[] = [];
  let open: string | undefined;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/\r$/, '');
    if (/^\s*#/.test(line) || line.trim() === '') continue;
    const continued = CONTINUED.test(line);
    const part = continued ? line.replace(CONTINUED, '$1') : line;
    open = open === undefined ? part.trimStart() : open + part;
    if (continued) continue;
    lines.push(open);
    open = undefined;
  }
  if (open?.trim()) lines.push(open);
  return lines;
}

/** The words before the arguments that begin with `--`, without their quotes. `--` alone ends them. */
function takeFlags(text: string): { flags: string[]; rest: string } {
  const flags: string[] = [];
  let rest = text.trimStart();
  while (rest.startsWith('--')) {
    const word = /^(?:[^\s'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+/.exec(rest)?.[0] ?? rest;
    rest = rest.slice(word.length).trimStart();
    if (word === '--') break;
    flags.push(word.replace(/\\(.)|'([^']*)'|"((?:[^"\\]|\\.)*)"/g, (_, escaped, single, double) => escaped ?? single ?? double ?? ''));
  }
  return { flags, rest: rest.trimEnd() };
}

/**
 * The instructions of a Dockerfile's text. Pure.
 * @throws Failure invalidParameter `file with no instructions`
 * Source: Dockerfile reference, "Format"
 */
export function instructionsOf(text: string): Instruction[] {
  const instructions = joined(text).map((line): Instruction => {
    const [name = ''] = line.trim().split(/\s/, 1);
    return { name, ...takeFlags(line.trim().slice(name.length)) };
  });
  if (instructions.length === 0) throw new Failure('invalidParameter', 'file with no instructions');
  return instructions;
}

/** Words between spaces, their quotes and backslashes still in them: quotes keep spaces in one word. Pure. */
export function quotedWords(text: string): string[] {
  return text.match(/(?:[^\s'"\\]|\\[\s\S]?|'[^']*(?:'|$)|"(?:[^"\\]|\\[\s\S]?)*(?:"|$))+/g) ?? [];
}

/** A JSON list of strings, or undefined for what is to be read as words. @throws Failure invalidParameter for a list of something else */
export function jsonList(text: string): string[] | undefined {
  if (!text.startsWith('[')) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) return undefined;
  if (value.every((item) => typeof item === 'string')) return value;
  throw new Failure('invalidParameter', 'when using JSON array syntax, arrays must be comprised of strings only');
}
