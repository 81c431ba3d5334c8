import { Failure, isFailure } from '../failure.ts';
import { type Engine, emit, inQueue } from './engine.ts';
import { checkName } from './names.ts';

/** POST /containers/{id}/rename */
export async function rename(engine: Engine, reference: string, name: string): Promise<void> {
  const wanted = name.trim().replace(/^\//, '');
  if (!wanted) throw new Failure('invalidParameter', 'Neither old nor new names may be empty');
  const container = engine.store.get(reference);
  await inQueue(engine, container, async () => {
    const before = container.name;
    if (wanted === before) throw new Failure('invalidParameter', 'Renaming a container with the same name as its current name');
    const bare = reserve(engine, wanted, container.id);
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

function reserve(engine: Engine, name: string, id: string): string {
  try {
    const bare = checkName(`/${name}`);
    engine.store.reserveName(bare, id);
    return bare;
  } catch (error) {
    if (!isFailure(error)) throw error;
    throw new Failure(error.kind, `Error when allocating new name: ${error.message}`, { cause: error });
  }
}
