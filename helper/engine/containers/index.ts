import { KeyedQueue } from '../queue.ts';
import { create } from './create.ts';
import type { Engine, Parts } from './engine.ts';
import { inspect } from './inspect.ts';
import { kill } from './kill.ts';
import { list } from './list.ts';
import { connectNetwork, disconnectNetwork } from './network.ts';
import { pause, unpause } from './pause.ts';
import { prune } from './prune.ts';
import { reconcile } from './reconcile.ts';
import { remove } from './remove.ts';
import { rename } from './rename.ts';
import { resize } from './resize.ts';
import { restart } from './restart.ts';
import { startContainer } from './start.ts';
import { stopContainer } from './stop.ts';
import { ContainerStore } from './store.ts';
import { top } from './top.ts';
import type { Containers } from './types.ts';
import { update } from './update.ts';
import { wait } from './wait.ts';

export type { Engine, Parts } from './engine.ts';
export { createContainers };

function createContainers(parts: Parts): any {
  const engine: Engine = {
    ...parts,
    store: new ContainerStore(parts.context.paths, parts.context.log),
    queue: new KeyedQueue(),
    execs: undefined as any,
    execIds: () => [],
    stopping: false,
  };
  let watch: any;
  return {
    async start() {
      watch = await reconcile(engine);
    },
    async stop() {
      watch?.close();
      await engine.store.flush();
    },
    create: (n: any, r: any, o: any) => create(engine, n, r, o),
    list: (o: any) => list(engine, o),
    inspect: (c: any, o: any) => inspect(engine, c, o),
    startContainer: (c: any) => startContainer(engine, c),
    stopContainer: (c: any, o: any) => stopContainer(engine, c, o),
    restart: (c: any, o: any) => restart(engine, c, o),
    kill: (c: any, s: any) => kill(engine, c, s),
    pause: (c: any) => pause(engine, c),
    unpause: (c: any) => unpause(engine, c),
    rename: (c: any, n: any) => rename(engine, c, n),
    update: (c: any, n: any) => update(engine, c, n),
    remove: (c: any, o: any) => remove(engine, c, o),
    prune: (f: any) => prune(engine, f),
    wait: (c: any, a: any, s: any) => wait(engine, c, a, s),
    top: (c: any, a: any) => top(engine, c, a),
    resize: (c: any, h: any, w: any) => resize(engine, c, h, w),
    connectNetwork: (c: any, n: any, s: any) => connectNetwork(engine, c, n, s),
    disconnectNetwork: (c: any, n: any, f: any) => disconnectNetwork(engine, c, n, f),
  };
}
