import { Failure } from '../failure.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
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
  for (let done = false; !done; ) {
    if (isRunning(container.state)) {
      if (!options.force) throw refusal(container, reference);
      noteRequest(container, { call: 'remove', ...(options.client ? { client: options.client } : {}) });
      await killAndWait(engine, container);
    }
    done = await engine.queue.run(container.id, async () => {
      // AutoRemove, or another client, was first: what was asked for is done.
      if (!engine.store.byId(container.id)) return true;
      // Who was before us in the queue has started it: what runs is not taken away under its processes.
      if (isRunning(container.state)) return false;
      await removeNow(engine, container, { volumes: options.volumes, ...(options.bin ? { bin: options.bin } : {}) });
      return true;
    });
  }
}

function refusal(container: Container, reference: string): Failure {
  const why =
    container.state.status === 'running' && container.state.paused
      ? 'container is paused and must be unpaused first'
      : `container is ${statusWord(container.state)}: stop the container before removing or force remove`;
  return new Failure('conflict', `cannot remove container "${reference}": ${why}`);
}
