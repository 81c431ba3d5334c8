import { Failure } from '../../engine/failure.ts';
import { type Call, type Route, route } from '../call.ts';
import { ACCEPTED, booleanFilter, parseFilters } from '../filters.ts';
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
  route('GET', '/plugins', listPlugins),
  route('GET', '/plugins/:name/json', noSuchPlugin),
  route('DELETE', '/plugins/:name', noSuchPlugin),
  ...(['enable', 'disable', 'push', 'set', 'upgrade'] as const).map((verb) => route('POST', `/plugins/:name/${verb}`, noSuchPlugin)),
  route('GET', '/plugins/privileges', noPlugins),
  ...(['/plugins/pull', '/plugins/create'] as const).map((path) => route('POST', path, noPlugins)),
];

function listPlugins({ query, response }: Call): void {
  booleanFilter(parseFilters(query.text('filters'), ACCEPTED.plugins), 'enabled');
  sendJson(response, 200, []);
}

function noSuchPlugin({ params }: Call): void {
  throw new Failure('notFound', `plugin ${JSON.stringify(params.name)} not found`);
}

function noPlugins(): void {
  throw new Failure('notImplemented', 'plugins are not part of this engine');
}

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
