import { type Call, type Route, route } from '../call.ts';
import { sendJson } from '../respond.ts';

/** There is no build cache yet, so there is nothing to prune: `docker system prune` asks, and must be able to go on. */
export const buildRoutes: Route[] = [
  route('POST', '/build/prune', ({ response }: Call) => sendJson(response, 200, { CachesDeleted: null, SpaceReclaimed: 0 }), 31),
];
