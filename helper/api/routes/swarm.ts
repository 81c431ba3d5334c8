import { Failure } from '../../engine/failure.ts';
import { type Call, type Route, route } from '../call.ts';
import { sendJson } from '../respond.ts';

/** What a dockerd answers that is not in swarm mode and has no plugins: clients ask, and go on without. */
export const swarmRoutes: Route[] = [
  ...(['/swarm', '/swarm/unlockkey', '/services', '/services/:id', '/services/:id/logs', '/nodes', '/nodes/:id'] as const).map((path) =>
    route('GET', path, notManager),
  ),
  ...(['/tasks', '/tasks/:id', '/tasks/:id/logs', '/secrets', '/secrets/:id', '/configs', '/configs/:id'] as const).map((path) =>
    route('GET', path, notManager),
  ),
  ...(['/swarm/update', '/services/create', '/services/:id/update', '/nodes/:id/update'] as const).map((path) =>
    route('POST', path, notManager),
  ),
  ...(['/secrets/create', '/secrets/:id/update', '/configs/create', '/configs/:id/update'] as const).map((path) =>
    route('POST', path, notManager),
  ),
  ...(['/services/:id', '/nodes/:id', '/secrets/:id', '/configs/:id'] as const).map((path) => route('DELETE', path, notManager)),
  route('POST', '/swarm/leave', notMember),
  route('POST', '/swarm/unlock', notMember),
  route('POST', '/swarm/init', noSwarm),
  route('POST', '/swarm/join', noSwarm),
  route('GET', '/plugins', ({ response }) => sendJson(response, 200, []), 25),
  route('GET', '/plugins/:name/json', ({ params }: Call) => {
    throw new Failure('notFound', `plugin ${JSON.stringify(params.name)} not found`);
  }),
];

function notManager(): void {
  throw new Failure(
    'unavailable',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );
}

function notMember(): void {
  throw new Failure('unavailable', 'This node is not part of a swarm');
}

function noSwarm(): void {
  throw new Failure('notImplemented', 'swarm mode is not part of this engine');
}
