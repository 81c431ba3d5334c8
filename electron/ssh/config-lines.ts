/** A line of ssh_config(5): a keyword, in lower case, and what it is given. */
export interface ConfigLine {
  number: number;
  key: string;
  /** Apart at spaces that are not quoted, up to a comment. */
  words: string[];
  /** As it stands there, for what a shell reads again. */
  rest: string;
}

/**
 * Takes a configuration apart as OpenSSH does (argv_split): `'` and `"` quote, also parts of a word; `\` before a quote, another `\` or a
 * space takes it as it is; `#` begins a comment only where a word would begin.
 *
 * @returns `odd`: numbers of lines that make no sense, which are left out
 */
export function configLines(text: string): { lines: ConfigLine[]; odd: number[] } {
  const lines: ConfigLine[] = [];
  const odd: number[] = [];
  for (const [index, content] of text.split('\n').entries()) {
    const [, quoted, bare, rest = ''] =
      /^[ \t\f\r]*(?:"([^"]*)"|([^ \t\f\r="]+))(?:[ \t]*=[ \t]*|[ \t]+|$)(.*)$/.exec(content.trimEnd()) ?? [];
    const key = (quoted ?? bare)?.toLowerCase();
    if (content.trim() === '' || content.trimStart().startsWith('#')) continue;
    const words = key && wordsOf(rest);
    if (key && words && words.length > 0) lines.push({ number: index + 1, key, words, rest });
    else odd.push(index + 1);
  }
  return { lines, odd };
}

/** @returns undefined if a quote has no end */
function wordsOf(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = '';
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at] ?? '';
    const next = text[at + 1] ?? '';
    if (char === '\\' && next !== '' && (`'"\\`.includes(next) || (quote === '' && next === ' '))) {
      word = (word ?? '') + next;
      at += 1;
    } else if (quote !== '') {
      if (char === quote) quote = '';
      else word += char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= '';
    } else if (char === ' ' || char === '\t') {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (char === '#' && word === undefined) {
      return words;
    } else word = (word ?? '') + char;
  }
  if (quote !== '') return undefined;
  return word === undefined ? words : [...words, word];
}
