import type { Filters } from '../events/types.ts';
import { Failure, isFailure } from '../failure.ts';
import { toNanos } from '../instant.ts';
import { untilFilter } from '../until.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { labelsMatch } from './list-filter.ts';
import { remove } from './remove.ts';
import { sizes } from './size.ts';
import { isRunning } from './state.ts';

const KNOWN = new Set(['label', 'label!', 'until']);
let busy = false;

/** POST /containers/prune: removes what does not run. One at a time. */
export async function prune(engine: Engine, filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }> {
  for (const key of filters.keys()) if (!KNOWN.has(key)) throw new Failure('invalidParameter', `invalid filter '${key}'`);
  const until = untilFilter(filters.get('until'));
  if (busy) throw new Failure('conflict', 'a prune operation is already running');
  busy = true;
  const deleted: string[] = [];
  let reclaimed = 0;
  try {
    for (const container of [...engine.store.all()]) {
      if (isRunning(container.state) || !chosen(container, filters, until)) continue;
      const { rw } = await sizes(engine, container);
      try {
        await remove(engine, container.id, { force: false, volumes: false, link: false });
      } catch (error) {
        // Started or removed by somebody else meanwhile.
        if (!isFailure(error)) throw error;
        continue;
      }
      reclaimed += rw;
      deleted.push(container.id);
    }
  } finally {
    busy = false;
  }
  engine.events.publish('container', 'prune', '', { reclaimed: String(reclaimed) });
  return { ContainersDeleted: deleted, SpaceReclaimed: reclaimed };
}

function chosen(container: Container, filters: Filters, until: bigint | undefined): boolean {
  const labels = container.config.Labels ?? {};
  if (until !== undefined && toNanos(container.created) > until) return false;
  const unwanted = filters.get('label!');
  return labelsMatch(filters.get('label') ?? [], labels) && !(unwanted?.length && labelsMatch(unwanted, labels));
}
