import { constants, promises as fs } from 'node:fs';
import type { HostMounts } from '../../system/mount/index.ts';
import { O_PATH } from '../../system/syscall/index.ts';
import type { Engine } from './engine.ts';
import { find, type Place, type Tree } from './tree/walk.ts';

/**
 * Names on the host, as a client means them: looked up through what the host has mounted at this moment, by the thread pool, so that a
 * server that is away keeps nobody else waiting (docs/decisions/0013).
 */
const treeOf = (host: HostMounts): Tree => ({ root: host.root, mounts: new Map(), hidden: new Set() });

/** Links there may lead anywhere without a name (`/proc/PID/root`); the kernel's own file system is the same for all. */
const isKernels = (name: string): boolean => name === '/proc' || name.startsWith('/proc/');

/** What is found under `name`, held open (O_PATH). @throws ENOENT, ENOTDIR, ELOOP … */
export async function openOnHost(host: HostMounts, name: string): Promise<fs.FileHandle> {
  const place = await find(treeOf(host), name, { follow: true });
  try {
    return await openFound(place, name);
  } finally {
    await place.close();
  }
}

async function openFound(place: Place, name: string): Promise<fs.FileHandle> {
  const handle = await fs.open(place.file, place.name === '' ? O_PATH : O_PATH | constants.O_NOFOLLOW);
  if (!(await handle.stat()).isSymbolicLink()) return handle;
  // It was none a moment ago.
  await handle.close();
  throw Object.assign(new Error(`ENOENT: no such file or directory, open '${name}'`), { code: 'ENOENT' });
}

/** Makes a folder with those above it, as `mkdir -p`. @throws EEXIST when a link that leads nowhere is there */
export async function makeFolderOnHost(host: HostMounts, name: string): Promise<void> {
  const place = await find(treeOf(host), name, { make: true });
  try {
    if (place.name !== '') await fs.mkdir(place.file, { mode: 0o755 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST' || !(await place.stat())?.isDirectory()) throw error;
  } finally {
    await place.close();
  }
}

/** The name without links of what is held open, as the host has it. */
export function nameOnHost(handle: fs.FileHandle): Promise<string> {
  return fs.readlink(`/proc/self/fd/${handle.fd}`);
}

/**
 * A name for our own file functions, and for children's, of what the host has under `name`. In the engine's own folders that is the
 * name itself: there it has mounts that the host does not see.
 * @throws ENOENT, ENOTDIR, ELOOP …
 */
export async function onHost({ context: { host } }: Engine, name: string): Promise<string> {
  if (!host || isKernels(name)) return name;
  const handle = await openOnHost(host, name);
  try {
    const real = await nameOnHost(handle);
    return host.isOwn(real) ? real : `${host.root}${real}`;
  } finally {
    await handle.close();
  }
}

/** The host's mounts, where a bind's source is to be taken from them. */
export function hostOf({ context: { host } }: Engine, source: string): HostMounts | undefined {
  return isKernels(source) ? undefined : host;
}
