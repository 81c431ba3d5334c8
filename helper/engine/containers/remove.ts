import { Failure } from '../failure.ts';
import { cancelRestart, type Engine } from './engine.ts';
import { killAndWait } from './kill.ts';
import { removeLink } from './links.ts';
import { noteRequest } from './note-stop.ts';
import { type IntoBin, removeNow } from './remove-now.ts';
import { isRunning, statusWord } from './state.ts';

/** DELETE /containers/{id}. @throws Failure conflict when it runs and `force` is not given */
export async function remove(
  engine: Engine,
  reference: string,
  options: { force: boolean; volumes: boolean; link: boolean; client?: string; bin?: IntoBin },
): Promise<void> {
  if (options.link) return removeLink(engine, reference);
  const container = engine.store.get(reference);
  if (container.live.removing) throw new Failure('conflict', `removal of container ${reference} is already in progress`);
  const refuse = (why: string): Failure => new Failure('conflict', `cannot remove container "${reference}": ${why}`);
  if (isRunning(container.state)) {
    if (!options.force) {
      if (container.state.status === 'running' && container.state.paused) {
        throw refuse('container is paused and must be unpaused first');
      }
      throw refuse(`container is ${statusWord(container.state)}: stop the container before removing or force remove`);
    }
    noteRequest(container, { call: 'remove', ...(options.client ? { client: options.client } : {}) });
    await killAndWait(engine, container);
  }
  await engine.queue.run(container.id, async () => {
    // AutoRemove, or another client, was first: what was asked for is done.
    if (!engine.store.byId(container.id)) return;
    if (isRunning(container.state)) {
      if (!options.force) throw refuse(`container is ${statusWord(container.state)}: stop the container before removing or force remove`);
      cancelRestart(container);
    }
    await removeNow(engine, container, { volumes: options.volumes, ...(options.bin ? { bin: options.bin } : {}) });
  });
}
