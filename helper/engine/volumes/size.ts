import { promises as fs } from 'node:fs';
import path from 'node:path';

/** Bytes of the files below `folder`, hard links counted once, folders not counted (as dockerd does); -1 when unreadable. */
export async function sizeOf(folder: string): Promise<number> {
  const seen = new Set<string>();
  let total = 0;
  const walk = async (where: string): Promise<void> => {
    const handle = await fs.opendir(where);
    for await (const entry of handle) {
      const full = path.join(where, entry.name);
      if (entry.isDirectory()) {
        await walk(full);
        continue;
      }
      // A container may remove files while we count.
      const stat = await fs.lstat(full).catch(() => undefined);
      if (!stat) continue;
      if (stat.nlink > 1) {
        const key = `${stat.dev}:${stat.ino}`;
        if (seen.has(key)) continue;
        seen.add(key);
      }
      total += stat.size;
    }
  };
  try {
    await walk(folder);
    return total;
  } catch {
    return -1;
  }
}
