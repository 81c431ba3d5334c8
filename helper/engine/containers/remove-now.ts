import { Failure } from '../failure.ts';
import { cleanUp } from './cleanup.ts';
import type { Container } from './container.ts';
import { cancelRestart, type Engine, emit, settleRemoved } from './engine.ts';
import { dropRootfs } from './rootfs-mount.ts';

/** Takes a container that does not run away. In its queue. */
export async function removeNow(engine: Engine, container: Container, options: { volumes: boolean }): Promise<void> {
  const { id, state } = container;
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
    await engine.store.remove(container);
  } catch (error) {
    container.live.removing = false;
    container.state = { ...container.state, failed: error instanceof Error ? error.message : String(error) };
    await engine.store.saveState(container).catch(() => undefined);
    throw new Failure('system', `cannot remove container "${container.name}": unable to remove filesystem: ${container.state.failed}`, {
      cause: error,
    });
  }
  // The record is gone: from here on nothing can bring the container back, and what is left is found by its absence.
  await Promise.allSettled([engine.images.releaseLayers(id), engine.volumes.release(id, options.volumes)]).then((results) => {
    for (const result of results) {
      if (result.status === 'rejected')
        engine.context.log.warn('a removed container left something', { container: id, error: String(result.reason) });
    }
  });
  container.live.removed.abort();
  for (const attachment of container.live.beforeStart) attachment.cancel();
  settleRemoved(container, exitCode);
  emit(engine, container, 'destroy');
}
