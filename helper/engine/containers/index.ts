import { createExecs } from '../execs/index.ts';
import { Failure, isFailure } from '../failure.ts';
import { KeyedQueue } from '../queue.ts';
import { archiveGet, archivePut, archiveStat } from './archive.ts';
import { attach } from './attach.ts';
import { changes } from './changes.ts';
import { commit } from './commit.ts';
import { counts, usersOfImage } from './counts.ts';
import { create } from './create.ts';
import { type Engine, type Parts, untilStarted } from './engine.ts';
import { execHost } from './exec-host.ts';
import { exportContainer } from './export.ts';
import { inspect } from './inspect.ts';
import { kill } from './kill.ts';
import { list } from './list.ts';
import { logs } from './logs.ts';
import { connectNetwork, disconnectNetwork } from './network.ts';
import { outgoing } from './outgoing.ts';
import { pause, unpause } from './pause.ts';
import { prune } from './prune.ts';
import { reconcile } from './reconcile.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { resize } from './resize.ts';
import { restart } from './restart.ts';
import { restore } from './restore.ts';
import { shutDown } from './shut-down.ts';
import { startContainer } from './start.ts';
import { RuntimeRefusal, startFailure } from './start-failure.ts';
import { stats } from './stats.ts';
import { stopContainer } from './stop.ts';
import { ContainerStore } from './store.ts';
import { top } from './top.ts';
import type { Containers } from './types.ts';
import { update } from './update.ts';
import { usages } from './usage.ts';
import { wait } from './wait.ts';
import { weigh } from './weigh.ts';

export { newContainerId } from './create.ts';
export type { Parts } from './engine.ts';
export type * from './types.ts';

/** Containers, made of the other nouns and of what the system layer gives. */
export function createContainers(parts: Parts): Containers & { usersOfImage: ReturnType<typeof usersOfImage> } {
  const store = new ContainerStore(parts.context.paths, parts.context.log);
  const engine: Engine = {
    ...parts,
    store,
    queue: new KeyedQueue(),
    execs: createExecs({
      monitor: parts.monitor,
      find: (reference) => execHost(engine, store.get(reference)),
      refusal: (error) => startFailure(new RuntimeRefusal(error)),
      log: parts.context.log,
    }),
    stopping: false,
  };
  let watch: { close(): void } | undefined;
  /** Each verb with the engine as its first argument, given. */
  const bind =
    <Args extends unknown[], Result>(verb: (engine: Engine, ...args: Args) => Result) =>
    (...args: Args): Result =>
      verb(engine, ...args);
  /** The same for a verb on one container: what fails since the container was removed meanwhile says just that. */
  const on =
    <Args extends unknown[], Result>(verb: (engine: Engine, reference: string, ...args: Args) => Promise<Result>) =>
    async (reference: string, ...args: Args): Promise<Result> => {
      const container = store.exact(reference);
      try {
        return await verb(engine, reference, ...args);
      } catch (error) {
        const gone = container && (container.state.status === 'removing' || store.byId(container.id) !== container);
        if (!gone || (isFailure(error) && error.kind !== 'system')) throw error;
        throw new Failure('notFound', `No such container: ${reference}`, { cause: error });
      }
    };

  /** A verb that waits for a start that is under way, and acts on what came of it. */
  const settled =
    <Args extends unknown[], Result>(verb: (reference: string, ...args: Args) => Promise<Result>) =>
    async (reference: string, ...args: Args): Promise<Result> => {
      const container = store.find(reference);
      if (container) await untilStarted(container);
      return verb(reference, ...args);
    };

  return {
    async start() {
      watch = await reconcile(engine);
    },
    async stop() {
      await shutDown(engine);
      watch?.close();
    },
    create: bind(create),
    outgoing: bind(outgoing),
    list: bind(list),
    inspect: bind(inspect),
    startContainer: bind(startContainer),
    stopContainer: settled(bind(stopContainer)),
    restart: settled(bind(restart)),
    kill: settled(bind(kill)),
    pause: settled(bind(pause)),
    unpause: settled(bind(unpause)),
    rename: settled(on(rename)),
    update: settled(on(update)),
    remove: settled(bind(remove)),
    prune: bind(prune),
    wait: settled(bind(wait)),
    logs: settled(on(logs)),
    attach: settled(bind(attach)),
    resize: settled(bind(resize)),
    top: settled(on(top)),
    stats: settled(bind(stats)),
    changes: on(changes),
    export: on(exportContainer),
    commit: settled(on(commit)),
    archiveStat: on(archiveStat),
    archiveGet: on(archiveGet),
    archivePut: on(archivePut),
    connectNetwork: bind(connectNetwork),
    disconnectNetwork: bind(disconnectNetwork),
    counts: () => counts(engine),
    usages: () => usages(engine),
    locate(reference) {
      const { id, name, imageRef, chain, hostConfig, state, live } = store.get(reference);
      const restorable = !hostConfig.AutoRemove && state.status !== 'removing' && !live.removing;
      return { id, folder: store.folder(id), name, image: imageRef, chain, restorable };
    },
    weigh: bind(weigh),
    restore: bind(restore),
    usersOfImage: usersOfImage(engine),
    execs: { ...engine.execs, create: settled(engine.execs.create) },
  };
}
