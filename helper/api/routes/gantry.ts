import type { BinRequest, GantryFeature, GantryInfo, RestoreRequest } from '../../contract/gantry.ts';
import { Failure, isFailure } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, clientOf, type Engine, type Route, route } from '../call.ts';
import { sendEmpty, sendJson } from '../respond.ts';
import { SHAPES } from '../shapes.ts';
import { copyRoutes } from './copies.ts';

/** Gantry's extensions; docs/api-gantry.md. */
export const gantryRoutes: Route[] = [
  route('GET', '/gantry/v1', info),
  route('GET', '/gantry/v1/statistics', ({ engine, response }) => sendJson(response, 200, engine.statistics.now())),
  route('GET', '/gantry/v1/containers/:name/statistics', statistics),
  route('GET', '/gantry/v1/stops', stops),
  route('GET', '/gantry/v1/images/:name/layers', layers),
  route('GET', '/gantry/v1/images/:name/layers/:layer/files', layerFiles),
  route('GET', '/gantry/v1/containers/:name/stops', stopsOf),
  route('GET', '/gantry/v1/bin', ({ engine, response }) => sendJson(response, 200, engine.bin.list())),
  route('POST', '/gantry/v1/bin', putIntoBin),
  route('DELETE', '/gantry/v1/bin', emptyBin),
  route('POST', '/gantry/v1/bin/:id/restore', restoreFromBin),
  route('DELETE', '/gantry/v1/bin/:id', removeFromBin),
  ...copyRoutes,
];

export const FEATURES: readonly GantryFeature[] = ['statistics', 'stops', 'layers', 'bin', 'copy'];

function info({ engine, response }: Call): void {
  const answer: GantryInfo = {
    Version: 1,
    Features: [...FEATURES],
    Statistics: engine.statistics.describe(),
    Bin: engine.bin.describe(),
  };
  sendJson(response, 200, answer);
}

async function putIntoBin({ engine, body, request, response }: Call): Promise<void> {
  const asked = (await readJson<BinRequest>(body, { shape: SHAPES.bin, name: 'BinRequest' })) ?? {};
  sendJson(response, 201, await engine.bin.put({ ...asked, ...clientOf(request) }));
}

async function restoreFromBin({ engine, body, params, response }: Call): Promise<void> {
  const { Name } = (await readJson<RestoreRequest>(body, { shape: SHAPES.binRestore, name: 'RestoreRequest' })) ?? {};
  sendJson(response, 200, await engine.bin.restore(params.id ?? '', Name || undefined));
}

async function removeFromBin({ engine, params, response }: Call): Promise<void> {
  await engine.bin.remove(params.id ?? '');
  sendEmpty(response, 204);
}

async function emptyBin({ engine, response }: Call): Promise<void> {
  sendJson(response, 200, await engine.bin.empty());
}

async function layers({ engine, params, response, signal }: Call): Promise<void> {
  sendJson(response, 200, await engine.images.layers(params.name ?? '', signal));
}

async function layerFiles({ engine, params, query, response }: Call): Promise<void> {
  sendJson(response, 200, await engine.images.layerFiles(params.name ?? '', params.layer ?? '', query.text('path') || '/'));
}

async function stops({ engine, query, response }: Call): Promise<void> {
  const limit = query.integer('limit') ?? 50;
  if (limit < 1 || limit > 500) throw new Failure('invalidParameter', `invalid value for "limit": ${limit} (1 to 500)`);
  sendJson(response, 200, await engine.stops.latest(limit));
}

/** By name or id; of a container that is gone by its id. One that never stopped has none. */
async function stopsOf({ engine, params, response }: Call): Promise<void> {
  const reference = params.name ?? '';
  const there = lookUp(engine, reference);
  try {
    sendJson(response, 200, await engine.stops.of(there ?? reference));
  } catch (error) {
    if (there === undefined || !isFailure(error, 'notFound')) throw error;
    sendJson(response, 200, []);
  }
}

function lookUp(engine: Engine, reference: string): string | undefined {
  try {
    return engine.containers.locate(reference).id;
  } catch (error) {
    if (isFailure(error, 'notFound')) return undefined;
    throw error;
  }
}

async function statistics({ engine, params, query, response }: Call): Promise<void> {
  const points = query.integer('points');
  if (points !== undefined && points < 1) throw new Failure('invalidParameter', `invalid value for "points": ${points}`);
  const seconds = (name: string): number | undefined => {
    const nanos = query.timestamp(name);
    return nanos === undefined ? undefined : Number(nanos) / 1e9;
  };
  const [since, until] = [seconds('since'), seconds('until')];
  const history = await engine.statistics.history(params.name ?? '', {
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(points === undefined ? {} : { points }),
  });
  sendJson(response, 200, history);
}
