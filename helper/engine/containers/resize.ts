import { Failure } from '../failure.ts';
import { type Engine, emit } from './engine.ts';

/** POST /containers/{id}/resize. In characters. */
export async function resize(engine: Engine, reference: string, height: number, width: number): Promise<void> {
  const container = engine.store.get(reference);
  if (container.state.status !== 'running') throw new Failure('conflict', `container ${container.id} is not running`);
  await engine.monitor.resize(engine.store.runFolder(container.id), height, width);
  emit(engine, container, 'resize', { height: String(height), width: String(width) });
}
