import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mounts, unmount } from '../../system/mount/index.ts';
import { isFailure, messageOf } from '../failure.ts';
import { forEachAtOnce } from '../queue.ts';
import { removeBindPlaces } from './bind-source.ts';
import { cleanUp, endByForce } from './cleanup.ts';
import { type Container, sharedWith } from './container.ts';
import { cgroupsPath, type Engine, runtimeOf } from './engine.ts';
import { handleExit, recordExit, scheduleRestart, unknownExit } from './exit.ts';
import { startHealth } from './health.ts';
import { startRotation } from './log-rotation.ts';
import { noteStop } from './note-stop.ts';
import { startOomWatch } from './oom.ts';
import { removeNow } from './remove-now.ts';
import { startsWithEngine } from './restart-policy.ts';
import { launch } from './start.ts';
import { isRunning } from './state.ts';
import { stopNow } from './stop.ts';

/** How long an exit file of a process that is gone may take: its monitor reads the streams to their end first. */
const EXIT_FILE_GRACE_MS = 500;
const STARTS_AT_ONCE = 4;

/**
 * The helper starts. What the store says, what runs and what is mounted are brought together: what runs is taken over,
 * exits that happened meanwhile are recorded, what was half done is undone, and the restart policies go on.
 * @returns how to stop watching exits
 */
export async function reconcile(engine: Engine): Promise<{ close(): void }> {
  const { store } = engine;
  await store.load();
  const containers = [...store.all()];
  await engine.images.adoptLayers(containers.map(({ id, chain }) => ({ owner: id, chain })));
  engine.volumes.adopt(
    containers.map(({ id, mounts: list }) => ({
      container: id,
      volumes: list.flatMap((mount) => (mount.type === 'volume' && mount.name ? [mount.name] : [])),
    })),
  );

  const alive = new Set<Container>();
  await Promise.all(
    containers.map(async (container) => {
      if (await runs(engine, container)) alive.add(container);
    }),
  );
  await engine.networks.adopt(
    [...alive].flatMap(({ network, state }) =>
      network?.request && state.status === 'running' ? [{ request: network.request, sandbox: network.sandbox, pid: state.pid }] : [],
    ),
  );
  const monitors = [...alive].flatMap(({ state }) => (state.status === 'running' ? [state.monitorPid] : []));
  await removeBindPlaces(engine.context.paths.run, monitors).catch((error) => {
    engine.context.log.warn("copies of the host's mounts are left", { error: messageOf(error) });
  });
  await engine.volumes.takeOver(
    [...alive].flatMap(({ id, state, mounts: list }) => {
      const volumes = list.flatMap((mount) => (mount.type === 'volume' && mount.name ? [mount.name] : []));
      return state.status === 'running' ? [{ container: id, monitorPid: state.monitorPid, volumes }] : [];
    }),
  );
  await removeStrays(engine, alive);

  const watch = await engine.monitor.watchExits(({ id, exitCode, at }) => {
    handleExit(engine, id, { exitCode, at }).catch((error) => {
      engine.context.log.error('an exit could not be recorded', { container: id, error: messageOf(error) });
    });
  });
  if (!engine.context.config.liveRestore) await stopSurvivors(engine, alive);
  await Promise.all(containers.map((container) => settle(engine, container, alive.has(container) && isStillRunning(container))));
  resumePolicies(engine, containers).catch((error) => {
    engine.context.log.error('restart policies could not be resumed', { error: messageOf(error) });
  });
  return watch;
}

/** Whether the container's process of this boot is there. */
async function runs(engine: Engine, container: Container): Promise<boolean> {
  if (container.state.status !== 'running' || container.bootId !== engine.store.bootId) return false;
  try {
    return await runtimeOf(engine, container).runs(container.id, container.state.pid);
  } catch (error) {
    engine.context.log.warn("a container's state is not known to the runtime", { container: container.id, error: messageOf(error) });
    return false;
  }
}

/** Processes, mounts and folders without a container that owns them: a start or removal that was cut off. */
async function removeStrays(engine: Engine, alive: ReadonlySet<Container>): Promise<void> {
  const { store, context } = engine;
  const complain = (what: string, id: string) => (error: unknown) =>
    context.log.warn(`${what} could not be removed`, { id, error: messageOf(error) });
  const keep = new Set([...alive].map(({ id }) => id));
  // Of one whose exit is still to be recorded the cgroup is needed: it tells of an OOM kill.
  const recorded = new Set([...store.all()].filter(({ state }) => state.status === 'running').map(({ id }) => id));
  for (const runtime of new Set(engine.runtimes.values())) {
    for (const id of await runtime.list()) {
      if (recorded.has(id)) continue;
      context.log.info('removing a process that no container owns', { id });
      await endByForce(engine, runtime, id, engine.cgroups.path(id)).catch(complain('a process', id));
    }
  }
  await engine.cgroups.removeStrays(recorded).catch(complain('cgroups', context.instance));
  const base = `${path.join(context.paths.run, 'containers')}/`;
  for (const { target } of (await mounts()).reverse()) {
    if (!target.startsWith(base) || keep.has(target.slice(base.length).split('/')[0] ?? '')) continue;
    try {
      unmount(target);
    } catch (error) {
      complain('a mount', target)(error);
    }
  }
  await store.removeStrays();
}

/** A helper that was killed has left them; without live-restore they end with it, and their policies are asked when all are known. */
async function stopSurvivors(engine: Engine, alive: ReadonlySet<Container>): Promise<void> {
  engine.stopping = true;
  try {
    await Promise.all(
      [...alive].map((container) =>
        stopNow(engine, container, {}).catch((error) => {
          engine.context.log.error('a container could not be stopped', { container: container.id, error: messageOf(error) });
        }),
      ),
    );
  } finally {
    engine.stopping = false;
  }
}

/** What became of one container while the helper was away. */
async function settle(engine: Engine, container: Container, alive: boolean): Promise<void> {
  const { id } = container;
  try {
    if (alive) {
      // A commit that was cut off had frozen it; a pause by the user is on record.
      if (container.state.status === 'running' && !container.state.paused) await engine.cgroups.thaw(cgroupsPath(engine, container));
      startHealth(engine, container);
      startRotation(engine, container);
      await startOomWatch(engine, container);
      return;
    }
    if (container.state.status === 'running') {
      // Its exit file is worth more than a guess; without one (another boot, a monitor that was killed) dockerd says 255.
      const thisBoot = container.bootId === engine.store.bootId;
      for (let waited = 0; thisBoot && isStillRunning(container) && waited < EXIT_FILE_GRACE_MS; waited += 20) await delay(20);
      await engine.queue.run(id, async () => {
        if (!isStillRunning(container)) return;
        if (thisBoot) await recordExit(engine, container, unknownExit());
        else await recordLostRun(engine, container);
      });
      return;
    }
    await engine.queue.run(id, async () => {
      if (container.state.status === 'removing') {
        await removeNow(engine, container, { volumes: container.hostConfig.AutoRemove ?? false });
      } else if (container.hostConfig.AutoRemove && container.state.status === 'exited') {
        await removeNow(engine, container, { volumes: true });
      }
    });
  } catch (error) {
    engine.context.log.error('a container could not be reconciled', { container: id, error: messageOf(error) });
  }
}

const isStillRunning = (container: Container): boolean => container.state.status === 'running';

/** It ran when the host went down. The restart policy is asked when all are known. */
async function recordLostRun(engine: Engine, container: Container): Promise<void> {
  if (container.state.status !== 'running') return;
  const { exitCode, at } = unknownExit();
  noteStop(engine, container, { exitCode, finishedAt: at, startedAt: container.state.startedAt, lost: true });
  container.state = { status: 'exited', exitCode, oomKilled: false, error: '', startedAt: container.state.startedAt, finishedAt: at };
  container.network = undefined;
  await cleanUp(engine, container);
  await engine.store.save(container);
  if (container.hostConfig.AutoRemove) await removeNow(engine, container, { volumes: true });
}

/** Those in a back-off go on with it; of the others those start that their policy starts with the engine. Peers come before who joins them. */
async function resumePolicies(engine: Engine, containers: readonly Container[]): Promise<void> {
  const due: Container[] = [];
  for (const container of containers) {
    const { state } = container;
    if (!engine.store.byId(container.id) || container.live.removing) continue;
    if (state.status === 'restarting') scheduleRestart(engine, container, container.lastDelayMs);
    else if (
      state.status === 'exited' &&
      startsWithEngine(container.hostConfig.RestartPolicy, {
        everStarted: container.everStarted,
        exitCode: state.exitCode,
        stoppedByUser: container.stoppedByUser,
        restarts: container.restartCount,
      })
    ) {
      due.push(container);
    }
  }
  const joins = ({ hostConfig }: Container): boolean =>
    [hostConfig.NetworkMode, hostConfig.IpcMode, hostConfig.PidMode].some((mode) => sharedWith(mode) !== undefined);
  await startAll(
    engine,
    due.filter((container) => !joins(container)),
  );
  await startAll(engine, due.filter(joins));
}

function startAll(engine: Engine, due: Container[]): Promise<void> {
  return forEachAtOnce(due, STARTS_AT_ONCE, async (container) => {
    try {
      await engine.queue.run(container.id, async () => {
        if (isRunning(container.state) || container.live.removing || engine.stopping) return;
        container.stoppedByUser = false;
        await launch(engine, container);
      });
    } catch (error) {
      if (!isFailure(error)) throw error;
      engine.context.log.warn('a container did not start with the engine', { container: container.id, error: error.message });
    }
  });
}
