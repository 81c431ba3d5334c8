import { EngineError } from './engine.ts';
import { tr } from './i18n.ts';

/** Texts of engines (dockerd's, Podman's, ours) → what the user can do about it. The first that matches counts. */
const remedies: [RegExp, string][] = [
  [/port is already allocated|address already in use|ports? .*(held|in use)/i, 'remedy.port'],
  [/container name .* (is )?already in use|name .* is in use/i, 'remedy.name'],
  [/no such image|pull access denied|manifest unknown|not found: manifest|repository does not exist/i, 'remedy.image'],
  [/unauthorized|authentication required|incorrect username|no basic auth/i, 'remedy.login'],
  [/no such host|server misbehaving|network is unreachable|i\/o timeout|connection refused.*registry|dial tcp/i, 'remedy.network'],
  [/executable file not found|no such file or directory.*exec|exec: /i, 'remedy.command'],
  [/permission denied/i, 'remedy.permission'],
  [/no space left/i, 'remedy.space'],
  [/has active endpoints|network is being used|network .*has associated containers/i, 'remedy.networkUsed'],
  [/pool overlaps|overlaps with|subnet .* (is )?already (used|in use)/i, 'remedy.subnet'],
  // Podman 4 says so of tmpfs, too, which has no project quotas.
  [/options size and inodes not supported/i, 'remedy.volumeSize'],
  [/bind source path does not exist|mount.*does not exist|invalid mount/i, 'remedy.mount'],
];

export interface Explanation {
  /** What the engine said. */
  message: string;
  /** What to do, when we know it. */
  remedy?: string;
}

export function explain(error: unknown): Explanation {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof EngineError && error.connection) return { message, remedy: tr('remedy.connection') };
  const found = remedies.find(([pattern]) => pattern.test(message));
  return found ? { message, remedy: tr(found[1]) } : { message };
}

/** @returns what went wrong with it, in words; nothing when it went well */
export async function explained(work: Promise<unknown>): Promise<string | undefined> {
  try {
    await work;
    return undefined;
  } catch (error) {
    return explain(error).message;
  }
}
