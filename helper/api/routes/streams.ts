import { Failure } from '../../engine/failure.ts';
import { readText, uploadOf } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { join, refuse, streamType, takeOver } from '../hijack.ts';
import { begin, sendEmpty, sendStream } from '../respond.ts';
import { attachWebSocket } from '../websocket.ts';

/** What a container says, takes and holds: logs, attach, resize, its files. */
export const streamRoutes: Route[] = [
  route('GET', '/containers/:name/logs', logs),
  route('POST', '/containers/:name/attach', attach),
  route('GET', '/containers/:name/attach/ws', attachWebSocket),
  route('POST', '/containers/:name/resize', resize),
  route('GET', '/containers/:name/export', exportFiles),
  route('HEAD', '/containers/:name/archive', archiveStat),
  route('GET', '/containers/:name/archive', archiveGet),
  route('PUT', '/containers/:name/archive', archivePut),
];

async function logs(call: Call): Promise<void> {
  const { engine, params, query, response, signal } = call;
  const stdout = query.boolean('stdout');
  const stderr = query.boolean('stderr');
  if (!stdout && !stderr) throw new Failure('invalidParameter', 'Bad parameters: you must choose at least one stream');
  const since = query.timestamp('since', true);
  const until = query.timestamp('until', true);
  const tail = tailOf(query.text('tail'));
  const output = await engine.containers.logs(
    params.name ?? '',
    {
      stdout,
      stderr,
      follow: query.boolean('follow'),
      timestamps: query.boolean('timestamps'),
      details: query.boolean('details'),
      ...(since === undefined ? {} : { since }),
      ...(until === undefined ? {} : { until }),
      ...(tail === undefined ? {} : { tail }),
    },
    signal,
  );
  begin(response, streamType(call, output.multiplexed));
  await sendStream(call, output.body);
}

/** `all`, nothing, negative and unreadable values are all lines. */
function tailOf(text: string): number | undefined {
  return /^\+?\d+$/.test(text) ? Number(text) : undefined;
}

async function attach(call: Call): Promise<void> {
  const { engine, params, query, signal, body } = call;
  // A body of its own (dockerode sends its options) is not what the process is to read.
  if (Number(body.headers['content-length'] ?? 0) > 0) await readText(body.stream);
  const detachKeys = query.text('detachKeys');
  const attached = engine.containers.attach(
    params.name ?? '',
    {
      stdin: query.boolean('stdin'),
      stdout: query.boolean('stdout'),
      stderr: query.boolean('stderr'),
      logs: query.boolean('logs'),
      stream: query.boolean('stream'),
      ...(detachKeys ? { detachKeys } : {}),
    },
    signal,
  );
  const session = await attached.catch((error: unknown) => {
    if (!signal.aborted) refuse(call, error);
    return undefined;
  });
  if (session) await join(takeOver(call, session.multiplexed), session);
}

async function resize({ engine, params, query, response }: Call): Promise<void> {
  await engine.containers.resize(params.name ?? '', query.uint32('h', 'resize height'), query.uint32('w', 'resize width'));
  sendEmpty(response, 200);
}

async function exportFiles(call: Call): Promise<void> {
  const body = await call.engine.containers.export(call.params.name ?? '', call.signal);
  begin(call.response, 'application/octet-stream');
  await sendStream(call, body);
}

async function archiveStat(call: Call): Promise<void> {
  const { engine, params, response } = call;
  const path = pathOf(call);
  const stat = await engine.containers.archiveStat(params.name ?? '', path);
  response.writeHead(200, { 'X-Docker-Container-Path-Stat': encodeStat(stat) }).end();
}

async function archiveGet(call: Call): Promise<void> {
  const { engine, params, response, signal } = call;
  const path = pathOf(call);
  const { stat, body } = await engine.containers.archiveGet(params.name ?? '', path, signal);
  begin(response, 'application/x-tar', { 'X-Docker-Container-Path-Stat': encodeStat(stat) });
  await sendStream(call, body);
}

async function archivePut(call: Call): Promise<void> {
  const { engine, params, query, body, response, signal } = call;
  const path = pathOf(call);
  const options = { noOverwriteDirNonDir: query.boolean('noOverwriteDirNonDir'), copyUidGid: query.boolean('copyUIDGID') };
  await engine.containers.archivePut(params.name ?? '', path, uploadOf(body), options, signal);
  sendEmpty(response, 200);
}

function pathOf({ query }: Call): string {
  const path = query.text('path');
  if (path === '') throw new Failure('invalidParameter', 'bad parameter: path cannot be empty');
  return path;
}

function encodeStat(stat: unknown): string {
  return Buffer.from(JSON.stringify(stat)).toString('base64');
}
