import type { ExecCreateRequest } from '../../contract/docker/index.ts';
import type { Session } from '../../engine/containers/types.ts';
import { Failure, messageOf } from '../../engine/failure.ts';
import { readJson } from '../body.ts';
import { type Call, type Route, route } from '../call.ts';
import { frame } from '../frame.ts';
import { join, takeOver } from '../hijack.ts';
import { sendEmpty, sendJson } from '../respond.ts';
import { SHAPES } from '../shapes.ts';

export const execRoutes: Route[] = [
  route('POST', '/containers/:name/exec', create),
  route('POST', '/exec/:id/start', start),
  route('POST', '/exec/:id/resize', resize),
  route('GET', '/exec/:id/json', async ({ engine, params, response }) =>
    sendJson(response, 200, await engine.containers.execs.inspect(params.id ?? '')),
  ),
];

async function create({ engine, body, params, response, version }: Call): Promise<void> {
  const request = (await readJson<ExecCreateRequest>(body, { shape: SHAPES.execCreate, name: 'ExecCreateRequest' })) ?? {};
  if (!request.Cmd?.length) throw new Failure('invalidParameter', 'No exec command specified');
  // 1.42 brought ConsoleSize.
  if (version < 42) request.ConsoleSize = null;
  sendJson(response, 201, { Id: await engine.containers.execs.create(params.name ?? '', request) });
}

interface StartRequest {
  Detach?: boolean;
  Tty?: boolean;
  ConsoleSize?: [number, number] | null;
}

async function start(call: Call): Promise<void> {
  const { engine, body, params, response, version } = call;
  const request = (await readJson<StartRequest>(body, { shape: SHAPES.execStart, name: 'ExecStartRequest' })) ?? {};
  const id = params.id ?? '';
  const tty = request.Tty ?? false;
  const consoleSize = tty && version >= 42 ? request.ConsoleSize : undefined;
  const options = { detach: request.Detach ?? false, tty, ...(consoleSize ? { consoleSize } : {}) };
  engine.containers.execs.check(id);
  if (options.detach) {
    await engine.containers.execs.start(id, options);
    sendEmpty(response, 200);
  } else await startAttached(call, id, options);
}

/**
 * The head goes out before the process starts: some clients (docker-py) drop what comes in one packet with it. So a command that
 * can't be run is told in the stream; the CLI prints it and then takes the exit code (126, 127) from inspect.
 */
async function startAttached(call: Call, id: string, options: { detach: boolean; tty: boolean }): Promise<void> {
  const socket = takeOver(call, !options.tty, true);
  let session: Session | undefined;
  try {
    session = await call.engine.containers.execs.start(id, options);
  } catch (error) {
    call.log.debug(`exec ${id} was not started`, { error: messageOf(error) });
    const text = Buffer.from(`${messageOf(error)}\r\n`);
    socket.end(options.tty ? text : frame('stdout', text));
  }
  if (session) await join(socket, session);
}

async function resize({ engine, params, query, response }: Call): Promise<void> {
  await engine.containers.execs.resize(params.id ?? '', query.uint32('h', 'resize height'), query.uint32('w', 'resize width'));
  sendEmpty(response, 200);
}
