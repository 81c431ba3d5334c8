import { Failure } from '../engine/failure.ts';

/**
 * JSON bodies with dockerd's error texts. V8's parser is fast but words its errors differently in each version, so the text is
 * scanned again, only when it is wrong, by a scanner that words them as Go's encoding/json does: clients show these texts.
 */

/** @throws Failure invalidParameter `invalid JSON: …` or `unexpected content after JSON` */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    const reason = new Scanner(text).problem();
    throw new Failure('invalidParameter', reason ?? 'invalid JSON', { cause: error });
  }
}

class Problem extends Error {}

/** Finds the first offence against JSON, left to right. */
class Scanner {
  #at = 0;
  readonly #text: string;

  constructor(text: string) {
    this.#text = text;
  }

  problem(): string | undefined {
    try {
      this.#space();
      if (this.#at >= this.#text.length) return 'invalid JSON: got EOF while reading request body';
      this.#value();
    } catch (error) {
      if (error instanceof Problem) return `invalid JSON: ${error.message}`;
      throw error;
    }
    this.#space();
    return this.#at < this.#text.length ? 'unexpected content after JSON' : undefined;
  }

  #value(): void {
    this.#space();
    const character = this.#text[this.#at];
    if (character === '{') this.#object();
    else if (character === '[') this.#array();
    else if (character === '"') this.#string();
    else if (character === '-' || (character && character >= '0' && character <= '9')) this.#number();
    else if (character === 't') this.#literal('true');
    else if (character === 'f') this.#literal('false');
    else if (character === 'n') this.#literal('null');
    else this.#fail('looking for beginning of value');
  }

  #object(): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === '}') return void this.#at++;
    for (;;) {
      this.#space();
      if (this.#text[this.#at] !== '"') this.#fail('looking for beginning of object key string');
      this.#string();
      this.#space();
      if (this.#text[this.#at] !== ':') this.#fail('after object key');
      this.#at++;
      this.#value();
      this.#space();
      if (this.#text[this.#at] === '}') return void this.#at++;
      if (this.#text[this.#at] !== ',') this.#fail('after object key:value pair');
      this.#at++;
    }
  }

  #array(): void {
    this.#at++;
    this.#space();
    if (this.#text[this.#at] === ']') return void this.#at++;
    for (;;) {
      this.#value();
      this.#space();
      if (this.#text[this.#at] === ']') return void this.#at++;
      if (this.#text[this.#at] !== ',') this.#fail('after array element');
      this.#at++;
    }
  }

  #string(): void {
    for (this.#at++; ; this.#at++) {
      const character = this.#text[this.#at];
      if (character === '"') return void this.#at++;
      if (character === undefined || character < ' ') this.#fail('in string literal');
      if (character !== '\\') continue;
      const code = this.#text[++this.#at];
      if (code === 'u') {
        for (let digit = 0; digit < 4; digit++)
          if (!/[0-9a-fA-F]/.test(this.#text[++this.#at] ?? '')) this.#fail('in \\u hexadecimal character escape');
      } else if (!code || !'"\\/bfnrt'.includes(code)) this.#fail('in string escape code');
    }
  }

  #number(): void {
    if (this.#text[this.#at] === '-') this.#at++;
    if (this.#text[this.#at] === '0') this.#at++;
    else if (!this.#digits()) this.#fail('in numeric literal');
    if (this.#text[this.#at] === '.') {
      this.#at++;
      if (!this.#digits()) this.#fail('after decimal point in numeric literal');
    }
    if (this.#text[this.#at] === 'e' || this.#text[this.#at] === 'E') {
      this.#at++;
      if (this.#text[this.#at] === '+' || this.#text[this.#at] === '-') this.#at++;
      if (!this.#digits()) this.#fail('in exponent of numeric literal');
    }
  }

  #digits(): boolean {
    const start = this.#at;
    while (/\d/.test(this.#text[this.#at] ?? '')) this.#at++;
    return this.#at > start;
  }

  #literal(word: string): void {
    for (let i = 1; i < word.length; i++) {
      this.#at++;
      if (this.#text[this.#at] !== word[i]) this.#fail(`in literal ${word} (expecting '${word[i]}')`);
    }
    this.#at++;
  }

  #space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? 'x')) this.#at++;
  }

  #fail(where: string): never {
    if (this.#at >= this.#text.length) throw new Problem('unexpected EOF');
    const character = String.fromCodePoint(this.#text.codePointAt(this.#at) ?? 0);
    const shown =
      character === "'" ? `'\\''` : character === '\\' ? `'\\\\'` : `'${JSON.stringify(character).slice(1, -1).replace('\\"', '"')}'`;
    throw new Problem(`invalid character ${shown} ${where}`);
  }
}
