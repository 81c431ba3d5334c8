import { isFull } from '../../store/space.ts';
import { withDevices } from '../devices/index.ts';
import { Failure, isFailure, messageOf } from '../failure.ts';
import { NEVER, nowInstant } from '../instant.ts';
import { Undo } from '../undo.ts';
import { endByForce } from './cleanup.ts';
import { type Container, sharedWith } from './container.ts';
import { cancelRestart, cgroupsPath, type Engine, emit, logPath, runtimeOf, settleExit } from './engine.ts';
import { startHealth } from './health.ts';
import { linkEnvironment, startedLinks } from './links.ts';
import { openLogDriver } from './log-options.ts';
import { rotationOf, startRotation } from './log-rotation.ts';
import { noteStop } from './note-stop.ts';
import { onHost } from './on-host.ts';
import { startOomWatch } from './oom.ts';
import { networkFiles, prepareMounts, withImageModes } from './prepare-mounts.ts';
import { type PreparedNetwork, prepareNetwork } from './prepare-network.ts';
import { removeNow } from './remove-now.ts';
import { holdRootfs, releaseRootfs } from './rootfs-mount.ts';
import { buildSpec } from './spec/build.ts';
import { availableCapabilities } from './spec/capabilities.ts';
import { findInit } from './spec/init.ts';
import { leastOomScoreAdj } from './spec/oom-score.ts';
import { blockIo, linuxResources } from './spec/resources.ts';
import { thisMachine } from './spec/seccomp.ts';
import { lookupUser } from './spec/user.ts';
import { apparmorProfile, devicesOf, joined, networkSysctls } from './spec-parts.ts';
import { inSpec, RuntimeRefusal, startFailure } from './start-failure.ts';
import { makeLinks, makePlain } from './tree/mount-points.ts';
import { makeWorkingDirectory } from './working-directory.ts';

/** POST /containers/{id}/start. @throws Failure notModified when it runs, conflict when it is paused or being removed */
export async function startContainer(engine: Engine, reference: string): Promise<void> {
  const container = engine.store.get(reference);
  await engine.queue.run(container.id, async () => {
    refuseStart(engine, container);
    cancelRestart(container);
    container.restartCount = 0;
    container.lastDelayMs = 0;
    container.stoppedByUser = false;
    await launch(engine, container);
  });
}

function refuseStart(engine: Engine, container: Container): void {
  if (!engine.store.byId(container.id)) throw new Failure('notFound', `No such container: ${container.id}`);
  const { state } = container;
  if (state.status === 'removing' || container.live.removing) {
    throw new Failure('conflict', 'container is marked for removal and cannot be started');
  }
  if (state.status === 'running') {
    if (state.paused) throw new Failure('conflict', 'cannot start a paused container, try unpause instead');
    throw new Failure('notModified', 'container is already running');
  }
}

/**
 * Runs a container that does not run. In its queue. When it throws, nothing is left of the attempt, the state says why,
 * and with AutoRemove the container is gone.
 */
export function launch(engine: Engine, container: Container): Promise<void> {
  const launching = attempt(engine, container).finally(() => {
    container.live.starting = undefined;
  });
  container.live.starting = launching.catch(() => undefined);
  return launching;
}

async function attempt(engine: Engine, container: Container): Promise<void> {
  const undo = new Undo();
  container.live.stopRequest = undefined;
  try {
    await run(engine, container, undo);
    undo.disarm();
  } catch (error) {
    for (const { what, error: cause } of await undo.unwind()) {
      engine.context.log.warn('a failed start left something behind', { container: container.id, what, error: String(cause) });
    }
    const { exitCode, failure } = startFailure(error);
    noteStop(engine, container, { exitCode, error: failure.message, finishedAt: nowInstant() });
    const wasRestarting = container.state.status === 'restarting';
    if (container.state.status === 'created') container.state = { status: 'created', exitCode, error: failure.message };
    else if (container.state.status !== 'removing') {
      const { startedAt, finishedAt } = container.state;
      container.state = { status: 'exited', exitCode, oomKilled: false, error: failure.message, startedAt, finishedAt };
    }
    for (const attachment of container.live.beforeStart) attachment.cancel();
    container.live.beforeStart.clear();
    container.network = undefined;
    await engine.store.saveState(container);
    // Who waits for the next exit of a container that was not running goes on waiting: there was no run.
    if (wasRestarting) settleExit(container, exitCode, failure.message);
    if (container.hostConfig.AutoRemove) await removeNow(engine, container, { volumes: true });
    throw failure;
  }
}

/** All that can be made at the same time is; the first failure stops the others and is the one thrown. */
async function inParallel<T extends unknown[]>(work: (signal: AbortSignal) => { [K in keyof T]: Promise<T[K]> }): Promise<T> {
  const abort = new AbortController();
  const tasks = work(abort.signal) as Promise<unknown>[];
  let first: { error: unknown } | undefined;
  for (const task of tasks) {
    task.catch((error) => {
      first ??= { error };
      abort.abort();
    });
  }
  // Awaited to the end, so that each has registered its undoing before any undoing starts.
  await Promise.allSettled(tasks);
  if (first) throw first.error;
  return Promise.all(tasks) as Promise<T>;
}

async function run(engine: Engine, container: Container, undo: Undo): Promise<void> {
  const { id, config, hostConfig } = container;
  const bundle = engine.store.runFolder(id);
  const { journalTag } = openLogDriver(container);
  const links = startedLinks(engine, container);
  const requested = await inSpec(() => engine.devices.edits(hostConfig.DeviceRequests ?? []));
  const [rootfs, network, mounts, devices, blockIO, init] = await inParallel<
    [
      { root: string; user: Awaited<ReturnType<typeof lookupUser>> },
      PreparedNetwork,
      Awaited<ReturnType<typeof prepareMounts>>,
      Awaited<ReturnType<typeof devicesOf>>,
      Record<string, unknown> | undefined,
      string | undefined,
    ]
  >((signal) => [
    prepareRootfs(engine, container, undo),
    prepareNetwork(engine, container, undo, signal),
    prepareMounts(engine, container, requested.mounts, undo),
    inSpec(() => devicesOf(engine, container)),
    inSpec(() => blockIo(hostConfig, (file) => onHost(engine, file))),
    (hostConfig.Init ?? engine.context.config.init) && (hostConfig.PidMode ?? '') === '' ? findInit() : Promise.resolve(undefined),
  ]);

  const taken = new Set(mounts.mounts.map((mount) => mount.destination));
  container.apparmorProfile = apparmorProfile(container);
  const plain = await inSpec(async () =>
    buildSpec({
      // Sharing another's network changes its host name.
      config: container.config,
      hostConfig,
      path: container.path,
      args: container.args,
      rootfs: rootfs.root,
      user: rootfs.user,
      cgroupsPath: cgroupsPath(engine, container),
      namespaces: {
        network: network.namespace,
        ipc: joined(engine, hostConfig.IpcMode, 'IPC'),
        pid: joined(engine, hostConfig.PidMode, 'PID'),
      },
      mounts: [
        ...(await withImageModes(rootfs.root, mounts.mounts)),
        ...networkFiles(network.folder, taken, hostConfig.ReadonlyRootfs ?? false),
      ],
      rootfsPropagation: mounts.rootfsPropagation,
      init,
      devices,
      resources: {
        ...linuxResources(hostConfig, { swap: engine.cgroups.features().swap }),
        ...(blockIO ? { blockIO } : {}),
      },
      available: availableCapabilities(),
      machine: thisMachine(),
      networkSysctls: sharedWith(hostConfig.NetworkMode) === undefined ? networkSysctls() : {},
      apparmorProfile: container.apparmorProfile || undefined,
      linkedEnv: linkEnvironment(container, links),
      minOomScoreAdj: leastOomScoreAdj(),
      defaults: engine.context.config,
    }),
  );
  const spec = hostConfig.DeviceRequests?.length ? withDevices(plain, requested) : plain;

  const runtime = runtimeOf(engine, container);
  undo.add('process', () => endByForce(engine, runtime, id, cgroupsPath(engine, container)));
  const refuse = (error: unknown): never => {
    // crun says of a place to mount on that it could not make: "No such file or directory".
    if (isFull(engine.store.folder(id))) throw new Failure('system', `no space left on device: ${messageOf(error)}`, { cause: error });
    throw new RuntimeRefusal(error);
  };
  undo.add('log', () => container.live.stopRotation?.());
  startRotation(engine, container);
  const logBytes = rotationOf(container)?.maxBytes;
  const creating = engine.monitor
    .create({
      id,
      name: container.name,
      bundle,
      spec,
      tty: config.Tty ?? false,
      stdin: config.OpenStdin ?? false,
      // A terminal's input stays open when its client detaches; a pipe's ends with the client that StdinOnce means.
      leaveStdinOpen: (config.OpenStdin ?? false) && ((config.Tty ?? false) || !(config.StdinOnce ?? false)),
      logPath: hostConfig.LogConfig?.Type === 'none' ? undefined : logPath(engine, id),
      ...(logBytes === undefined ? {} : { logBytes }),
      ...(journalTag === undefined ? {} : { journalTag }),
      runtime: runtime.name,
    })
    .catch(refuse);
  // Two processes work now; the links are made meanwhile.
  const [{ pid, monitorPid }] = await inParallel(() => [creating, network.connect()]);
  // Attached before the first instruction runs: not a byte is lost.
  const attachments = [...container.live.beforeStart];
  container.live.beforeStart.clear();
  await Promise.all(attachments.map((attachment) => attachment.connect()));
  const startedAt = nowInstant();
  // The runtime has its own by now. Before the first instruction: what a process finds busy is not our doing.
  mounts.release();
  await engine.monitor.start(id).catch(refuse);

  container.network = network.sandbox ? { request: network.request, sandbox: network.sandbox } : undefined;
  keepNetworkIds(container);
  const finishedAt = 'finishedAt' in container.state ? container.state.finishedAt : NEVER;
  container.state = { status: 'running', pid, monitorPid, startedAt, paused: false, oomKilled: false, finishedAt };
  container.everStarted = true;
  await engine.store.saveState(container);
  for (const mount of container.mounts) {
    if (mount.type !== 'volume') continue;
    const { destination, propagation, rw } = mount;
    engine.volumes.noteMount(mount.name ?? '', id, { destination, readOnly: !rw, propagation });
  }
  emit(engine, container, 'start');
  startHealth(engine, container);
  await startOomWatch(engine, container);
}

/** Inspect names the networks that a container was in also when it has ended. */
function keepNetworkIds(container: Container): void {
  for (const [name, { NetworkID }] of Object.entries(container.network?.sandbox.endpoints ?? {})) {
    const asked = container.endpoints[name];
    if (asked && NetworkID) container.endpoints[name] = { ...asked, NetworkID };
  }
}

async function prepareRootfs(
  engine: Engine,
  container: Container,
  undo: Undo,
): Promise<{ root: string; user: Awaited<ReturnType<typeof lookupUser>> }> {
  undo.add('rootfs', () => releaseRootfs(engine, container, 'run'));
  const root = await holdRootfs(engine, container, 'run');
  makePlain(root);
  const [user] = await Promise.all([
    inSpec(() => lookupUser(root, container.config.User ?? '', container.hostConfig.GroupAdd ?? [])),
    makeWorkingDirectory(root, container.config.WorkingDir),
    container.everStarted ? undefined : makeLinks(root),
  ]);
  return { root, user };
}

/** Another attempt by the restart policy, or none if things have changed meanwhile. */
export async function relaunch(engine: Engine, container: Container): Promise<void> {
  await engine.queue.run(container.id, async () => {
    container.live.restartTimer = undefined;
    if (container.state.status !== 'restarting' || engine.stopping) return;
    try {
      await launch(engine, container);
    } catch (error) {
      if (!isFailure(error)) throw error;
      engine.context.log.warn('the restart policy could not start a container', { container: container.id, error: error.message });
    }
  });
}
