import { promises as fs } from 'node:fs';
import path from 'node:path';
import { Failure, messageOf } from '../failure.ts';
import { withUndo } from '../undo.ts';
import { enliven } from './container.ts';
import { type Engine, emit } from './engine.ts';
import { checkName } from './names.ts';

/**
 * Brings a container back from a folder that a removal moved away, as it was: id, configuration, files, log, and the name unless
 * another is given. It does not run.
 *
 * @throws Failure conflict when the name or the id is taken, system when its record or a layer is missing; nothing is changed then
 */
export async function restore(engine: Engine, folder: string, name: string | undefined): Promise<{ id: string; warnings: string[] }> {
  const { store, images, volumes } = engine;
  const record = await store.readFolder(folder);
  if (store.byId(record.id)) throw new Failure('conflict', `container ${record.id} is here already`);
  const chosen = name === undefined ? record.name : checkName(name);
  return withUndo(async (undo) => {
    store.reserveName(chosen, record.id);
    undo.add('name', () => store.releaseName(chosen, record.id));
    try {
      if (record.chain.length > 0) await images.acquireLayers(record.chain, record.id);
    } catch (error) {
      throw new Failure('system', `container ${record.name} can't come back: ${messageOf(error)}`, { cause: error });
    }
    const { state } = record;
    const container = enliven({
      ...record,
      name: chosen,
      network: undefined,
      bootId: store.bootId,
      // It was in a back-off, which its removal ended.
      state: state.status === 'restarting' ? { ...state, status: 'exited' } : state,
    });
    const place = store.folder(record.id);
    await fs.rename(folder, place);
    undo.add('folder', () => fs.rename(place, folder));
    await store.save(container);
    const names = container.mounts.flatMap((mount) => (mount.type === 'volume' && mount.name ? [mount.name] : []));
    const missing: string[] = [];
    for (const volume of new Set(names)) if (!(await volumes.inspect(volume).catch(() => undefined))) missing.push(volume);
    volumes.adopt([{ container: record.id, volumes: names.filter((volume) => !missing.includes(volume)) }]);
    store.add(container);
    emit(engine, container, 'create', { 'gantry.restored': path.basename(path.dirname(folder)) });
    return { id: record.id, warnings: missing.map((volume) => `volume ${volume} is gone: the next start makes an empty one`) };
  });
}
