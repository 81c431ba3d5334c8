import { randomBytes } from 'node:crypto';
import { promises as fs } from 'node:fs';
import { parseMountInfo } from '../../../system/mount/index.ts';
import { hasEnded } from '../../../system/process/ended.ts';
import { isFailure, messageOf } from '../../failure.ts';
import { type Container, sharedWith } from '../container.ts';
import { type Engine, untilStopped } from '../engine.ts';
import { onHost } from '../on-host.ts';
import { holdRootfs, releaseRootfs } from '../rootfs-mount.ts';
import { makeBasics, makeMountPoint } from './mount-points.ts';
import type { Tree } from './walk.ts';

const EXIT_SEEN_MS = 2_000;

const KERNELS = new Set(
  'proc sysfs devpts devtmpfs mqueue cgroup cgroup2 securityfs debugfs tracefs bpf pstore configfs fusectl binfmt_misc'.split(' '),
);

/** /dev and what the kernel shows of itself, unless the user has put it there: `-v /proc:/host/proc` is wanted. */
async function kernelFolders(container: Container, pid: number): Promise<ReadonlySet<string>> {
  const asked = container.mounts.map(({ destination }) => destination);
  const mounts = parseMountInfo(await fs.readFile(`/proc/${pid}/mountinfo`, 'utf8').catch(() => ''));
  return new Set(
    mounts.flatMap(({ target, type }) => {
      const wanted = asked.some((destination) => target === destination || target.startsWith(`${destination}/`));
      return !wanted && (target === '/dev' || KERNELS.has(type)) ? [target] : [];
    }),
  );
}

/**
 * The tree of a container, running or not. A running one is seen as its processes see it, with all that is mounted in it; of another
 * the rootfs is mounted for the time, and its volumes and binds are where they will be.
 * @returns the tree and what lets go of it
 */
export async function openTree(
  engine: Engine,
  container: Container,
  options: { volumes: boolean },
): Promise<{ tree: Tree; close: () => void }> {
  // Its tree went with its process, though nobody has heard of the exit yet.
  if (container.state.status === 'running' && hasEnded(container.state.pid)) await untilStopped(container, EXIT_SEEN_MS);
  if (container.state.status === 'running') {
    const { pid } = container.state;
    return { tree: { root: `/proc/${pid}/root`, mounts: new Map(), hidden: await kernelFolders(container, pid) }, close: () => undefined };
  }
  const holder = randomBytes(8).toString('hex');
  const root = await holdRootfs(engine, container, holder);
  const close = (): void => {
    releaseRootfs(engine, container, holder);
    if (options.volumes) letGoVolumes(engine, container, holder);
  };
  try {
    if (options.volumes) await holdVolumes(engine, container, holder);
    const mounts = options.volumes ? await mountsOf(engine, container) : new Map<string, string>();
    await makeBasics(root);
    for (const [destination, source] of mounts) await makeMountPoint(root, destination, source);
    return { tree: { root, mounts, hidden: new Set() }, close };
  } catch (error) {
    close();
    throw error;
  }
}

const volumesOf = ({ mounts }: Container): string[] => mounts.flatMap(({ type, name }) => (type === 'volume' && name ? [name] : []));

async function holdVolumes(engine: Engine, container: Container, holder: string): Promise<void> {
  for (const name of volumesOf(container)) {
    await engine.volumes.hold(name, holder).catch((error) => {
      // One that is gone is made by the next start.
      if (!isFailure(error, 'notFound')) throw error;
    });
  }
}

function letGoVolumes(engine: Engine, container: Container, holder: string): void {
  for (const name of volumesOf(container)) {
    engine.volumes.letGo(name, holder).catch((error) => {
      engine.context.log.warn('a volume stays mounted', { volume: name, container: container.id, error: messageOf(error) });
    });
  }
}

/** Volumes and binds, and the files that the network writes, once it has. */
async function mountsOf(engine: Engine, container: Container): Promise<Map<string, string>> {
  const mounts = new Map<string, string>();
  if (container.everStarted && sharedWith(container.hostConfig.NetworkMode) === undefined) {
    for (const name of ['hosts', 'hostname', 'resolv.conf']) mounts.set(`/etc/${name}`, `${engine.store.folder(container.id)}/${name}`);
  }
  for (const mount of container.mounts) {
    if (mount.source === '' || mount.subpath || mount.type === 'image') continue;
    // What is not there now is not found either.
    const source = mount.type === 'bind' ? await onHost(engine, mount.source).catch(() => mount.source) : mount.source;
    mounts.set(mount.destination, source);
  }
  return mounts;
}
