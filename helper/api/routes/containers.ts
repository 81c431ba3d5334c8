import type { ContainerCreateRequest, Resources, RestartPolicy } from '../../contract/docker/index.ts';
import type { WaitCondition } from '../../engine/containers/types.ts';
import { Failure, messageOf } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, clientOf, type Route, route } from '../call.ts';
import { createRequest } from '../create-request.ts';
import { ACCEPTED, parseFilters } from '../filters.ts';
import { begin, orNull, sendEmpty, sendJson, sendList, sendTexts } from '../respond.ts';
import { containerInspect, containerSummary } from '../shape-changes.ts';
import { SHAPES } from '../shapes.ts';

export const containerRoutes: Route[] = [
  route('GET', '/containers/json', list),
  route('POST', '/containers/create', create),
  route('POST', '/containers/prune', prune),
  route('GET', '/containers/:name/json', inspect),
  route('GET', '/containers/:name/top', top),
  route('GET', '/containers/:name/stats', stats),
  route('GET', '/containers/:name/changes', changes),
  route('POST', '/containers/:name/start', start),
  route('POST', '/containers/:name/stop', stop),
  route('POST', '/containers/:name/restart', restart),
  route('POST', '/containers/:name/kill', kill),
  route('POST', '/containers/:name/pause', pause),
  route('POST', '/containers/:name/unpause', unpause),
  route('POST', '/containers/:name/rename', rename),
  route('POST', '/containers/:name/update', update),
  route('POST', '/containers/:name/wait', wait),
  route('DELETE', '/containers/:name', remove),
  route('GET', '/containers/:name/checkpoints', noCheckpoints),
  route('POST', '/containers/:name/checkpoints', noCheckpoints),
  route('DELETE', '/containers/:name/checkpoints/:checkpoint', noCheckpoints),
];

/** An experiment in dockerd, which says this where it is not in experimental mode. */
function noCheckpoints({ response }: Call): void {
  throw new Failure(
    'notImplemented',
    response.getHeader('Docker-Experimental') === 'true'
      ? 'checkpoints are not part of this engine'
      : 'This experimental feature is disabled by default. Start the Docker daemon in experimental mode in order to enable it.',
  );
}

async function list({ engine, query, response, version }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.containers);
  const limit = query.integer('limit');
  const containers = await engine.containers.list({
    all: query.boolean('all'),
    size: query.boolean('size'),
    filters,
    ...(limit !== undefined && limit > 0 ? { limit } : {}),
  });
  sendList(
    response,
    containers.map((container) => containerSummary(container, version)),
  );
}

async function create({ engine, body, query, response, version }: Call): Promise<void> {
  const given = await readJson<(ContainerCreateRequest & { Runtime?: string }) | null>(body, {
    shape: SHAPES.containerCreate,
    name: 'CreateRequest',
    required: true,
  });
  const { HostConfig: host, NetworkingConfig, Runtime, ...config } = given ?? {};
  const HostConfig = Runtime ? { ...host, Runtime: host?.Runtime || Runtime } : host;
  if (Object.keys(config).length === 0) throw new Failure('invalidParameter', 'config cannot be empty in order to create a container');
  const { request, warnings } = createRequest(
    { ...config, ...(HostConfig ? { HostConfig } : {}), ...(NetworkingConfig ? { NetworkingConfig } : {}) },
    version,
  );
  const platform = version >= 41 ? query.text('platform') : '';
  const created = await engine.containers.create(query.text('name') || undefined, request, {
    ...(platform ? { platform } : {}),
    // 1.44 made what is mounted below a read-only bind read-only, too.
    flatReadOnly: version < 44,
    // 1.41 made cgroup namespaces private where the engine is configured so; on cgroup v2 they always were.
    ...(version < 41 ? { cgroupnsOnV1: 'host' as const } : {}),
  });
  sendJson(response, 201, { Id: created.Id, Warnings: [...created.Warnings, ...warnings] });
}

async function prune({ engine, query, response }: Call): Promise<void> {
  const { ContainersDeleted, SpaceReclaimed } = await engine.containers.prune(
    parseFilters(query.text('filters'), ACCEPTED.containersPrune),
  );
  sendJson(response, 200, { ContainersDeleted: orNull(ContainersDeleted), SpaceReclaimed });
}

async function inspect({ engine, params, query, response, version }: Call): Promise<void> {
  const container = await engine.containers.inspect(params.name ?? '', { size: query.boolean('size') });
  sendJson(response, 200, containerInspect(container, version));
}

async function top({ engine, params, query, response }: Call): Promise<void> {
  sendJson(response, 200, await engine.containers.top(params.name ?? '', query.text('ps_args')));
}

async function stats(call: Call): Promise<void> {
  const { engine, params, query, response, signal, version } = call;
  const stream = query.boolean('stream', true);
  const oneShot = version >= 41 && query.boolean('one-shot');
  const samples = await engine.containers.stats(params.name ?? '', { stream, oneShot }, signal);
  begin(response, 'application/json');
  await sendTexts(call, jsonLines(samples));
}

async function* jsonLines(values: AsyncIterable<unknown>): AsyncGenerator<string> {
  for await (const value of values) yield `${JSON.stringify(value)}\n`;
}

async function changes({ engine, params, response }: Call): Promise<void> {
  sendJson(response, 200, orNull(await engine.containers.changes(params.name ?? '')));
}

async function start({ engine, params, request, response }: Call): Promise<void> {
  const length = request.headers['transfer-encoding'] ? -1 : Number(request.headers['content-length'] ?? 0);
  // `{}` and `null` are harmless; a HostConfig must not be ignored silently.
  if (length === -1 || length > 7) {
    throw new Failure(
      'invalidParameter',
      'starting container with non-empty request body was deprecated since API v1.22 and removed in v1.24',
    );
  }
  await engine.containers.startContainer(params.name ?? '');
  sendEmpty(response, 204);
}

async function stop({ engine, params, response, ...call }: Call): Promise<void> {
  await engine.containers.stopContainer(params.name ?? '', stopOptions(call));
  sendEmpty(response, 204);
}

async function restart({ engine, params, response, ...call }: Call): Promise<void> {
  await engine.containers.restart(params.name ?? '', stopOptions(call));
  sendEmpty(response, 204);
}

/** 1.42 brought `signal`. */
function stopOptions({ query, version, request }: Pick<Call, 'query' | 'version' | 'request'>): {
  signal?: string;
  timeoutSeconds?: number;
  client?: string;
} {
  const signal = version >= 42 ? query.text('signal') : '';
  const timeoutSeconds = query.integer('t');
  return { ...(signal ? { signal } : {}), ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }), ...clientOf(request) };
}

async function kill({ engine, params, query, request, response }: Call): Promise<void> {
  const name = params.name ?? '';
  try {
    await engine.containers.kill(name, query.text('signal') || 'SIGKILL', clientOf(request).client);
  } catch (error) {
    if (error instanceof Failure) throw new Failure(error.kind, `cannot kill container: ${name}: ${messageOf(error)}`, { cause: error });
    throw error;
  }
  sendEmpty(response, 204);
}

async function pause({ engine, params, response }: Call): Promise<void> {
  await engine.containers.pause(params.name ?? '');
  sendEmpty(response, 204);
}

async function unpause({ engine, params, response }: Call): Promise<void> {
  await engine.containers.unpause(params.name ?? '');
  sendEmpty(response, 204);
}

async function rename({ engine, params, query, response }: Call): Promise<void> {
  await engine.containers.rename(params.name ?? '', query.text('name'));
  sendEmpty(response, 204);
}

async function update({ engine, body, params, response, version }: Call): Promise<void> {
  const change =
    (await readJson<Resources & { RestartPolicy?: RestartPolicy }>(body, { shape: SHAPES.containerUpdate, name: 'UpdateConfig' })) ?? {};
  // 1.40 brought PidsLimit; 0 and below mean no limit.
  if (version < 40) delete change.PidsLimit;
  if (version >= 42) delete change.KernelMemory;
  if (typeof change.PidsLimit === 'number' && change.PidsLimit <= 0) change.PidsLimit = 0;
  const { Warnings } = await engine.containers.update(params.name ?? '', change);
  sendJson(response, 200, { Warnings: orNull(Warnings) });
}

const CONDITIONS: readonly WaitCondition[] = ['not-running', 'next-exit', 'removed'];

/** From 1.30 on the headers come as soon as the wait is registered: `docker run` starts the container only then. */
async function wait({ engine, params, query, response, signal, version }: Call): Promise<void> {
  const asked = version >= 30 ? query.text('condition') || 'not-running' : 'not-running';
  const condition = CONDITIONS.find((each) => each === asked);
  if (!condition) throw new Failure('invalidParameter', `invalid condition: ${JSON.stringify(asked)}`);
  const { result } = await engine.containers.wait(params.name ?? '', condition, signal);
  if (version >= 30) begin(response, 'application/json');
  const answer = await result;
  // Before 1.34 a removal that failed could only be told by an empty answer.
  if (version < 34 && condition === 'removed' && answer.Error) response.end();
  else if (version >= 30) response.end(`${JSON.stringify(answer)}\n`);
  else sendJson(response, 200, answer);
}

async function remove({ engine, params, query, request, response }: Call): Promise<void> {
  await engine.bin.removeContainer(params.name ?? '', {
    force: query.boolean('force'),
    volumes: query.boolean('v'),
    link: query.boolean('link'),
    ...clientOf(request),
  });
  sendEmpty(response, 204);
}
