import { Failure, isFailure } from '../failure.ts';
import { type Engine, emit } from './engine.ts';
import { startContainer } from './start.ts';
import { type StopOptions, stopNow } from './stop.ts';

/** POST /containers/{id}/restart: stop if it runs, then start. AutoRemove does not take it away in between. */
export async function restart(engine: Engine, reference: string, options: StopOptions): Promise<void> {
  const container = engine.store.get(reference);
  container.live.restarting = true;
  try {
    await stopNow(engine, container, { ...options, call: 'restart' });
    try {
      await startContainer(engine, container.id);
    } catch (error) {
      // Somebody else started it meanwhile: that is what was asked for.
      if (!isFailure(error, 'notModified')) throw error;
    }
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw new Failure('system', `Cannot restart container ${reference}: ${error.message}`, {
      cause: error,
    });
  } finally {
    container.live.restarting = false;
  }
  emit(engine, container, 'restart');
}
