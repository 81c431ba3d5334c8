import type { ImageUsage } from '../images/types.ts';
import type { Engine } from './engine.ts';
import { isRunning } from './state.ts';

/** For GET /info. */
export function counts(engine: Engine): { total: number; running: number; paused: number; stopped: number } {
  const result = { total: engine.store.size, running: 0, paused: 0, stopped: 0 };
  for (const { state } of engine.store.all()) {
    if (state.status === 'running' && state.paused) result.paused += 1;
    else if (isRunning(state)) result.running += 1;
    else result.stopped += 1;
  }
  return result;
}

/** Who keeps an image from being removed. */
export function usersOfImage(engine: Engine): ImageUsage {
  return (imageId) =>
    [...engine.store.all()]
      .filter((container) => container.imageId === imageId || container.mounts.some((mount) => mount.imageId === imageId))
      .map(({ id, name, state }) => ({ id, name, running: isRunning(state) }));
}
