import { type Call, type Route, route } from '../call.ts';
import { parseFilters } from '../filters.ts';
import { sendJson } from '../respond.ts';

/** There is no build cache yet, so there is nothing to prune: `docker system prune` asks, and must be able to go on. */
export const buildRoutes: Route[] = [route('POST', '/build/prune', prune)];

function prune({ engine, query, response }: Call): void {
  parseFilters(query.text('filters'));
  engine.events.publish('builder', 'prune', '', { reclaimed: '0' });
  sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 });
}
