import { closeSync, constants, promises as fs, lstatSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { O_PATH, openInRoot } from '../../../system/syscall/index.ts';
import { type Tree, withPlace } from './walk.ts';

/** What a container has before it is first started: dockerd's init layer. */
const FOLDERS = ['/proc', '/sys', '/dev/pts', '/dev/shm'];
/** Where the engine's own files are mounted. */
const OURS = ['/etc/resolv.conf', '/etc/hosts', '/etc/hostname'];
const FILES = [...OURS, '/dev/console'];
const LINKS: [string, string][] = [['/etc/mtab', '/proc/mounts']];

/** Makes what the runtime makes, or mounts in memory, where it is missing in the rootfs of a container that does not run. */
export async function makeBasics(root: string): Promise<void> {
  const tree = rootOnly(root);
  makePlain(root);
  for (const folder of FOLDERS) await make(tree, folder, (file) => fs.mkdir(file, { mode: 0o755 }));
  for (const name of FILES) await make(tree, name, (file) => fs.writeFile(file, '', { mode: 0o755, flag: 'wx' }));
  await makeLinks(root);
}

/**
 * Puts an empty file where the engine's own are to be mounted and the image has a link (systemd-resolved's leads to nothing in a
 * container, others to where no file can be mounted), or a pipe, which crun would open and wait at for ever. As dockerd does; a folder
 * stays in both. For trees that nothing runs in.
 */
export function makePlain(root: string): void {
  for (const name of OURS) {
    let folder: number;
    try {
      folder = openInRoot(root, path.dirname(name), O_PATH | constants.O_DIRECTORY);
    } catch {
      continue; // The runtime makes what is missing.
    }
    try {
      const file = `/proc/self/fd/${folder}/${path.basename(name)}`;
      const stat = lstatSync(file, { throwIfNoEntry: false });
      if (!stat || stat.isFile() || stat.isDirectory()) continue;
      unlinkSync(file);
      writeFileSync(file, '', { mode: 0o755, flag: 'wx' });
    } finally {
      closeSync(folder);
    }
  }
}

/** What no runtime makes: /etc/mtab, which df and others read. */
export async function makeLinks(root: string): Promise<void> {
  for (const [name, target] of LINKS) {
    if (!makeLinkNow(root, name, target)) await make(rootOnly(root), name, (file) => fs.symlink(target, file));
  }
}

/** Without waiting, where the folder is there. For trees that nothing runs in. @returns false when it has to be made, or found otherwise */
function makeLinkNow(root: string, name: string, target: string): boolean {
  let folder: number;
  try {
    folder = openInRoot(root, path.dirname(name), O_PATH | constants.O_DIRECTORY);
  } catch {
    return false;
  }
  try {
    symlinkSync(target, `/proc/self/fd/${folder}/${path.basename(name)}`);
  } catch {
    // It is there; or it can't be, and then it is not.
  } finally {
    closeSync(folder);
  }
  return true;
}

/** Makes the place of a mount. */
export async function makeMountPoint(root: string, destination: string, source: string): Promise<void> {
  const stat = await fs.stat(source).catch(() => undefined);
  if (!stat) return;
  await make(rootOnly(root), destination, (file) =>
    stat.isDirectory() ? fs.mkdir(file, { mode: 0o755 }) : fs.writeFile(file, '', { mode: 0o755, flag: 'wx' }),
  );
}

const rootOnly = (root: string): Tree => ({ root, mounts: new Map(), hidden: new Set() });

/** What can't be made (a file is in the way, the layer is full) is not there, then. */
async function make(tree: Tree, name: string, create: (file: string) => Promise<unknown>): Promise<void> {
  await withPlace(tree, name, { make: true }, async (place) => {
    if (!(await place.stat())) await create(place.file);
  }).catch(() => undefined);
}
