import { messageOf } from '../failure.ts';
import { cancelRestart, type Engine } from './engine.ts';
import { isRunning } from './state.ts';
import { stopNow } from './stop.ts';

/**
 * The helper ends in order. With live-restore containers run on and are found again; else they are stopped in time,
 * which their restart policies don't take for a user's wish.
 */
export async function shutDown(engine: Engine): Promise<void> {
  engine.stopping = true;
  const { config, log } = engine.context;
  for (const container of engine.store.all()) {
    cancelRestart(container);
    container.live.stopHealth?.();
    container.live.stopRotation?.();
  }
  if (!config.liveRestore) {
    const running = [...engine.store.all()].filter(({ state }) => isRunning(state));
    await Promise.all(
      running.map(async (container) => {
        const timeoutSeconds = Math.min(container.config.StopTimeout ?? config.shutdownTimeout, config.shutdownTimeout);
        try {
          await stopNow(engine, container, { timeoutSeconds: timeoutSeconds < 0 ? config.shutdownTimeout : timeoutSeconds });
        } catch (error) {
          log.warn('a container could not be stopped', { container: container.id, error: messageOf(error) });
        }
      }),
    );
  }
  await engine.store.flush();
}
