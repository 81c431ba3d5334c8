/** Whether a text fits a pattern of `*` (any characters) and `?` (exactly one). */
export const fits = (pattern: string, text: string): boolean => fitsParts([...pattern], text);

/** The same for names of files, with `[abc]`, `[a-z]` and `[!a]` for one of several characters. Source: glob(7) */
export const fitsGlob = (pattern: string, text: string): boolean => fitsParts(pattern.match(/\[[!^]?\]?[^\]]*\]|./gs) ?? [], text);

function isOneOf(part: string, char: string): boolean {
  const [, not, set = ''] = /^\[([!^]?)(.+)\]$/s.exec(part) ?? [];
  if (part.length < 3 || set === '') return part === char;
  const found = set
    .match(/.-.|./gs)
    ?.some((range) => (range.length === 3 ? range.charAt(0) <= char && char <= range.charAt(2) : range === char));
  return found === true ? !not : Boolean(not);
}

/** Runs in linear space, without backtracking explosions. */
function fitsParts(pattern: readonly string[], characters: string): boolean {
  const text = [...characters];
  let p = 0;
  let t = 0;
  /** Where the last star stood, and what of the text it covers up to. */
  let star = -1;
  let covered = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p;
      covered = t;
      p += 1;
    } else if (p < pattern.length && (pattern[p] === '?' || isOneOf(pattern[p] ?? '', text[t] ?? ''))) {
      p += 1;
      t += 1;
    } else if (star >= 0) {
      p = star + 1;
      covered += 1;
      t = covered;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

/** A list of patterns, as ssh_config(5) says: one that begins with `!` and fits makes the whole list not fit. */
export function fitsList(patterns: readonly string[], text: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('!')) {
      if (fits(pattern.slice(1), text)) return false;
    } else if (fits(pattern, text)) found = true;
  }
  return found;
}
