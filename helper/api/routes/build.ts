import { type Call, type Route, route } from '../call.ts';
import { sendJson } from '../respond.ts';

/** There is no build cache yet, so there is nothing to prune: `docker system prune` asks, and must be able to go on. */
export const buildRoutes: Route[] = [route('POST', '/build/prune', prune, 31)];

function prune({ engine, response }: Call): void {
  engine.events.publish('builder', 'prune', '', { reclaimed: '0' });
  sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 });
}
