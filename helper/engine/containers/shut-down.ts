import { timerMs } from '../duration.ts';
import { messageOf } from '../failure.ts';
import { cancelRestart, type Engine, untilStarted } from './engine.ts';
import { isRunning } from './state.ts';
import { DEFAULT_TIMEOUT_SECONDS, stopNow } from './stop.ts';

/** What is left for bookkeeping when the last container had its time. */
const GRACE_SECONDS = 5;

/**
 * How long a shutdown may take: as configured, but never less than a container was promised; undefined: for ever.
 * Source: dockerd's ShutdownTimeout.
 */
export function shutdownSeconds(configured: number, stopTimeouts: readonly (number | null | undefined)[]): number | undefined {
  if (configured < 0 || stopTimeouts.some((timeout) => (timeout ?? 0) < 0)) return undefined;
  return Math.max(configured, ...stopTimeouts.map((timeout) => timeout ?? DEFAULT_TIMEOUT_SECONDS)) + GRACE_SECONDS;
}

async function within(work: Promise<unknown>, seconds: number | undefined): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    if (seconds !== undefined) timer = setTimeout(() => resolve(false), timerMs(seconds * 1000));
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

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
    const running = [...engine.store.all()].filter(({ state, live }) => isRunning(state) || live.starting);
    const all = Promise.all(
      running.map(async (container) => {
        await untilStarted(container);
        await stopNow(engine, container, {}).catch((error) => {
          log.warn('a container could not be stopped', { container: container.id, error: messageOf(error) });
        });
      }),
    );
    const seconds = shutdownSeconds(
      config.shutdownTimeout,
      running.map((container) => container.config.StopTimeout),
    );
    if (!(await within(all, seconds))) log.error('containers were still running when the time for the shutdown was over');
  }
  // A start that is cut off would leave processes that the next helper has to look for.
  if (!(await within(engine.queue.allIdle(), GRACE_SECONDS))) log.warn('what was being done with containers is left as it is');
  await engine.store.flush();
  await engine.cgroups.removeOwn().catch((error) => log.warn('the own cgroup was left', { error: messageOf(error) }));
}
