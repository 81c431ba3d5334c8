import path from 'node:path';
import { unmount, unmountCopy } from '../../system/mount/index.ts';
import type { Runtime } from '../../system/runtime/types.ts';
import { messageOf } from '../failure.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine, runtimeOf } from './engine.ts';
import { releaseRootfs } from './rootfs-mount.ts';

/** Releases what a run held; each part on its own, so that one that fails keeps nothing else. Idempotent. */
export async function cleanUp(engine: Engine, container: Container): Promise<void> {
  const { id } = container;
  const parts: [string, () => unknown][] = [
    ['process', () => endProcesses(engine, container)],
    ['network', () => (container.network || container.state.status === 'removing' ? engine.networks.removeSandbox(id) : undefined)],
    ['rootfs', () => releaseRootfs(engine, container, 'run')],
    ['mounts', () => unmountExtras(engine, container)],
  ];
  await Promise.all(
    parts.map(async ([what, release]) => {
      try {
        await release();
      } catch (error) {
        engine.context.log.warn('something of a finished run was left', { container: id, what, error: messageOf(error) });
      }
    }),
  );
}

/**
 * With a process namespace of its own nothing outlives the first process: then no runtime is needed to take away its record and its
 * cgroup (a tenth of a start and removal). Hooks that come last are the runtime's.
 */
async function endProcesses(engine: Engine, container: Container): Promise<void> {
  const runtime = runtimeOf(engine, container);
  const group = cgroupsPath(engine, container);
  const hooked = (container.hostConfig.DeviceRequests ?? []).length > 0;
  const alone = !hooked && !container.hostConfig.PidMode && (await engine.cgroups.pids(group)).length === 0;
  if (alone && (await runtime.forget(container.id))) await engine.cgroups.remove(group);
  else await endByForce(engine, runtime, container.id, group);
}

/** Ends what runs in a container and takes away the runtime's record of it: without the runtime, when it can't read its own record. */
export async function endByForce(engine: Engine, runtime: Runtime, id: string, group: string): Promise<void> {
  let reason = 'it knows of none';
  try {
    await runtime.delete(id, true);
    if ((await engine.cgroups.pids(group)).length === 0) return;
  } catch (error) {
    reason = messageOf(error);
  }
  engine.context.log.error('the runtime can not remove a container: it is ended without it', { container: id, reason });
  await engine.cgroups.kill(group);
  await runtime.discard(id);
  await engine.cgroups.remove(group);
}

/** A shareable /dev/shm, volumes, parts of them and mounted images. */
async function unmountExtras(engine: Engine, container: Container): Promise<void> {
  const folder = engine.store.runFolder(container.id);
  if (container.hostConfig.IpcMode === 'shareable') unmount(path.join(folder, 'shm'));
  for (const [index, mount] of container.mounts.entries()) {
    if (mount.type === 'volume' && mount.name) await engine.volumes.letGo(mount.name, container.id);
    if (mount.subpath && mount.type === 'volume') unmountCopy(path.join(folder, `subpath-${index}`));
    if (mount.type !== 'image') continue;
    unmount(path.join(folder, `image-${index}`));
    await engine.images.releaseLayers(`${container.id}.image-${index}`);
  }
}
