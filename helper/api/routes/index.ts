import type { Route } from '../call.ts';
import { buildRoutes } from './build.ts';
import { containerRoutes } from './containers.ts';
import { execRoutes } from './exec.ts';
import { gantryRoutes } from './gantry.ts';
import { imageRoutes } from './images.ts';
import { networkRoutes } from './networks.ts';
import { streamRoutes } from './streams.ts';
import { swarmRoutes } from './swarm.ts';
import { systemRoutes } from './system.ts';
import { volumeRoutes } from './volumes.ts';

/** All routes that the engine answers; docs/api.md lists them, held by a test. */
export function allRoutes(): Route[] {
  return [
    ...systemRoutes,
    ...imageRoutes,
    ...containerRoutes,
    ...streamRoutes,
    ...execRoutes,
    ...networkRoutes,
    ...volumeRoutes,
    ...buildRoutes,
    ...swarmRoutes,
    ...gantryRoutes,
  ];
}
