import { type FSWatcher, promises as fs, readFileSync, statSync, watch } from 'node:fs';
import path from 'node:path';
import { fromNanos } from '../../engine/instant.ts';

/**
 * conmon writes the exit code of a container to a file named by its id in the exit folder, by rename.
 * @param listener called once for each file that is there or comes
 */
export async function watchExitFolder(
  folder: string,
  listener: (exit: { id: string; exitCode: number; at: string }) => void,
): Promise<{ close(): void; seen: Set<string> }> {
  await fs.mkdir(folder, { recursive: true, mode: 0o700 });
  const seen = new Set<string>();
  const look = (id: string): void => {
    // conmon writes to a temporary name (ID.XXXXXX) first.
    if (seen.has(id) || id.includes('.')) return;
    seen.add(id);
    const exit = readExit(path.join(folder, id));
    if (exit) listener({ id, ...exit });
    else seen.delete(id);
  };
  const watcher: FSWatcher = watch(folder, (_, name) => {
    if (name) look(name);
  });
  for (const name of await fs.readdir(folder)) look(name);
  return { close: () => watcher.close(), seen };
}

/** Undefined when there is none (yet). */
export function readExit(file: string): { exitCode: number; at: string } | undefined {
  try {
    const text = readFileSync(file, 'utf8');
    if (!/^-?\d+/.test(text)) return undefined;
    return { exitCode: Number.parseInt(text, 10), at: fromNanos(statSync(file, { bigint: true }).mtimeNs) };
  } catch {
    return undefined;
  }
}
