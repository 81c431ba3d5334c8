/** A filter field's text: free words and tokens (`state:exited host:nas label:tier=web`). All have to match. */
export interface Filter {
  words: string[];
  tokens: { name: string; value: string }[];
}

/**
 * @param text what the user typed; quotes keep spaces together (`image:"my image"`)
 * @param names the tokens that the page knows; any other `a:b` (such as `nginx:1.27`) is a word
 */
export function parseFilter(text: string, names: readonly string[]): Filter {
  const filter: Filter = { words: [], tokens: [] };
  for (const part of text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? []) {
    const plain = part.replaceAll('"', '');
    const colon = plain.indexOf(':');
    const name = plain.slice(0, colon).toLowerCase();
    if (colon > 0 && names.includes(name)) {
      const value = plain.slice(colon + 1).toLowerCase();
      if (value) filter.tokens.push({ name, value });
    } else if (plain) {
      filter.words.push(plain.toLowerCase());
    }
  }
  return filter;
}

/**
 * @param haystack what free words are looked for in
 * @param values what a token is compared with: a token matches when one of its values contains it; a state's begins with it, for "unused" is not
 *   "used" (several tokens of one name are alternatives: `state:paused state:exited`)
 */
export function matches(filter: Filter, haystack: string, values: Record<string, string[]>): boolean {
  const text = haystack.toLowerCase();
  if (!filter.words.every((word) => text.includes(word))) return false;
  const names = new Set(filter.tokens.map((t) => t.name));
  for (const name of names) {
    const wanted = filter.tokens.filter((t) => t.name === name);
    const has = (values[name] ?? []).map((v) => v.toLowerCase());
    const hit = (v: string, value: string) => (name === 'state' ? v.startsWith(value) : v.includes(value));
    if (!wanted.some(({ value }) => has.some((v) => hit(v, value)))) return false;
  }
  return true;
}

/** Sets, or takes away, a token in a filter's text. */
export function toggleToken(text: string, name: string, value: string): string {
  const token = `${name}:${/\s/.test(value) ? `"${value}"` : value}`;
  const parts: string[] = text.match(/(?:[^\s"]|"[^"]*"?)+/g) ?? [];
  return (parts.includes(token) ? parts.filter((p) => p !== token) : [...parts, token]).join(' ');
}
