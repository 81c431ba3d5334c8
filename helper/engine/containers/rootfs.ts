import { promises as fs } from 'node:fs';
import path from 'node:path';

const MAX_LINKS = 40;

/**
 * Resolves `name` inside `root` as a process chrooted there would: symbolic links, absolute ones too, never lead out of it.
 * Components that don't exist are kept as they are (the result may not exist).
 *
 * For trees that no hostile process changes at the same time (a rootfs before its container starts). What works on running
 * containers goes through `tree/`, which holds every component open.
 *
 * @returns an absolute host path at or below `root`
 * @throws Error ELOOP
 */
export async function resolveInRoot(root: string, name: string): Promise<string> {
  const pending = name
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .reverse();
  const resolved: string[] = [];
  let links = 0;
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part === '..') {
      resolved.pop();
      continue;
    }
    const here = path.join(root, ...resolved, part);
    let target: string | undefined;
    try {
      target = await fs.readlink(here);
    } catch {
      // not a link, or not there
    }
    if (target === undefined) {
      resolved.push(part);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw Object.assign(new Error(`too many levels of symbolic links: ${name}`), { code: 'ELOOP' });
    if (target.startsWith('/')) resolved.length = 0;
    pending.push(
      ...target
        .split('/')
        .filter((item) => item !== '' && item !== '.')
        .reverse(),
    );
  }
  return path.join(root, ...resolved);
}
