import { messageOf } from '../failure.ts';
import { nowInstant, toNanos } from '../instant.ts';
import { cleanUp } from './cleanup.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine, emit, settleExit } from './engine.ts';
import { noteStop } from './note-stop.ts';
import { removeNow } from './remove-now.ts';
import { nextRestart } from './restart-policy.ts';
import { relaunch } from './start.ts';

export interface Exit {
  exitCode: number;
  /** RFC 3339. */
  at: string;
  /** Nobody saw it. */
  lost?: boolean;
}

/** The monitor saw the end of a container's first process (also of one that ended while the helper was away). */
export async function handleExit(engine: Engine, id: string, exit: Exit): Promise<void> {
  const container = engine.store.byId(id);
  if (!container) return; // an added process, or a container that was removed meanwhile
  await engine.queue.run(id, async () => {
    // A container that is removed by force, or a second word of the same exit.
    if (container.state.status === 'running' && engine.store.byId(id)) await recordExit(engine, container, exit);
    await engine.monitor.forgetExit(id);
  });
}

/**
 * What follows an exit, in the container's queue. The order matters to clients: the state is exited before `die` tells of it;
 * names, ports and mounts are free before those who wait hear of it; AutoRemove comes after their answer.
 */
export async function recordExit(engine: Engine, container: Container, exit: Exit): Promise<void> {
  const { state } = container;
  if (state.status !== 'running') return;
  container.live.stopHealth?.();
  container.live.stopHealth = undefined;
  container.live.stopRotation?.();
  container.live.stopRotation = undefined;
  container.live.stopOomWatch?.();
  engine.execs.forget(container.id);
  const oomKilled = state.oomKilled || (await countOomKills(engine, container)) > 0;
  if (oomKilled && !state.oomKilled) emit(engine, container, 'oom');
  // A file's time is the kernel's coarse clock, up to a tick behind ours: nothing ends before it started.
  const finishedAt = toNanos(exit.at) > toNanos(state.startedAt) ? exit.at : nowInstant();
  const ranMs = Math.max(0, Number((toNanos(finishedAt) - toNanos(state.startedAt)) / 1_000_000n));
  const decision = nextRestart(container.hostConfig.RestartPolicy, {
    exitCode: exit.exitCode,
    ranMs,
    restarts: container.restartCount,
    lastDelayMs: container.lastDelayMs,
    stoppedByUser: container.stoppedByUser || engine.stopping,
  });
  const ended = { exitCode: exit.exitCode, oomKilled, error: '', startedAt: state.startedAt, finishedAt };
  if (decision.restart) {
    container.restartCount += 1;
    container.lastDelayMs = decision.delayMs;
    container.state = { status: 'restarting', ...ended };
  } else container.state = { status: 'exited', ...ended };
  container.live.summary = undefined;
  noteStop(engine, container, {
    ...ended,
    ...(decision.restart ? { restart: { Count: container.restartCount, DelaySeconds: decision.delayMs / 1000 } } : {}),
    error: undefined,
    lost: exit.lost ?? false,
  });
  emit(engine, container, 'die', { execDuration: String(Math.trunc(ranMs / 1000)), exitCode: String(exit.exitCode) });
  await cleanUp(engine, container);
  for (const mount of container.mounts) if (mount.type === 'volume') engine.volumes.noteUnmount(mount.name ?? '', container.id);
  container.network = undefined;
  await engine.store.saveState(container);
  settleExit(container, exit.exitCode);
  if (decision.restart) scheduleRestart(engine, container, decision.delayMs);
  else if (container.hostConfig.AutoRemove && !container.live.restarting && !engine.stopping) {
    await removeNow(engine, container, { volumes: true });
  }
}

export function scheduleRestart(engine: Engine, container: Container, delayMs: number): void {
  container.live.restartTimer = setTimeout(() => {
    relaunch(engine, container).catch((error) => {
      engine.context.log.error('restart failed', { container: container.id, error: messageOf(error) });
    });
  }, delayMs);
}

async function countOomKills(engine: Engine, container: Container): Promise<number> {
  return engine.cgroups.oomKills(cgroupsPath(engine, container)).catch(() => 0);
}

/** For a run whose exit nobody saw: the helper was away, and the host went down with it. */
export function unknownExit(): Exit {
  return { exitCode: 255, at: nowInstant(), lost: true };
}
