import { Failure } from '../failure.ts';
import { type Engine, emit } from './engine.ts';
import { checkName } from './names.ts';

/** POST /containers/{id}/rename */
export async function rename(engine: Engine, reference: string, name: string): Promise<void> {
  if (!name) throw new Failure('invalidParameter', 'Neither old nor new names may be empty');
  const container = engine.store.get(reference);
  const bare = checkName(name);
  await engine.queue.run(container.id, async () => {
    const before = container.name;
    if (bare === before) throw new Failure('invalidParameter', 'Renaming a container with the same name as its current name');
    engine.store.reserveName(bare, container.id);
    container.name = bare;
    try {
      await engine.store.save(container);
    } catch (error) {
      container.name = before;
      engine.store.releaseName(bare, container.id);
      throw error;
    }
    engine.store.releaseName(before, container.id);
    engine.networks.renamed(container.id, bare);
    emit(engine, container, 'rename', { oldName: `/${before}` });
  });
}
