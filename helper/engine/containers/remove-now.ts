import path from 'node:path';
import { Failure } from '../failure.ts';
import { cleanUp } from './cleanup.ts';
import type { Container } from './container.ts';
import { cancelRestart, type Engine, emit, settleRemoved } from './engine.ts';
import { dropRootfs } from './rootfs-mount.ts';

/** Where a container that is removed goes, when it is to come back: `container` and `volumes` below a folder of the bin. */
export interface IntoBin {
  entry: string;
  folder: string;
}

/** Takes a container that does not run away. In its queue. */
export async function removeNow(engine: Engine, container: Container, options: { volumes: boolean; bin?: IntoBin }): Promise<void> {
  const { id, state } = container;
  const { bin } = options;
  // What is moved must say what it was, not that it is being removed.
  if (bin) await engine.store.save(container);
  container.live.removing = true;
  cancelRestart(container);
  const exitCode = state.status === 'running' ? 0 : state.exitCode;
  const times =
    state.status === 'created' ? undefined : { startedAt: state.startedAt, finishedAt: 'finishedAt' in state ? state.finishedAt : '' };
  container.state = { status: 'removing', exitCode, startedAt: times?.startedAt ?? '', finishedAt: times?.finishedAt ?? '' };
  container.live.summary = undefined;
  try {
    // An exit has cleaned up already; a failed removal or a crash may have left something.
    if (state.status === 'removing') await cleanUp(engine, container);
    dropRootfs(engine, container);
    if (bin) await engine.store.moveOut(container, path.join(bin.folder, 'container'));
    else await engine.store.remove(container);
  } catch (error) {
    container.live.removing = false;
    container.state = { ...container.state, failed: error instanceof Error ? error.message : String(error) };
    await engine.store.saveState(container).catch(() => undefined);
    throw new Failure('system', `cannot remove container "${container.name}": unable to remove filesystem: ${container.state.failed}`, {
      cause: error,
    });
  }
  // The record is gone: from here on what is left is found by its absence. What is in the bin keeps its layers.
  const volumes = options.volumes && bin ? { moveTo: path.join(bin.folder, 'volumes') } : options.volumes;
  const borrowed = container.mounts.flatMap((mount) => (mount.borrowed && mount.name ? [mount.name] : []));
  const layers = bin ? undefined : engine.images.releaseLayers(id);
  await Promise.allSettled([layers, engine.volumes.release(id, volumes, borrowed)]).then((results) => {
    for (const result of results) {
      if (result.status === 'rejected')
        engine.context.log.warn('a removed container left something', { container: id, error: String(result.reason) });
    }
  });
  container.live.removed.abort();
  for (const attachment of container.live.beforeStart) attachment.cancel();
  settleRemoved(container, exitCode);
  emit(engine, container, 'destroy', bin ? { 'gantry.bin': bin.entry } : {});
}
