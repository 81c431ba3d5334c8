import type { Engine } from './engine.ts';
import { sizes } from './size.ts';

/** Bytes that a container's removal frees: what it has written, and its anonymous volumes if they go with it. */
export async function weigh(engine: Engine, reference: string, options: { volumes: boolean }): Promise<number> {
  const container = engine.store.get(reference);
  const { rw } = await sizes(engine, container);
  const own = options.volumes ? container.mounts.filter((mount) => mount.type === 'volume' && mount.anonymous && mount.name) : [];
  const volumes = await Promise.all(own.map((mount) => engine.volumes.weigh(mount.name as string).catch(() => 0)));
  return volumes.reduce((sum, bytes) => sum + bytes, rw);
}
