import { Failure, messageOf } from '../failure.ts';
import { cgroupsPath, type Engine, emit } from './engine.ts';
import { startHealth } from './health.ts';

/** POST /containers/{id}/pause */
export async function pause(engine: Engine, reference: string): Promise<void> {
  const container = engine.store.get(reference);
  await engine.queue.run(container.id, async () => {
    const { state } = container;
    if (state.status === 'restarting') {
      throw new Failure('conflict', `Container ${container.id} is restarting, wait until the container is running`);
    }
    if (state.status !== 'running') throw new Failure('conflict', `container ${container.id} is not running`);
    if (state.paused) throw new Failure('conflict', `container ${container.id} is already paused`);
    try {
      await engine.cgroups.freeze(cgroupsPath(engine, container));
    } catch (error) {
      throw new Failure('system', `cannot pause container ${container.id}: ${messageOf(error)}`, { cause: error });
    }
    container.live.stopHealth?.();
    container.live.stopHealth = undefined;
    container.state = { ...state, paused: true };
    await engine.store.saveState(container);
    emit(engine, container, 'pause');
  });
}

/** POST /containers/{id}/unpause */
export async function unpause(engine: Engine, reference: string): Promise<void> {
  const container = engine.store.get(reference);
  await engine.queue.run(container.id, async () => {
    const { state } = container;
    if (state.status !== 'running' || !state.paused) throw new Failure('system', `Container ${container.id} is not paused`);
    try {
      await engine.cgroups.thaw(cgroupsPath(engine, container));
    } catch (error) {
      throw new Failure('system', `Cannot unpause container ${container.id}: ${messageOf(error)}`, { cause: error });
    }
    container.state = { ...state, paused: false };
    await engine.store.saveState(container);
    emit(engine, container, 'unpause');
    startHealth(engine, container, { resumed: true });
  });
}
