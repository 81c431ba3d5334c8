import type { VolumeCreateRequest } from '../../contract/docker/index.ts';
import { Failure } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { ACCEPTED, booleanFilter, parseFilters } from '../filters.ts';
import { orNull, sendEmpty, sendJson } from '../respond.ts';
import { SHAPES } from '../shapes.ts';

export const volumeRoutes: Route[] = [
  route('GET', '/volumes', list),
  route('GET', '/volumes/:name', async ({ engine, params, response }) =>
    sendJson(response, 200, await engine.volumes.inspect(params.name ?? '')),
  ),
  route('POST', '/volumes/create', create),
  route('POST', '/volumes/prune', prune),
  route('PUT', '/volumes/:name', update),
  route('DELETE', '/volumes/:name', remove),
];

async function list({ engine, query, response }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.volumes);
  booleanFilter(filters, 'dangling');
  const { Volumes, Warnings } = await engine.volumes.list(filters);
  sendJson(response, 200, { Volumes, Warnings: orNull(Warnings) });
}

async function create({ engine, body, response }: Call): Promise<void> {
  const request = await readJson<VolumeCreateRequest & { ClusterVolumeSpec?: unknown }>(body, {
    shape: SHAPES.volumeCreate,
    name: 'CreateRequest',
  });
  const { ClusterVolumeSpec, ...volume } = request ?? {};
  if (ClusterVolumeSpec)
    throw new Failure('unavailable', 'volume create only valid for cluster volumes on a swarm manager, but swarm is unavailable');
  sendJson(response, 201, await engine.volumes.create(volume));
}

/** Before 1.42, prune removed all unused volumes, not just the anonymous ones. */
async function prune({ engine, query, response, version }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.volumesPrune);
  if (version < 42) filters.set('all', ['true']);
  sendJson(response, 200, await engine.volumes.prune(filters));
}

function update(): void {
  throw new Failure('unavailable', 'volume update only valid for cluster volumes, but swarm is unavailable');
}

async function remove({ engine, params, query, response }: Call): Promise<void> {
  await engine.bin.removeVolume(params.name ?? '', query.boolean('force'));
  sendEmpty(response, 204);
}
