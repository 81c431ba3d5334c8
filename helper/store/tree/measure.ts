import { constants } from 'node:fs';
import { bytesOf, closeOpen, identityOf, KIND, kindOf, nameOf, PATH_MAX, readFolder } from '../../system/syscall/files.ts';
import { isEmpty, openedAt, statedAt } from './compare.ts';
import type { Steps } from './steps.ts';

const { O_RDONLY, O_DIRECTORY, O_NOFOLLOW, S_IFDIR } = constants;

export interface MeasureTask {
  /** On this host. */
  folder: string;
  /** What is made in every container does not count while it is empty. Paths below the folder, `/` first. */
  own: readonly string[];
}

/** Bytes of the files below a folder, hard links counted once, folders not counted (as dockerd does). @throws when it can't be read */
export function* measure({ folder, own }: MeasureTask): Steps<number> {
  const made = new Set(own);
  const seen = new Set<string>();

  function* below(fd: number, path: string): Steps<number> {
    let total = 0;
    for (const entry of readFolder(fd)) {
      yield;
      const name = nameOf(entry);
      const child = `${path}/${name}`;
      const stat = kindOf(entry) === KIND.folder ? undefined : statedAt(fd, name);
      if (!stat || stat.type === S_IFDIR) {
        if (child.length >= PATH_MAX) continue;
        const inner = openedAt(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
        if (inner === undefined) continue;
        try {
          total += yield* below(inner, child);
        } finally {
          closeOpen(inner);
        }
        continue;
      }
      if (made.has(child) && isEmpty(stat)) continue;
      if (stat.links > 1) {
        const identity = identityOf(stat);
        if (seen.has(identity)) continue;
        seen.add(identity);
      }
      total += stat.size;
    }
    return total;
  }

  const fd = openedAt(0, bytesOf(folder), O_RDONLY | O_DIRECTORY);
  if (fd === undefined) throw Object.assign(new Error(`ENOENT: ${folder}`), { code: 'ENOENT' });
  try {
    return yield* below(fd, '');
  } finally {
    closeOpen(fd);
  }
}
