import { promises as fs } from 'node:fs';
import path from 'node:path';
import { unmount } from '../mount/index.ts';
import { MS, mount } from '../syscall/index.ts';

/**
 * The runtime's program, mounted read-only at a place of its own. Runtimes refuse to run where a container could write to their
 * program (CVE-2019-5736), and otherwise make such a mount and start themselves anew each time: 5 ms of each create and exec.
 * It is seen in our mount namespace only and ends with it.
 *
 * @returns where it lies; `file` itself where mounting is not allowed
 * Source: crun's src/libcrun/cloned_binary.c, is_self_cloned
 */
export async function readOnlyCopy(file: string, target: string): Promise<string> {
  try {
    await fs.mkdir(path.dirname(target), { recursive: true, mode: 0o700 });
    unmount(target);
    await fs.writeFile(target, '', { mode: 0o700 });
    mount(await fs.realpath(file), target, null, MS.BIND);
    try {
      mount(null, target, null, MS.BIND | MS.REMOUNT | MS.RDONLY);
    } catch (error) {
      unmount(target);
      throw error;
    }
    return target;
  } catch {
    return file;
  }
}
