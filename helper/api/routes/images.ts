import type { ContainerCreateRequest } from '../../contract/docker/index.ts';
import { Failure, messageOf } from '../../engine/failure.ts';
import { download } from '../../engine/images/index.ts';
import { readJson, uploadOf } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { ACCEPTED, booleanFilter, parseFilters } from '../filters.ts';
import { onePlatform } from '../platform.ts';
import { sendProgress, sendProgressAlways } from '../progress.ts';
import { registryAuth } from '../registry-auth.ts';
import { orNull, sendEmpty, sendJson, sendStream } from '../respond.ts';
import { imageInspect, imageSummary } from '../shape-changes.ts';
import { SHAPES } from '../shapes.ts';

export const imageRoutes: Route[] = [
  route('GET', '/images/json', list),
  route('GET', '/images/search', search),
  route('GET', '/images/get', (call) =>
    save(
      call,
      call.query.all('names').flatMap((names) => names.split(',')),
    ),
  ),
  route('GET', '/images/:name/get', (call) => save(call, [call.params.name ?? ''])),
  route('GET', '/images/:name/json', inspect),
  route('GET', '/images/:name/history', history),
  route('POST', '/images/create', create),
  route('POST', '/images/load', load),
  route('POST', '/images/prune', prune),
  route('POST', '/images/:name/push', push),
  route('POST', '/images/:name/tag', tag),
  route('DELETE', '/images/:name', remove),
  route('POST', '/commit', commit),
  route('GET', '/distribution/:name/json', distribution),
];

async function list({ engine, query, response, version }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.images);
  // `filter`, in the singular, was a pattern for names.
  if (version < 41 && query.text('filter') && !filters.has('reference')) filters.set('reference', [query.text('filter')]);
  booleanFilter(filters, 'dangling');
  const images = await engine.images.list({
    all: query.boolean('all'),
    filters,
    digests: query.boolean('digests'),
    sharedSize: version >= 42 && query.boolean('shared-size'),
    manifests: version >= 47 && query.boolean('manifests'),
  });
  sendJson(
    response,
    200,
    images.map((image) => imageSummary(image, version)),
  );
}

async function inspect({ engine, params, query, response, version }: Call): Promise<void> {
  const platform = version >= 49 ? onePlatform(query.all('platform')) : undefined;
  const manifests = version >= 48 && query.boolean('manifests');
  if (platform && manifests) {
    throw new Failure('invalidParameter', 'conflicting options: manifests and platform options cannot both be set');
  }
  sendJson(response, 200, imageInspect(await engine.images.inspect(params.name ?? '', platform, manifests), version));
}

async function history({ engine, params, query, response, version }: Call): Promise<void> {
  const platform = version >= 48 ? onePlatform(query.all('platform')) : undefined;
  sendJson(response, 200, await engine.images.history(params.name ?? '', platform));
}

async function search({ engine, query, request, response, signal }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.imagesSearch);
  const limit = limitOf(query);
  const auth = registryAuth(request.headers);
  sendJson(response, 200, await engine.images.search({ term: query.text('term'), limit, filters, auth }, signal));
}

function limitOf(query: Call['query']): number {
  let limit: number;
  try {
    limit = query.integer('limit') ?? 0;
  } catch (error) {
    throw new Failure('invalidParameter', `invalid limit specified: ${messageOf(error)}`);
  }
  if (limit < 0) throw new Failure('invalidParameter', 'invalid limit specified');
  return limit;
}

async function create(call: Call): Promise<void> {
  const { query, version } = call;
  const platform = version >= 32 ? query.text('platform') : '';
  if (query.text('fromImage')) await pull(call, platform);
  else await importImage(call, platform);
}

async function pull(call: Call, platform: string): Promise<void> {
  const { engine, query, request, signal } = call;
  // `docker pull -a` sends a name with a trailing colon.
  const image = query.text('fromImage').replace(/:$/, '');
  const auth = registryAuth(request.headers);
  const tag = query.text('tag');
  const messages = await engine.images.pull(
    { image, ...(tag ? { tag } : {}), ...(platform ? { platform } : {}), ...(auth ? { auth } : {}) },
    signal,
  );
  await sendProgress(call, messages);
}

async function importImage(call: Call, platform: string): Promise<void> {
  const { engine, query, body, signal } = call;
  const source = query.text('fromSrc');
  if (source === '') throw new Failure('invalidParameter', 'bad parameter: one of fromImage and fromSrc is needed');
  const fetched = source === '-' ? undefined : await download(source, signal);
  const messages = await engine.images.import(
    fetched?.archive ?? uploadOf(body),
    {
      ...named(query.text('repo'), query.text('tag')),
      message: query.text('message') || `Imported from ${source}`,
      changes: query.all('changes'),
      ...(platform ? { platform } : {}),
      ...(fetched ? { download: fetched.download } : {}),
    },
    signal,
  );
  await sendProgress(call, messages);
}

async function load(call: Call): Promise<void> {
  const { engine, query, body, signal, version } = call;
  const platform = version >= 48 ? onePlatform(query.all('platform')) : undefined;
  const options = { quiet: query.boolean('quiet', true), ...(platform ? { platform } : {}) };
  await sendProgressAlways(call, engine.images.load(uploadOf(body), options, signal));
}

async function push(call: Call): Promise<void> {
  const { engine, query, params, request, signal, version } = call;
  const auth = registryAuth(request.headers);
  const tag = query.text('tag');
  // Older clients may send one that was never meant.
  const platform = version >= 46 ? onePlatform([query.text('platform')]) : undefined;
  const options = { image: params.name ?? '', ...(tag ? { tag } : {}), ...(auth ? { auth } : {}), ...(platform ? { platform } : {}) };
  await sendProgress(call, await engine.images.push(options, signal));
}

async function save(call: Call, names: string[]): Promise<void> {
  const platform = call.version >= 48 ? onePlatform(call.query.all('platform')) : undefined;
  const archive = await call.engine.images.save(names, platform, call.signal);
  call.response.setHeader('Content-Type', 'application/x-tar');
  await sendStream(call, archive);
}

async function tag({ engine, params, query, response }: Call): Promise<void> {
  await engine.images.tag(params.name ?? '', query.text('repo'), query.text('tag'));
  sendEmpty(response, 201);
}

async function remove({ engine, params, query, response, version }: Call): Promise<void> {
  const name = params.name ?? '';
  const platforms = version >= 50 ? query.all('platforms') : [];
  if (platforms.length > 1) throw new Failure('invalidParameter', 'multiple platforms are not supported');
  const platform = onePlatform(platforms);
  if (name.trim() === '') throw new Failure('invalidParameter', 'image name cannot be blank');
  sendJson(
    response,
    200,
    await engine.images.remove(name, {
      force: query.boolean('force'),
      prune: !query.boolean('noprune'),
      ...(platform ? { platform } : {}),
    }),
  );
}

async function prune({ engine, query, response }: Call): Promise<void> {
  const filters = parseFilters(query.text('filters'), ACCEPTED.imagesPrune);
  booleanFilter(filters, 'dangling');
  const { ImagesDeleted, SpaceReclaimed } = await engine.images.prune(filters);
  sendJson(response, 200, { ImagesDeleted: orNull(ImagesDeleted), SpaceReclaimed });
}

async function commit({ engine, query, body, response, signal }: Call): Promise<void> {
  const config = await readJson<ContainerCreateRequest>(body, { shape: SHAPES.containerConfig, name: 'Config' });
  const result = await engine.containers.commit(
    query.text('container'),
    {
      ...named(query.text('repo'), query.text('tag')),
      comment: query.text('comment'),
      author: query.text('author'),
      pause: query.boolean('pause', true),
      changes: query.all('changes'),
      ...(config ? { config } : {}),
    },
    signal,
  );
  sendJson(response, 201, result);
}

async function distribution({ engine, params, request, response, signal }: Call): Promise<void> {
  sendJson(response, 200, await engine.images.distribution(params.name ?? '', registryAuth(request.headers), signal));
}

function named(repository: string, tag: string): { repository?: string; tag?: string } {
  return { ...(repository ? { repository } : {}), ...(tag ? { tag } : {}) };
}
