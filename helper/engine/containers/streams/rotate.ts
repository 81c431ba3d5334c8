import { promises as fs, linkSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';

/**
 * A log's files: `container.log` is written by the monitor, which begins it anew when it is full and leaves the old one without a
 * name. `container.log.keep` is another name of it, by which the old one is kept; then it becomes `.1`, and `.1` becomes `.2`, ….
 */
const keptName = (log: string): string => `${log}.keep`;

/** The log's files, oldest first: `container.log.2`, `container.log.1`, `container.log.keep`, `container.log`. One may be there by two names. */
export async function logFiles(log: string): Promise<string[]> {
  const files = [keptName(log), log];
  for (let index = 1; ; index += 1) {
    const rotated = `${log}.${index}`;
    const there = await fs.stat(rotated).then(
      () => true,
      () => false,
    );
    if (!there) return files;
    files.unshift(rotated);
  }
}

/** Before a monitor writes to the log: what an earlier one filled is put aside, since the new one counts only what it writes itself. */
export function beginLog(log: string, limits: { maxBytes: number; maxFiles: number }): void {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) >= limits.maxBytes) {
    keepReplaced(log, limits.maxFiles);
    rmSync(log);
  }
  writeFileSync(log, '', { mode: 0o600, flag: 'a' });
}

/**
 * Keeps the file that another has taken the place of, and lets go of the oldest. Without waiting: by the time that a promise
 * settles the monitor may have filled the next one.
 */
export function keepReplaced(log: string, maxFiles: number): void {
  const kept = keptName(log);
  const inode = (file: string): bigint | undefined => statSync(file, { bigint: true, throwIfNoEntry: false })?.ino;
  // Once more, when the next one has come meanwhile.
  for (let written = inode(log); written !== undefined && inode(kept) !== written; written = inode(log)) {
    if (maxFiles > 1) {
      for (let index = maxFiles - 1; index >= 1; index -= 1) {
        unlessMissing(() => renameSync(index === 1 ? kept : `${log}.${index - 1}`, `${log}.${index}`));
      }
    } else rmSync(kept, { force: true });
    // ENOENT: the monitor began another one between the look-up and the link.
    unlessMissing(() => linkSync(log, kept));
  }
}

function unlessMissing(work: () => void): void {
  try {
    work();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}
