import path from 'node:path';
import type { Cgroups } from '../../system/cgroup/types.ts';
import type { Monitor } from '../../system/monitor/types.ts';
import type { Runtime } from '../../system/runtime/types.ts';
import type { EngineContext } from '../context.ts';
import type { Devices } from '../devices/index.ts';
import { timerMs } from '../duration.ts';
import type { Events } from '../events/types.ts';
import type { createExecs } from '../execs/index.ts';
import { Failure } from '../failure.ts';
import type { Images } from '../images/types.ts';
import type { Networks } from '../networks/types.ts';
import type { KeyedQueue } from '../queue.ts';
import type { StopSink } from '../stops/types.ts';
import type { Volumes } from '../volumes/types.ts';
import type { Container } from './container.ts';
import { isRunning } from './state.ts';
import type { ContainerStore } from './store.ts';

/** What containers are made of: given at construction. */
export interface Parts {
  context: EngineContext;
  images: Images;
  networks: Networks;
  volumes: Volumes;
  devices: Pick<Devices, 'edits'>;
  events: Events;
  monitor: Monitor;
  cgroups: Cgroups;
  /** The runtimes found on this host, by name. */
  runtimes: ReadonlyMap<string, Runtime>;
  /** The one to use where nothing else is asked for. */
  defaultRuntime: Runtime;
  /** Hears why containers stopped. */
  stops?: StopSink;
}

/** Parts and state that the verbs share. */
export interface Engine extends Parts {
  store: ContainerStore;
  /** Changes of one container's state run one after the other; different containers never wait for each other. */
  queue: KeyedQueue;
  execs: ReturnType<typeof createExecs>;
  stopping: boolean;
}

/** Changes a container in its queue. @throws Failure notFound when it was removed while others were before us */
export function inQueue<T>(engine: Engine, container: Container, work: () => Promise<T>): Promise<T> {
  return engine.queue.run(container.id, () => {
    if (engine.store.byId(container.id) !== container) throw new Failure('notFound', `No such container: ${container.id}`);
    return work();
  });
}

/** Settles when no start of the container is under way: dockerd holds its lock meanwhile, so whoever asks sees all of it or nothing. */
export async function untilStarted(container: Container): Promise<void> {
  while (container.live.starting) await container.live.starting;
}

/** Publishes a container's event with its labels, image and name, as dockerd does. */
export function emit(engine: Engine, container: Container, action: string, attributes: Record<string, string> = {}): void {
  engine.events.publish('container', action, container.id, {
    ...(container.config.Labels ?? {}),
    ...attributes,
    image: container.imageRef,
    name: container.name,
  });
}

/** Answers those who wait for the end of a run. */
export function settleExit(container: Container, exitCode: number, error?: string): void {
  for (const waiter of container.live.waiters) {
    if (waiter.condition === 'removed') continue;
    container.live.waiters.delete(waiter);
    waiter.resolve({ StatusCode: exitCode, ...(error ? { Error: { Message: error } } : {}) });
  }
}

/** Answers everyone: the container is gone. */
export function settleRemoved(container: Container, exitCode: number): void {
  for (const waiter of container.live.waiters) waiter.resolve({ StatusCode: exitCode });
  container.live.waiters.clear();
}

/** Resolves with true when it no longer runs, with false after `timeoutMs` (undefined: for ever) or when nobody waits any more. */
export function untilStopped(container: Container, timeoutMs: number | undefined, signal?: AbortSignal): Promise<boolean> {
  if (!isRunning(container.state)) return Promise.resolve(true);
  return new Promise((resolve) => {
    let timer: NodeJS.Timeout | undefined;
    const waiter = {
      condition: 'next-exit' as const,
      resolve: () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', giveUp);
        resolve(true);
      },
    };
    const giveUp = (): void => {
      clearTimeout(timer);
      container.live.waiters.delete(waiter);
      resolve(false);
    };
    container.live.waiters.add(waiter);
    if (timeoutMs !== undefined) timer = setTimeout(giveUp, timerMs(timeoutMs));
    signal?.addEventListener('abort', giveUp, { once: true });
  });
}

/** The runtime a container was made for. */
export function runtimeOf(engine: Engine, container: Container): Runtime {
  return engine.runtimes.get(container.hostConfig.Runtime ?? '') ?? engine.defaultRuntime;
}

/** CRI log, written by the monitor. */
export function logPath(engine: Engine, id: string): string {
  return path.join(engine.store.folder(id), 'container.log');
}

/** As written in its spec. */
export function cgroupsPath(engine: Engine, container: Container): string {
  return engine.cgroups.path(container.id, container.hostConfig.CgroupParent || undefined);
}

/** A start by hand, a stop or a removal comes before the back-off is over. */
export function cancelRestart(container: Container): void {
  clearTimeout(container.live.restartTimer);
  container.live.restartTimer = undefined;
}
