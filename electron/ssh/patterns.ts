/** Whether a text fits a pattern of `*` (any characters) and `?` (exactly one). Runs in linear space, without backtracking explosions. */
export function fits(pattern: string, text: string): boolean {
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
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
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
