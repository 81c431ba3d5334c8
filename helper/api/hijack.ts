import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { finished } from 'node:stream';
import type { Session } from '../engine/containers/types.ts';
import { messageOf } from '../engine/failure.ts';
import type { Call } from './call.ts';
import { logRefusal, statusOf } from './errors.ts';

export const RAW = 'application/vnd.docker.raw-stream';
export const MULTIPLEXED = 'application/vnd.docker.multiplexed-stream';

/** How long a client may keep its end open after the process's output ended. */
const LINGER_MS = 10_000;

/** Multiplexed streams have a type of their own from 1.42 on. */
export function streamType(call: Call, multiplexed: boolean): string {
  return multiplexed && call.version >= 42 ? MULTIPLEXED : RAW;
}

/**
 * Turns the connection raw: `101 UPGRADED` where the client asked for an upgrade, else a `200 OK` after which both
 * directions are the process's own bytes. What the client sent early is kept.
 */
export function takeOver(call: Call, multiplexed: boolean, withHeaders = false): Duplex {
  const { response, upgrade } = call;
  const headers = withHeaders ? Object.entries(response.getHeaders()).map(([name, value]) => `${NAMES[name] ?? name}: ${value}\r\n`) : [];
  const head = upgrade
    ? `HTTP/1.1 101 UPGRADED\r\nContent-Type: ${streamType(call, multiplexed)}\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n`
    : `HTTP/1.1 200 OK\r\nContent-Type: ${RAW}\r\n`;
  const socket = detach(call);
  socket.write(`${head}${headers.join('')}\r\n`);
  return socket;
}

/** `withHeaders` is what dockerd does for an exec, not for an attach. */
const NAMES: Record<string, string> = {
  'api-version': 'Api-Version',
  'docker-experimental': 'Docker-Experimental',
  ostype: 'Ostype',
  server: 'Server',
};

/** An attach that is refused: dockerd has the raw connection by then, and says why in plain text. */
export function refuse(call: Call, error: unknown): void {
  const status = statusOf(error);
  logRefusal(call.log, `${call.request.method} ${call.request.url}`, error);
  detach(call).end(`HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: ${RAW}\r\n\r\n${messageOf(error)}\r\n`);
}

function detach({ socket, response, detached }: Call): Duplex {
  if (!detached) detachParser(socket);
  response.detachSocket(socket as never);
  // Nobody listens until the join, and a client may leave before.
  socket.on('error', () => socket.destroy());
  return socket;
}

/**
 * Node has no public way to take a connection from its HTTP parser when the client did not ask for an upgrade. This does what
 * node:http itself does for an upgrade (lib/_http_server.js, onParserExecuteCommon): adding a 'data' listener makes the parser
 * give the handle back, then its listeners go.
 */
function detachParser(socket: Duplex): void {
  const nothing = (): void => {};
  socket.on('data', nothing);
  for (const event of ['data', 'end', 'close', 'drain', 'error', 'timeout']) socket.removeAllListeners(event);
  (socket as { parser?: unknown }).parser = null;
  socket.pause();
}

/**
 * Joins a raw connection and a session until the output ends or the client goes away.
 * Half close works both ways: the client's end of input ends the process's stdin while output goes on; the end of output is
 * sent while input is still taken (and discarded), so that no byte on its way is answered with a reset.
 */
export function join(socket: Duplex, session: Session): Promise<void> {
  const { body, input } = session;
  if (socket.destroyed) {
    // The client left while the process was being started: there will be no 'close' any more.
    body.destroy();
    input?.destroy();
    return Promise.resolve();
  }
  return new Promise((resolve) => {
    let linger: NodeJS.Timeout | undefined;
    socket.on('error', () => socket.destroy());
    if (input) {
      // A process that has closed its stdin makes writing fail; its output is still wanted.
      input.on('error', () => {
        socket.unpipe(input);
        socket.resume();
      });
      socket.pipe(input);
    } else socket.resume();
    body.pipe(socket);
    finished(body, { writable: false }, (error) => {
      if (input) socket.unpipe(input);
      socket.resume();
      if (error) socket.end();
      linger = setTimeout(() => socket.destroy(), LINGER_MS);
      linger.unref();
    });
    socket.on('close', () => {
      clearTimeout(linger);
      body.destroy();
      input?.destroy();
      resolve();
    });
  });
}
