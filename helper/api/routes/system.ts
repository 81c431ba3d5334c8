import type { RegistryAuth } from '../../contract/docker/index.ts';
import type { EventStream, TimedEvent } from '../../engine/events/types.ts';
import { Failure } from '../../engine/failure.ts';
import type { DiskUsageType } from '../../engine/system/types.ts';
import { readJson } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { parseFilters } from '../filters.ts';
import { sendMetrics } from '../metrics-server.ts';
import { begin, sendEmpty, sendJson, sendTexts } from '../respond.ts';
import { diskUsage, sendsEvent, systemInfo } from '../shape-changes.ts';
import { SHAPES } from '../shapes.ts';

const DISK_USAGE_TYPES: readonly DiskUsageType[] = ['container', 'image', 'volume', 'build-cache'];

export const systemRoutes: Route[] = [
  route('GET', '/_ping', ping),
  route('HEAD', '/_ping', ping),
  route('GET', '/version', ({ engine, response }) => sendJson(response, 200, engine.system.version())),
  route('GET', '/info', async ({ engine, response, version }) => sendJson(response, 200, systemInfo(await engine.system.info(), version))),
  route('GET', '/events', events),
  route('GET', '/system/df', df),
  route('POST', '/auth', auth),
  // For browsers' preflights: any path, as in dockerd.
  route('OPTIONS', '/*', ({ response }) => sendEmpty(response, 200)),
  route('GET', '/metrics', ({ engine, response }) => sendMetrics(response, engine.metrics)),
];

function ping({ request, response }: Call): void {
  response.writeHead(200, {
    'Cache-Control': 'no-cache, no-store, must-revalidate',
    Pragma: 'no-cache',
    // The classic builder: clients that see 2 would speak BuildKit's gRPC to us.
    'Builder-Version': '1',
    Swarm: 'inactive',
    'Content-Type': 'text/plain; charset=utf-8',
    'Content-Length': request.method === 'HEAD' ? 0 : 2,
  });
  response.end(request.method === 'HEAD' ? undefined : 'OK');
}

async function events(call: Call): Promise<void> {
  const { engine, query, response, signal } = call;
  const since = query.timestamp('since');
  const until = query.timestamp('until');
  if (since !== undefined && until !== undefined && until < since) {
    throw new Failure(
      'invalidParameter',
      `\`since\` time (${query.text('since')}) cannot be after \`until\` time (${query.text('until')})`,
    );
  }
  const filters = parseFilters(query.text('filters'));
  const stream = engine.events.subscribe({
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    filters,
    signal,
  });
  begin(response, 'application/json');
  await sendTexts(call, eventLines(stream, call));
}

const AT_ONCE = 512;

async function* eventLines(stream: EventStream, { version }: Call): AsyncGenerator<string> {
  for await (const first of stream) {
    const text = [first, ...stream.queued(AT_ONCE)].map((event) => (sendsEvent(event, version) ? eventLine(event) : '')).join('');
    if (text !== '') yield text;
  }
}

const lines = new WeakMap<TimedEvent, string>();

/**
 * Once for all who listen: with many of them this is most of what an event costs.
 * `timeNano` is written from the exact value: as a JavaScript number it would be off by some hundred nanoseconds.
 */
export function eventLine(event: TimedEvent): string {
  const known = lines.get(event);
  if (known !== undefined) return known;
  const { nanos, timeNano: _rounded, ...shown } = event;
  const line = `${JSON.stringify(shown).slice(0, -1)},"timeNano":${nanos}}\n`;
  lines.set(event, line);
  return line;
}

async function df({ engine, query, response, version }: Call): Promise<void> {
  const asked = version >= 42 && query.has('type') ? query.all('type') : DISK_USAGE_TYPES;
  const unknown = asked.find((type) => !(DISK_USAGE_TYPES as readonly string[]).includes(type));
  if (unknown !== undefined) throw new Failure('invalidParameter', `unknown object type: ${unknown}`);
  sendJson(response, 200, diskUsage(await engine.system.diskUsage(asked as DiskUsageType[]), version));
}

async function auth({ engine, body, response, signal }: Call): Promise<void> {
  const credentials = (await readJson<RegistryAuth>(body, { shape: SHAPES.auth, name: 'AuthConfig', anyType: true })) ?? {};
  sendJson(response, 200, await engine.images.authenticate(credentials, signal));
}
