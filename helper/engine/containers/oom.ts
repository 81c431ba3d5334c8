import { messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine, emit } from './engine.ts';

/**
 * From now on a running container that has no memory left is told of at once. What happened before, since its start or while the
 * helper was away, is told now. `live.stopOomWatch` ends it, and tells first what was not told yet.
 */
export async function startOomWatch(engine: Engine, container: Container): Promise<void> {
  container.live.stopOomWatch?.();
  const { state } = container;
  // Known from an earlier engine: it was before now, whenever it was.
  container.live.oomAt = state.status === 'running' && state.oomKilled ? nowInstant() : undefined;
  const group = cgroupsPath(engine, container);
  const heard = (): void => {
    if (container.state.status === 'running') hear(engine, container, container.state);
  };
  try {
    const watch = engine.cgroups.watchOom(group, heard);
    container.live.stopOomWatch = () => {
      container.live.stopOomWatch = undefined;
      watch?.close();
    };
  } catch (error) {
    // Too many are watched on this machine, or it has ended already. Its end tells.
    engine.context.log.debug('a container is not watched for want of memory', { container: container.id, error: messageOf(error) });
  }
  if (state.status === 'running' && !state.oomKilled && (await engine.cgroups.oomKills(group)) > 0) heard();
}

function hear(engine: Engine, container: Container, state: { oomKilled: boolean }): void {
  container.live.oomAt = nowInstant();
  if (!state.oomKilled) {
    // In place: what is under way with the container goes on with this very state.
    state.oomKilled = true;
    void engine.store.saveState(container);
  }
  emit(engine, container, 'oom');
}
