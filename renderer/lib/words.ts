/** One shell word. */
export function quoteWord(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

export function quoteWords(words: string[]): string {
  return words.map(quoteWord).join(' ');
}

/** Rows of a form as names with values, without those that have no name. */
export const pairsOf = (pairs: { name: string; value: string }[]): [string, string][] =>
  pairs.filter(({ name }) => name.trim() !== '').map(({ name, value }) => [name.trim(), value]);
