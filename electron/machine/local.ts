import { readFile, stat, statfs } from 'node:fs/promises';
import { parseReading } from './parse.ts';
import { type MachineReader, understood } from './remote.ts';

/** This machine, read directly. @param folder on a file system of interest besides `/` */
export function localReader(folder: string): MachineReader {
  return {
    async read() {
      const files = Promise.all(['stat', 'meminfo', 'loadavg', 'uptime'].map(proc));
      const [[times = '', memory, load, uptime], disks] = await Promise.all([files, disksOf(['/', folder])]);
      const lines = [times.split('\n', 1)[0], memory, `load ${load}`, `uptime ${uptime}`];
      return understood({ ...parseReading(lines.join('\n')), disks });
    },
    close: () => {},
  };
}

/** Empty on systems without. */
const proc = (name: string) => readFile(`/proc/${name}`, 'utf8').catch(() => '');

async function disksOf(paths: string[]): Promise<{ path: string; total: number; available: number }[]> {
  const found = await Promise.all(
    paths.map(async (path) => {
      try {
        const [{ dev }, { bsize, blocks, bavail }] = await Promise.all([stat(path), statfs(path)]);
        return { dev, path, total: bsize * blocks, available: bsize * bavail };
      } catch {
        return undefined;
      }
    }),
  );
  const seen = new Set<number>();
  return found.flatMap((disk) => {
    if (!disk || disk.total === 0 || seen.has(disk.dev)) return [];
    seen.add(disk.dev);
    return [{ path: disk.path, total: disk.total, available: disk.available }];
  });
}
