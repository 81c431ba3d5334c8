import { DEFAULT_PATH } from './defaults.ts';

const keyOf = (entry: string): string => entry.split('=', 1)[0] ?? '';

/**
 * `base` with `overrides` on top: a key keeps its place and gets the new value; an entry without `=` takes the key away. Pure.
 */
export function overrideEnvironment(base: readonly string[], overrides: readonly string[]): string[] {
  const merged = new Map(base.map((entry) => [keyOf(entry), entry] as const));
  for (const entry of overrides) {
    if (entry.includes('=')) merged.set(keyOf(entry), entry);
    else merged.delete(entry);
  }
  return [...merged.values()];
}

/** What a container's process sees: PATH, HOSTNAME and, with a terminal, TERM first, then the config's own. HOME is the user's (see withHome). */
export function containerEnvironment(
  config: { Hostname?: string; Tty?: boolean; Env?: string[] | null },
  linked: readonly string[] = [],
): string[] {
  return overrideEnvironment(
    [`PATH=${DEFAULT_PATH}`, `HOSTNAME=${config.Hostname ?? ''}`, ...(config.Tty ? ['TERM=xterm'] : []), ...linked],
    config.Env ?? [],
  );
}

/**
 * HOME of the user that the process runs as, unless it is set; an empty one is not, as in runc. (crun keeps an empty one, and leaves
 * HOME out for users that have no entry.)
 */
export function withHome(env: readonly string[], home: string): string[] {
  if (env.some((entry) => entry.startsWith('HOME=') && entry !== 'HOME=')) return [...env];
  return [...env.filter((entry) => entry !== 'HOME='), `HOME=${home}`];
}
