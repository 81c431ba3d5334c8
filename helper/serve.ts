import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { NEWEST_TEXT, OLDEST_TEXT, startApi } from './api/index.ts';
import type { Arguments } from './arguments.ts';
import { createContainers } from './engine/containers/index.ts';
import type { DaemonConfig, EngineContext } from './engine/context.ts';
import { createEvents } from './engine/events/index.ts';
import { Failure, messageOf } from './engine/failure.ts';
import { createImages, type ImageUsage } from './engine/images/index.ts';
import { createNetworks } from './engine/networks/index.ts';
import { createSystem } from './engine/system/index.ts';
import { createVolumes } from './engine/volumes/index.ts';
import { instanceName, lockData } from './instance.ts';
import { createLog } from './log.ts';
import { detectCgroups } from './system/cgroup/index.ts';
import { createMonitor } from './system/monitor/index.ts';
import { run } from './system/process/run.ts';
import { findRuntime, type Runtime } from './system/runtime/index.ts';
import { VERSION } from './version.ts';

/**
 * Builds the engine from its parts, starts them in their order (what containers use first), serves the API until a signal
 * says to stop. Resolves when all is closed.
 */
export async function serve(options: Arguments, config: DaemonConfig, reread: () => DaemonConfig): Promise<void> {
  const log = createLog(config.logLevel, config.logFormat);
  const lock = lockData(options.data);
  const paths = { data: path.resolve(options.data), run: path.resolve(options.run) };
  mkdirSync(path.dirname(path.resolve(options.socket)), { recursive: true, mode: 0o755 });
  const context: EngineContext = { paths, config, log, instance: instanceName(paths.data) };

  const runtimeRoot = path.join(paths.run, 'runtime');
  const runtimes = await findRuntimes(runtimeRoot, config.defaultRuntime);
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
  const containers = createContainers({ context, images, networks, volumes, events, monitor, cgroups, runtimes, defaultRuntime });
  usage = (imageId) => containers.usersOfImage(imageId);

  await Promise.all([images.start(), volumes.start(), networks.start()]);
  await containers.start();
  const system = await createSystem({
    context,
    containers,
    images,
    volumes,
    events,
    cgroups,
    runtimes: [...runtimes.values()],
    components: await components,
    serverVersion: VERSION,
    apiVersion: NEWEST_TEXT,
    minApiVersion: OLDEST_TEXT,
  });

  const api = await startApi({
    listeners: [{ kind: 'unix', path: path.resolve(options.socket) }],
    engine: { containers, images, volumes, networks, events, system },
    context,
    serverVersion: VERSION,
  });
  log.info('the engine is ready', { version: VERSION, socket: options.socket, instance: context.instance });

  process.on('SIGHUP', () => {
    try {
      const next = reread();
      Object.assign(config, next);
      log.setLevel(next.logLevel);
      events.publish('daemon', 'reload', context.instance, { name: context.instance });
      log.info('configuration read again');
    } catch (error) {
      log.error('the configuration was not taken over', { reason: messageOf(error) });
    }
  });
  process.on('unhandledRejection', (error) => log.error('a failure that nobody handled', { error }));
  // An error of one connection's stream that came when nobody listened any more: no client may end the engine for all.
  process.on('uncaughtException', (error) => log.error('an error that nobody handled', { error }));

  await stopSignal();
  log.info('stopping');
  await api.close();
  await containers.stop();
  await networks.stop();
  await images.close();
  lock.release();
  process.exit(0);
}

/** Both runtimes where they are installed; the default one must be. */
async function findRuntimes(root: string, wanted: 'crun' | 'runc'): Promise<Map<'crun' | 'runc', Runtime>> {
  const runtimes = new Map<'crun' | 'runc', Runtime>();
  await Promise.all(
    (['crun', 'runc'] as const).map(async (name) => {
      try {
        runtimes.set(name, await findRuntime(name, root));
      } catch (error) {
        if (name === wanted || !(error instanceof Failure)) throw error;
      }
    }),
  );
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

/** A second signal ends the process at once: containers and their state are safe, as they are from any end. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    let stopping = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (stopping) process.exit(1);
        stopping = true;
        resolve();
      });
    }
  });
}
