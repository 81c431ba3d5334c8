import path from 'node:path';
import { type Api, FEATURES, NEWEST_TEXT, OLDEST_TEXT, serveMetrics, startApi } from './api/index.ts';
import type { Arguments } from './arguments.ts';
import { withoutEffect } from './config/index.ts';
import { needRestart, reloadAttributes, takeOver } from './config/reload.ts';
import type { Configuration } from './configuration.ts';
import { createBin } from './engine/bin/index.ts';
import { createContainers } from './engine/containers/index.ts';
import type { DaemonConfig, EngineContext, Log } from './engine/context.ts';
import { createCopies } from './engine/copy/index.ts';
import { Devices } from './engine/devices/index.ts';
import { createEvents, type EventBus } from './engine/events/index.ts';
import { Failure, messageOf } from './engine/failure.ts';
import { createImages, type ImageUsage } from './engine/images/index.ts';
import { createMetrics, Tally, time } from './engine/metrics/index.ts';
import { createNetworks } from './engine/networks/index.ts';
import { createStatistics } from './engine/statistics/index.ts';
import { createStops } from './engine/stops/index.ts';
import { createSystem, type System } from './engine/system/index.ts';
import { createVolumes } from './engine/volumes/index.ts';
import { checkOverlay, instanceName, lockFolder, makeFolder, warnOfOthers, writePidFile } from './instance.ts';
import { exposed, listenersOf, readTls } from './listeners.ts';
import { createLog } from './log.ts';
import { detectCgroups } from './system/cgroup/index.ts';
import { createMonitor } from './system/monitor/index.ts';
import type { HostMounts } from './system/mount/index.ts';
import { settingsAreReadOnly } from './system/netns/index.ts';
import { requireProgram } from './system/nft/nft.ts';
import { run } from './system/process/run.ts';
import { hasProjectQuotas } from './system/quota/index.ts';
import { findRuntime, type Runtime } from './system/runtime/index.ts';
import { createNotify, type Notify, takePassedSockets } from './system/systemd/index.ts';
import { BUILD, VERSION } from './version.ts';

export interface ServeOptions {
  folders: { data: string; run: string };
  /** The host's mounts, where they can be had. */
  host: HostMounts | undefined;
  /** Given by hand: what to listen on beside the configuration's `hosts`, and who owns the sockets. */
  listening: Pick<Arguments, 'socket' | 'socketUser'>;
  start: Configuration;
  reread(): Configuration;
}

/**
 * Builds the engine from its parts, starts them in their order (what containers use first), serves the API until a signal
 * says to stop. Resolves when all is closed.
 */
export async function serve({ folders, host, listening, start, reread }: ServeOptions): Promise<void> {
  const { settings } = start;
  const config = settings.engine;
  const notify = createNotify();
  const log = createLog(config.logLevel, config.logFormat);
  // From the first moment on: a signal that comes while the engine starts must neither kill it in the midst of that nor be lost.
  const stop = stopSignal(log);
  const reloads = reloadSignals();
  // Before anything else is done: what can't be listened on is a mistake that is to be seen at once.
  const listeners = listenersOf(settings, listening, takePassedSockets(), log.warn);
  for (const listener of listeners) if (listener.kind === 'unix') makeFolder('hosts', path.dirname(listener.path));
  applyProxies(settings.proxies);
  const paths = { data: path.resolve(folders.data), run: path.resolve(folders.run) };
  const locks = [lockFolder('data-root', paths.data), lockFolder('exec-root', paths.run)];
  await checkOverlay(paths.data);
  warnOfOthers('data-root', paths.data, log);
  warnOfOthers('exec-root', paths.run, log);
  if (config.storageSize && !hasProjectQuotas(paths.data)) {
    throw new Error(
      `storage-opts: overlay2.size needs a file system with project quotas below ${paths.data}: ext4 mounted with prjquota, or xfs with pquota`,
    );
  }
  const pidFile = settings.pidfile === undefined ? undefined : writePidFile(settings.pidfile);
  for (const key of withoutEffect(start.file)) log.warn(`the option "${key}" has no effect in this engine`);
  const warnings = [...exposed(listeners), ...(settingsAreReadOnly() ? [READ_ONLY_SETTINGS] : [])];
  for (const warning of warnings) log.warn(warning.replace('WARNING: ', ''));
  const tally = new Tally();
  const context: EngineContext = { paths, host, config, log, instance: instanceName(paths.data), meter: tally };

  requireProgram('ip');
  if (config.iptables) requireProgram('nft');
  const runtimeRoot = path.join(paths.run, 'runtime');
  const runtimes = await findRuntimes(runtimeRoot, config);
  const defaultRuntime = runtimes.get(config.defaultRuntime) as Runtime;
  const monitor = createMonitor({ exits: path.join(paths.run, 'exits'), runtimeRoot, runtimes, defaultRuntime: config.defaultRuntime });
  const cgroups = detectCgroups(context.instance);
  const components = componentVersions(runtimes);

  const events = createEvents();
  // Images ask containers who uses them; containers are made of images.
  let usage: ImageUsage = () => [];
  const images = await createImages({ context, events, usage: (imageId) => usage(imageId) });
  const volumes = createVolumes(context, events);
  const networks = createNetworks(context, events);
  const stops = createStops(context);
  const devices = new Devices(context);
  const containers = createContainers({
    ...{ context, stops, images, networks, volumes, devices, events, monitor, cgroups, runtimes, defaultRuntime },
  });
  const bin = createBin({ context, containers, volumes, images });
  usage = (imageId) => containers.usersOfImage(imageId);

  await Promise.all([images.start(), volumes.start(), networks.start(), stops.start()]);
  await bin.start();
  await containers.start();
  const copies = createCopies({ context, containers, images, networks, volumes });
  await copies.start();
  /** A start that fails so late gives the host back what no container uses. */
  const giveBack = async (error: unknown): Promise<never> => {
    await networks.stop();
    throw error;
  };
  const statistics = createStatistics(context, containers);
  statistics.start();
  const system = await createSystem({
    context,
    containers,
    images,
    volumes,
    devices,
    events,
    cgroups,
    runtimes,
    components: [...(await components), extensions],
    serverVersion: VERSION,
    gitCommit: BUILD.commit,
    buildTime: BUILD.time,
    apiVersion: NEWEST_TEXT,
    minApiVersion: OLDEST_TEXT,
    warnings,
  });

  const metrics = createMetrics({ tally, containers, events, info: system.info, version: system.version });
  const metricsServer = settings.metrics && (await serveMetrics(settings.metrics, metrics, log).catch(giveBack));
  const api = await startApi({
    listeners,
    engine: {
      containers: time(containers, tally, 'container', {
        ...{ startContainer: 'start', changes: 'changes', commit: 'commit', create: 'create', remove: 'delete' },
      }),
      images: time(images, tally, 'image', { pull: 'pull', push: 'push', remove: 'delete' }),
      networks: time(networks, tally, 'network', {
        ...{ create: 'create', remove: 'delete', connect: 'connect', disconnect: 'disconnect' },
      }),
      ...{ volumes, events, system, metrics, statistics, stops, bin, copies },
    },
    context,
    serverVersion: VERSION,
  }).catch(giveBack);
  for (const listener of listeners) log.info('API listens', { on: nameOf(listener) });
  log.info('the engine is ready', { version: VERSION, instance: context.instance });
  notify('READY=1', `MAINPID=${process.pid}`);

  reloads.serve(reloader({ start, reread, config, log, events, system, runtimes, runtimeRoot, cgroups, api, notify }));
  process.on('unhandledRejection', (error) => log.error('a failure that nobody handled', { error }));
  // An error of one connection's stream that came when nobody listened any more: no client may end the engine for all.
  process.on('uncaughtException', (error) => log.error('an error that nobody handled', { error }));

  await stop;
  notify('STOPPING=1');
  metricsServer?.close();
  await api.close();
  await statistics.stop();
  await containers.stop();
  await Promise.all([stops.stop(), bin.stop()]);
  await networks.stop();
  await images.close();
  pidFile?.remove();
  for (const lock of locks) lock.release();
  process.exit(0);
}

const READ_ONLY_SETTINGS =
  'WARNING: /proc/sys is read-only for the engine (ProtectKernelTunables= in its unit, or a container that is not privileged): containers get no settings of their network, and none can use a network without IPv6';

/** How clients find out about our extensions of the API. */
const extensions = { name: 'gantry', version: '1', details: { Path: '/gantry/v1', Features: FEATURES.join(' ') } };

function nameOf(listener: Parameters<typeof startApi>[0]['listeners'][number]): string {
  if (listener.kind === 'unix') return `unix://${listener.path}`;
  return listener.kind === 'fd' ? `fd://${listener.fd}` : `tcp://${listener.host}:${listener.port}${listener.tls ? ' (TLS)' : ''}`;
}

interface Reloading {
  start: Configuration;
  reread(): Configuration;
  config: DaemonConfig;
  log: ReturnType<typeof createLog>;
  events: EventBus;
  system: System;
  runtimes: Map<string, Runtime>;
  runtimeRoot: string;
  cgroups: { version: 1 | 2 };
  api: Api;
  notify: Notify;
}

/** Takes over what SIGHUP can change, all of it or nothing; what waits for a start is named in the log. */
function reloader({ start, reread, config, log, events, system, runtimes, runtimeRoot, cgroups, api, notify }: Reloading) {
  return async (): Promise<void> => {
    notify('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`);
    log.info(`Got signal to reload configuration, reloading from: ${start.path ?? '(no file)'}`);
    try {
      const next = reread();
      const engine = next.settings.engine;
      for (const [name, runtime] of await findRuntimes(runtimeRoot, engine, runtimes)) runtimes.set(name, runtime);
      const tls = readTls(next.settings.tls, log.warn);
      if (tls) api.setTls(tls);
      takeOver(config, engine);
      log.setLevel(config.logLevel);
      const waiting = needRestart(start.file, next.file);
      if (waiting.length) log.warn('changed options that take effect at the next start', { options: waiting.join(', ') });
      const attributes = reloadAttributes(config, [...runtimes.values()], cgroups.version);
      events.publish('daemon', 'reload', system.id, { name: system.name(), ...attributes });
      log.info('Reloaded configuration', attributes);
    } catch (error) {
      log.error('the configuration was not taken over', { reason: messageOf(error) });
    }
    notify('READY=1');
  };
}

/** As dockerd does it: what speaks HTTP for us reads the environment. */
function applyProxies({ http, https, no }: Configuration['settings']['proxies']): void {
  for (const [name, value] of Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https, NO_PROXY: no })) {
    if (value === undefined) continue;
    process.env[name] = value;
    process.env[name.toLowerCase()] = value;
  }
}

/**
 * crun and runc where they are installed, and what the configuration names; the default one must be among them.
 *
 * @param known found already, and not looked for again
 * @throws Failure that names the runtime
 */
async function findRuntimes(root: string, config: DaemonConfig, known = new Map<string, Runtime>()): Promise<Map<string, Runtime>> {
  const runtimes = new Map(known);
  const wanted = [
    { name: 'crun' },
    { name: 'runc' },
    ...Object.entries(config.runtimes).map(([name, { path, args }]) => ({ name, path, args })),
  ].filter((source) => {
    const found = known.get(source.name);
    return !found || ('path' in source && (found.path !== source.path || found.args.join('\n') !== source.args.join('\n')));
  });
  await Promise.all(
    wanted.map(async (source) => {
      try {
        runtimes.set(source.name, await findRuntime(source, root));
      } catch (error) {
        const optional = !('path' in source) && source.name !== config.defaultRuntime;
        if (!optional || !(error instanceof Failure)) throw error;
      }
    }),
  );
  if (!runtimes.has(config.defaultRuntime)) {
    throw new Failure('invalidParameter', `default-runtime: specified default runtime '${config.defaultRuntime}' does not exist`);
  }
  return runtimes;
}

async function componentVersions(runtimes: Map<string, Runtime>): Promise<{ name: string; version: string }[]> {
  const version = async (name: string, args: string[]): Promise<{ name: string; version: string }> => {
    const result = await run(name, args).catch(() => undefined);
    return { name, version: /(\d+\.\d+(?:\.\d+)?)/.exec(result?.stdout ?? '')?.[1] ?? 'unknown' };
  };
  const tools = await Promise.all([version('conmon', ['--version']), version('nft', ['--version'])]);
  return [...tools, ...[...runtimes.values()].map((runtime) => ({ name: runtime.name, version: runtime.version }))];
}

/** SIGHUP from now on; those that come before there is anything to reload are served then, and never two at once. */
function reloadSignals(): { serve(reload: () => Promise<void>): void } {
  let ready: (reload: () => Promise<void>) => void;
  const reload = new Promise<() => Promise<void>>((resolve) => {
    ready = resolve;
  });
  let last: Promise<void> = Promise.resolve();
  process.on('SIGHUP', () => {
    last = last.then(async () => (await reload)());
  });
  return { serve: (what) => ready(what) };
}

/** A second signal ends the process at once: containers and their state are safe, as they are from any end. */
function stopSignal(log: Log): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(1);
        stopping = true;
        log.info(`Processing signal '${signal === 'SIGTERM' ? 'terminated' : 'interrupt'}'`);
        resolve();
      });
    }
  });
}
