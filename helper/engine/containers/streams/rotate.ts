import { promises as fs } from 'node:fs';

/** The log's files, oldest first: `container.log.2`, `container.log.1`, `container.log`. */
export async function logFiles(log: string): Promise<string[]> {
  const files = [log];
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

/**
 * json-file's `max-size` and `max-file`: when the log is larger, it becomes `.1`, `.1` becomes `.2`, …, and the oldest goes.
 * @param reopen tells the monitor to write to a new file
 */
export async function rotateIfLarger(
  log: string,
  limits: { maxBytes: number; maxFiles: number },
  reopen: () => Promise<void>,
): Promise<boolean> {
  const stat = await fs.stat(log).catch(() => undefined);
  if (!stat || stat.size < limits.maxBytes) return false;
  if (limits.maxFiles > 1) {
    for (let index = limits.maxFiles - 1; index >= 1; index -= 1) {
      const from = index === 1 ? log : `${log}.${index - 1}`;
      await fs.rename(from, `${log}.${index}`).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
    }
  } else {
    await fs.rm(log, { force: true });
  }
  await reopen();
  return true;
}
