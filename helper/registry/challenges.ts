/**
 * What a server wants to see before it lets anybody in.
 * Source: RFC 7235 (challenges)
 */
export interface Challenge {
  /** Lower case: `bearer`, `basic`. */
  scheme: string;
  parameters: Record<string, string>;
}

/** Parses `WWW-Authenticate`, several challenges in one header included. */
export function parseChallenges(header: string): Challenge[] {
  const challenges: Challenge[] = [];
  const pattern = /[\s,]*([A-Za-z0-9!#$%&'*+.^_`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]*)))?/gy;
  for (let match = pattern.exec(header); match; match = pattern.exec(header)) {
    const [, name, quoted, plain] = match as unknown as [string, string, string | undefined, string | undefined];
    if (quoted === undefined && plain === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else {
      const value = quoted === undefined ? (plain as string) : quoted.replace(/\\(.)/g, '$1');
      const current = challenges.at(-1);
      if (current) current.parameters[name.toLowerCase()] = value;
    }
  }
  return challenges;
}
