import { promises as fs } from 'node:fs';
import path from 'node:path';
import { type MountEntry, mountOf, mountOverlay, mounts as mountsNow, unmount, unmountCopy } from '../../system/mount/index.ts';
import type { MountSpec } from '../../system/runtime/types.ts';
import { MS, mount as mountFs } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';
import type { Undo } from '../undo.ts';
import { bindSource, makePlace } from './bind-source.ts';
import { type Container, sharedWith } from './container.ts';
import { overlaps } from './data-folder.ts';
import type { Engine } from './engine.ts';
import { type MountRecord, mergeTmpfsOptions } from './mount-parse.ts';
import { onHost } from './on-host.ts';
import { checkProcSafety } from './proc-safety.ts';
import { resolveInRoot } from './rootfs.ts';
import { checkInside, openInside } from './subpath.ts';

export interface PreparedMounts {
  mounts: MountSpec[];
  rootfsPropagation: string | undefined;
  /** For when the runtime has mounted all: lets go of what was copied for it. Idempotent. */
  release(): void;
}

/** What lies under a name inside of `root`, mounted at a place of our own. */
async function pinned(engine: Engine, container: Container, root: string, name: string, index: number, undo: Undo): Promise<string> {
  const target = path.join(engine.store.runFolder(container.id), `subpath-${index}`);
  const handle = await openInside(root, name);
  try {
    await makePlace(target, (await handle.stat()).isDirectory());
    mountFs(`/proc/self/fd/${handle.fd}`, target, null, MS.BIND | MS.REC);
    undo.add('subpath', () => unmountCopy(target));
  } finally {
    await handle.close();
  }
  return target;
}

async function volumeSource(engine: Engine, container: Container, mount: MountRecord, index: number, undo: Undo): Promise<string> {
  // Again at each start: one that is gone is made anew.
  const { name, path: data } = await engine.volumes.acquire(mount.name, container.id, mount.driver ? { driver: mount.driver } : {});
  mount.source = data;
  await engine.volumes.hold(name, container.id);
  undo.add('volume', () => engine.volumes.letGo(name, container.id));
  return mount.subpath ? pinned(engine, container, data, mount.subpath, index, undo) : data;
}

/** Whether the mount that `source` lies on is shared or a slave. A copy is what its original is. */
async function sharing(source: string): Promise<{ shared: boolean; slave: boolean }> {
  const entry = mountOf(await fs.realpath(source), await mountsNow());
  return { shared: entry?.shared !== undefined, slave: entry?.slave ?? false };
}

/** @param wanted `a shared mount`, as runc says it */
async function notShared(engine: Engine, source: string, wanted: string): Promise<Failure> {
  const { host } = engine.context;
  const real = (await onHost(engine, source)).slice(host?.root.length);
  const point = mountOf(real, host ? host.table() : await mountsNow())?.target ?? '/';
  return new Failure('system', `path ${source} is mounted on ${point} but it is not ${wanted}`);
}

/**
 * A bind's wish for propagation needs the same of the rootfs, and of where its source is mounted.
 * @param current what other mounts want of the rootfs
 * @param source what the runtime gets: `mount.source` or a copy of it
 * @param byDefault the slave is one because the engine's folder is in it: then it is one where it can be
 */
async function propagate(
  engine: Engine,
  mount: MountRecord,
  source: string,
  current: string | undefined,
  byDefault: boolean,
): Promise<{ rootfs: string | undefined; own: string }> {
  if (mount.propagation === 'shared' || mount.propagation === 'rshared') {
    if (!(await sharing(source)).shared) throw await notShared(engine, mount.source, 'a shared mount');
    return { rootfs: 'shared', own: mount.propagation };
  }
  if (mount.propagation === 'slave' || mount.propagation === 'rslave') {
    const { shared, slave } = await sharing(source);
    if (!shared && !slave) {
      if (byDefault) return { rootfs: current, own: 'rprivate' };
      throw await notShared(engine, mount.source, 'a shared or slave mount');
    }
    return { rootfs: current ?? 'rslave', own: mount.propagation };
  }
  return { rootfs: current, own: mount.propagation };
}

/** What the kernel asks of a whole mount; crun gives a bind those that it is told of and no others, runc and dockerd keep the source's. */
const KEPT = new Set(['ro', 'nosuid', 'nodev', 'noexec']);

async function flagsOf(source: string, table: MountEntry[]): Promise<string[]> {
  const options = mountOf(await fs.realpath(source), table)?.options ?? '';
  return options.split(',').filter((option) => KEPT.has(option));
}

async function bindOptions(mount: MountRecord, source: string, propagation: string, table: MountEntry[]): Promise<string[]> {
  // Nothing is mounted below a file, and crun opens what it makes recursively read-only as a folder.
  const recursive = mount.type === 'bind' && mount.readOnly && mount.readOnly !== 'flat' && (await fs.stat(source)).isDirectory();
  const flags = mount.rw ? await flagsOf(source, table) : [recursive ? 'rro' : 'ro'];
  // To crun `bind` with `rprivate` is an `rbind`. Without mounts below, both kinds of propagation are one.
  if (mount.nonRecursive) return ['bind', ...flags, propagation.replace(/^r/, '') || 'private'];
  return ['rbind', ...flags, propagation || 'rprivate'];
}

/** `/dev/shm` by IpcMode: one that others may join lies on the host. */
async function shm(engine: Engine, container: Container, undo: Undo): Promise<MountSpec | undefined> {
  const mode = container.hostConfig.IpcMode ?? 'private';
  const bind = (source: string): MountSpec => ({ destination: '/dev/shm', type: 'bind', source, options: ['rbind', 'rprivate'] });
  if (mode === 'host') return bind('/dev/shm');
  const other = sharedWith(mode);
  if (other !== undefined) {
    const owner = engine.store.get(other);
    if (owner.hostConfig.IpcMode === 'host') return bind('/dev/shm');
    return bind(path.join(engine.store.runFolder(owner.id), 'shm'));
  }
  if (mode !== 'shareable') return undefined;
  const target = path.join(engine.store.runFolder(container.id), 'shm');
  await fs.mkdir(target, { recursive: true, mode: 0o1777 });
  mountFs('shm', target, 'tmpfs', MS.NOSUID | MS.NODEV | MS.NOEXEC, `mode=1777,size=${container.hostConfig.ShmSize}`);
  undo.add('shm', () => unmount(target));
  return bind(target);
}

async function imageSource(engine: Engine, container: Container, mount: MountRecord, index: number, undo: Undo): Promise<string> {
  const image = await engine.images.resolve(mount.imageId ?? mount.name ?? '');
  const target = path.join(engine.store.runFolder(container.id), `image-${index}`);
  const empty = path.join(engine.store.runFolder(container.id), 'empty');
  await Promise.all([fs.mkdir(target, { recursive: true }), fs.mkdir(empty, { recursive: true })]);
  const { directories } = await engine.images.acquireLayers(image.chain, `${container.id}.image-${index}`);
  // Read-only overlays need two lower folders at least.
  mountOverlay({ target, lower: [...directories, empty] });
  undo.add('image mount', () => unmount(target));
  mount.source = target;
  if (!mount.subpath) return target;
  await checkInside(target, mount.subpath);
  return resolveInRoot(target, mount.subpath);
}

/**
 * Sources found or made, ready for the spec. Volumes stay acquired until the container is removed, and held until its run has ended.
 *
 * @param ofDevices what devices bring along; what the user mounts in their places is meant
 */
export async function prepareMounts(
  engine: Engine,
  container: Container,
  ofDevices: readonly MountSpec[],
  undo: Undo,
): Promise<PreparedMounts> {
  const mounts: MountSpec[] = [];
  const binds: { mount: MountRecord; spec: MountSpec; propagation: string }[] = [];
  const releases: (() => void)[] = [];
  let rootfsPropagation: string | undefined;
  for (const [index, mount] of container.mounts.entries()) {
    await checkProcSafety(mount.destination, mount.source);
    if (mount.type === 'tmpfs') {
      mounts.push({ destination: mount.destination, type: 'tmpfs', source: 'tmpfs', options: mergeTmpfsOptions(mount.tmpfsOptions ?? []) });
      continue;
    }
    const source =
      mount.type === 'bind'
        ? await bindSource(engine, container, mount, index, { undo, releases })
        : mount.type === 'volume'
          ? await volumeSource(engine, container, mount, index, undo)
          : await imageSource(engine, container, mount, index, undo);
    const { rootfs, own } =
      mount.type === 'bind'
        ? await propagate(engine, mount, source, rootfsPropagation, overlaps(mount.source, engine.context.paths.data))
        : { rootfs: rootfsPropagation, own: mount.propagation };
    rootfsPropagation = rootfs;
    const spec = { destination: mount.destination, type: 'bind', source, options: [] };
    mounts.push(spec);
    binds.push({ mount, spec, propagation: own });
  }
  // When all is mounted.
  const table = binds.length > 0 ? await mountsNow() : [];
  for (const { mount, spec, propagation } of binds) spec.options = await bindOptions(mount, spec.source, propagation, table);
  for (const [destination, options] of Object.entries(container.hostConfig.Tmpfs ?? {})) {
    await checkProcSafety(path.posix.normalize(destination), 'tmpfs');
    mounts.push({
      destination: path.posix.normalize(destination),
      type: 'tmpfs',
      source: 'tmpfs',
      options: mergeTmpfsOptions(options.split(',')),
    });
  }
  const taken = new Set(mounts.map(({ destination }) => destination));
  for (const [index, mount] of ofDevices.entries()) {
    if (taken.has(mount.destination)) continue;
    const wish = { source: mount.source, createSource: false, nonRecursive: mount.options.includes('bind') };
    const source = mount.type === 'bind' ? await bindSource(engine, container, wish, `device-${index}`, { undo, releases }) : mount.source;
    mounts.push({ ...mount, source });
  }
  if (!mounts.some((mount) => mount.destination === '/dev/shm')) {
    const own = await shm(engine, container, undo);
    if (own) mounts.push(own);
  }
  const release = (): void => {
    for (const each of releases.splice(0)) each();
  };
  return { mounts, rootfsPropagation, release };
}

/**
 * A tmpfs over a folder of the image has that folder's mode, where the user asks for no other: `--tmpfs /root` stays closed to others.
 *
 * @param root the container's tree, before anything is mounted in it
 * Source: runc's tmpfs mounts; crun has no such rule
 */
export async function withImageModes(root: string, mounts: readonly MountSpec[]): Promise<MountSpec[]> {
  const inside = (inner: string, outer: string): boolean => inner.startsWith(`${outer}/`);
  return Promise.all(
    mounts.map(async (mount) => {
      if (mount.type !== 'tmpfs' || mount.options.some((option) => option.startsWith('mode='))) return mount;
      if (mounts.some(({ destination }) => inside(mount.destination, destination))) return mount;
      const stat = await fs.lstat(await resolveInRoot(root, mount.destination)).catch(() => undefined);
      return stat?.isDirectory() ? { ...mount, options: [...mount.options, `mode=${(stat.mode & 0o7777).toString(8)}`] } : mount;
    }),
  );
}

/** The engine's own files, where the user has put nothing else. `folder` is where the network wrote them. */
export function networkFiles(folder: string, taken: ReadonlySet<string>, readOnly: boolean): MountSpec[] {
  return ['resolv.conf', 'hostname', 'hosts']
    .filter((name) => !taken.has(`/etc/${name}`))
    .map((name) => ({
      destination: `/etc/${name}`,
      type: 'bind',
      source: path.join(folder, name),
      options: ['rbind', ...(readOnly ? ['ro'] : []), 'rprivate'],
    }));
}
