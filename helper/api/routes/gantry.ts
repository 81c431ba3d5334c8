import type { GantryFeature, GantryInfo } from '../../contract/gantry.ts';
import { Failure } from '../../engine/failure.ts';
import { type Call, type Route, route } from '../call.ts';
import { sendJson } from '../respond.ts';

/** Gantry's extensions; docs/api-gantry.md. */
export const gantryRoutes: Route[] = [
  route('GET', '/gantry/v1', info),
  route('GET', '/gantry/v1/statistics', ({ engine, response }) => sendJson(response, 200, engine.statistics.now())),
  route('GET', '/gantry/v1/containers/:name/statistics', statistics),
];

export const FEATURES: readonly GantryFeature[] = ['statistics'];

function info({ engine, response }: Call): void {
  const answer: Partial<GantryInfo> = { Version: 1, Features: [...FEATURES], Statistics: engine.statistics.describe() };
  sendJson(response, 200, answer);
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
