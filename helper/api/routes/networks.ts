import type { EndpointSettings, NetworkCreateRequest } from '../../contract/docker/index.ts';
import { Failure } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { ACCEPTED, booleanFilter, parseFilters } from '../filters.ts';
import { orNull, sendEmpty, sendJson } from '../respond.ts';
import { networkSummary } from '../shape-changes.ts';
import { SHAPES } from '../shapes.ts';

export const networkRoutes: Route[] = [
  route('GET', '/networks', list),
  route('GET', '/networks/', list),
  route('GET', '/networks/:name', inspect),
  route('POST', '/networks/create', create),
  route('POST', '/networks/prune', prune),
  route('POST', '/networks/:name/connect', connect),
  route('POST', '/networks/:name/disconnect', disconnect),
  route('DELETE', '/networks/:name', remove),
];

async function list({ engine, query, response, version }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.networks);
  booleanFilter(filters, 'dangling');
  // 1.28 took the containers out of the list.
  const networks = await engine.networks.list(filters, { containers: version < 28 });
  sendJson(
    response,
    200,
    networks.map((network) => networkSummary(network, version)),
  );
}

async function inspect({ engine, params, query, response }: Call): Promise<void> {
  query.strictBoolean('verbose');
  const network = await engine.networks.inspect(params.name ?? '');
  const scope = query.text('scope');
  if (scope !== '' && scope !== network.Scope) throw new Failure('notFound', `network ${params.name} not found`);
  sendJson(response, 200, network);
}

async function create({ engine, body, response, version }: Call): Promise<void> {
  const request = await readJson<NetworkCreateRequest>(body, { shape: SHAPES.networkCreate, name: 'CreateRequest' });
  const { EnableIPv4, ...rest } = request ?? { Name: '' };
  // 1.48 brought EnableIPv4.
  const known = version >= 48 && EnableIPv4 !== undefined ? { ...rest, EnableIPv4 } : rest;
  sendJson(response, 201, await engine.networks.create({ ...known, Name: known.Name ?? '' }));
}

async function prune({ engine, query, response }: Call): Promise<void> {
  const { NetworksDeleted } = await engine.networks.prune(parseFilters(query.text('filters'), ACCEPTED.networksPrune));
  sendJson(response, 200, { NetworksDeleted: orNull(NetworksDeleted) });
}

async function connect({ engine, body, params, response }: Call): Promise<void> {
  const request = await readJson<{ Container?: string; EndpointConfig?: EndpointSettings | null }>(body, {
    shape: SHAPES.networkConnect,
    required: true,
    name: 'ConnectRequest',
  });
  await engine.containers.connectNetwork(request?.Container ?? '', params.name ?? '', request?.EndpointConfig ?? {});
  sendEmpty(response, 200);
}

async function disconnect({ engine, body, params, response }: Call): Promise<void> {
  const request = await readJson<{ Container?: string; Force?: boolean }>(body, {
    shape: SHAPES.networkDisconnect,
    required: true,
    name: 'DisconnectRequest',
  });
  await engine.containers.disconnectNetwork(request?.Container ?? '', params.name ?? '', request?.Force ?? false);
  sendEmpty(response, 200);
}

async function remove({ engine, params, response }: Call): Promise<void> {
  await engine.networks.remove(params.name ?? '');
  sendEmpty(response, 204);
}
