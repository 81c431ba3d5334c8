import { promises as fs } from 'node:fs';
import { type Tree, withPlace } from './walk.ts';

/** What a container has before it is first started: dockerd's init layer. */
const FOLDERS = ['/proc', '/sys', '/dev/pts', '/dev/shm'];
const FILES = ['/etc/resolv.conf', '/etc/hosts', '/etc/hostname', '/dev/console'];
const LINKS: [string, string][] = [['/etc/mtab', '/proc/mounts']];

/** Makes what the runtime makes, or mounts in memory, where it is missing in the rootfs of a container that does not run. */
export async function makeBasics(root: string): Promise<void> {
  const tree = rootOnly(root);
  for (const folder of FOLDERS) await make(tree, folder, (file) => fs.mkdir(file, { mode: 0o755 }));
  for (const name of FILES) await make(tree, name, (file) => fs.writeFile(file, '', { mode: 0o755, flag: 'wx' }));
  await makeLinks(root);
}

/** What no runtime makes: /etc/mtab, which df and others read. */
export async function makeLinks(root: string): Promise<void> {
  for (const [name, target] of LINKS) await make(rootOnly(root), name, (file) => fs.symlink(target, file));
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
