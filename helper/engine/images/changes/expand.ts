import { Failure } from '../../failure.ts';

const SPECIAL = '@*#?-$!0';

const wrong = (message: string): Failure => new Failure('invalidParameter', message);

/** A shell's pattern (`*`, `?`, backslash) as the source of a regular expression. */
function patternSource(pattern: string, star: string): string {
  return pattern.replace(/\\([\s\S])|([\s\S])/g, (_, escaped: string | undefined, plain: string) => {
    if (escaped !== undefined) return escaped.replace(/[^\w\s/]/g, '\\$&');
    if (plain === '*') return star;
    return plain === '?' ? '[\\s\\S]' : plain.replace(/[^\w\s/]/g, '\\$&');
  });
}

/** Reads one text from its beginning; what it has read is `text`, and in `words` what spaces outside of quotes part. */
class Reader {
  #at = 0;
  constructor(
    readonly source: string,
    readonly environment: ReadonlyMap<string, string>,
  ) {}

  get ended(): boolean {
    return this.#at >= this.source.length;
  }

  get #next(): string {
    return this.source[this.#at] ?? '';
  }

  #take(): string {
    const character = this.#next;
    this.#at += 1;
    return character;
  }

  /** Up to `stop`, which is read too, or to the end. `raw` keeps backslashes, for a pattern. */
  until(stop: string | undefined, raw = false): { text: string; words: string[] } {
    let text = '';
    let word: string | undefined;
    const words: string[] = [];
    const add = (part: string): void => {
      text += part;
      word = (word ?? '') + part;
    };
    const split = (part: string): void => {
      text += part;
      for (const character of part) {
        if (!/\s/.test(character)) word = (word ?? '') + character;
        else if (word) {
          words.push(word);
          word = undefined;
        }
      }
    };
    while (!this.ended) {
      if (this.#next === stop) {
        this.#at += 1;
        return { text, words: word ? [...words, word] : words };
      }
      if (this.#next === "'") add(this.#single());
      else if (this.#next === '"') add(this.#double(raw));
      else if (this.#next === '$') split(this.#variable());
      else if (this.#next === '\\') {
        this.#at += 1;
        if (raw) add('\\');
        if (!this.ended) add(this.#take());
      } else split(this.#take());
    }
    if (stop !== undefined) throw wrong(stop === '/' ? "syntax error: missing '/' in ${}" : "syntax error: missing '}'");
    return { text, words: word ? [...words, word] : words };
  }

  #single(): string {
    const end = this.source.indexOf("'", this.#at + 1);
    if (end < 0) throw wrong('unexpected end of statement while looking for matching single-quote');
    const text = this.source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return text;
  }

  #double(raw: boolean): string {
    this.#at += 1;
    let text = '';
    while (!this.ended) {
      if (this.#next === '"') {
        this.#at += 1;
        return text;
      }
      if (this.#next === '$') text += this.#variable();
      else if (this.#next === '\\') {
        this.#at += 1;
        // Other backslashes stay as they are.
        const escapes = /["$\\]/.test(this.#next);
        if (raw || !escapes) text += '\\';
        if (escapes) text += this.#take();
      } else text += this.#take();
    }
    throw wrong('unexpected end of statement while looking for matching double-quote');
  }

  #name(): string {
    const rest = this.source.slice(this.#at);
    const name =
      /^\d+/.exec(rest)?.[0] ?? (this.#next !== '' && SPECIAL.includes(this.#next) ? this.#next : /^[\p{L}\d_]*/u.exec(rest)?.[0]);
    this.#at += (name ?? '').length;
    return name ?? '';
  }

  #variable(): string {
    this.#at += 1;
    if (this.#next !== '{') {
      const name = this.#name();
      return name === '' ? '$' : (this.environment.get(name) ?? '');
    }
    this.#at += 1;
    if (this.ended) throw wrong("syntax error: missing '}'");
    if ('{}:'.includes(this.#next)) throw wrong('syntax error: bad substitution');
    const name = this.#name();
    const modifier = this.#take();
    if (modifier === '}') return this.environment.get(name) ?? '';
    if (modifier === '/') return this.#replaced(this.environment.get(name) ?? '');
    if (modifier === ':') return this.#modified(name, this.#take(), true);
    return this.#modified(name, modifier, false);
  }

  /** `:` counts an empty variable as one that is not set. */
  #modified(name: string, modifier: string, colon: boolean): string {
    const trims = modifier === '#' || modifier === '%';
    if (modifier === '' || !'+-?#%'.includes(modifier) || (trims && colon)) {
      throw wrong(`unsupported modifier (${colon ? ':' : ''}${modifier}) in substitution`);
    }
    const { text } = this.until('}', trims);
    const value = this.environment.get(name);
    const there = value !== undefined && !(colon && value === '');
    switch (modifier) {
      case '-':
        return there ? value : text;
      case '+':
        return there ? text : '';
      case '?':
        if (there) return value;
        throw wrong(`${name}: ${text || `is not allowed to be ${value === undefined ? 'unset' : 'empty'}`}`);
      default:
        return trimmed(value ?? '', text, modifier);
    }
  }

  #replaced(value: string): string {
    const all = this.#next === '/';
    if (all) this.#at += 1;
    const pattern = this.until('/', true).text;
    const replacement = this.until('}', true).text;
    return value.replace(new RegExp(patternSource(pattern, '[\\s\\S]*'), all ? 'g' : ''), () => replacement);
  }
}

/** `${x#pattern}`, `${x%pattern}`: the shortest match taken off the front or the end; doubled, the longest. */
function trimmed(value: string, text: string, modifier: string): string {
  const longest = text.startsWith(modifier);
  const source = patternSource(longest ? text.slice(1) : text, '[\\s\\S]*');
  const whole = new RegExp(`^(?:${source})$`);
  const lengths = Array.from({ length: value.length + 1 }, (_, at) => at);
  if (longest) lengths.reverse();
  for (const length of lengths) {
    const [part, rest] =
      modifier === '#'
        ? [value.slice(0, length), value.slice(length)]
        : [value.slice(value.length - length), value.slice(0, value.length - length)];
    if (whole.test(part)) return rest;
  }
  return value;
}

const mapOf = (environment: readonly string[]): Map<string, string> =>
  new Map(
    environment.map((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [entry, ''] : [entry.slice(0, equals), entry.slice(equals + 1)];
    }),
  );

function process(text: string, environment: readonly string[]): { text: string; words: string[] } {
  try {
    return new Reader(text, mapOf(environment)).until(undefined);
  } catch (error) {
    if (error instanceof Failure) throw wrong(`failed to process ${JSON.stringify(text)}: ${error.message}`);
    throw error;
  }
}

/**
 * A word as a shell would read it: quotes and backslashes are taken away, variables replaced. Pure.
 * @param environment `NAME=value` entries; what is not there is empty
 * @throws Failure invalidParameter for an open quote, or a substitution that is none
 * Source: Dockerfile reference, "Environment replacement"
 */
export function expand(text: string, environment: readonly string[]): string {
  return process(text, environment).text;
}

/** The same, parted at the spaces that are outside of quotes: a variable can give several words, or none. */
export function expandToWords(text: string, environment: readonly string[]): string[] {
  return process(text, environment).words;
}
