import type { Duplex } from 'node:stream';
import { createWebSocketStream, WebSocketServer } from 'ws';
import { Failure } from '../engine/failure.ts';
import type { Call } from './call.ts';
import { unframe } from './frame.ts';
import { join } from './hijack.ts';

const server = new WebSocketServer({ noServer: true, maxPayload: 1024 * 1024 });

/**
 * GET /containers/{id}/attach/ws: the streams over a WebSocket, never multiplexed. Binary frames from 1.28 on, text before;
 * before 1.42 all streams were attached, whatever the query said.
 */
export async function attachWebSocket(call: Call): Promise<void> {
  const { engine, params, query, request, response, signal, socket, detached, version } = call;
  const detachKeys = query.text('detachKeys');
  const session = await engine.containers.attach(
    params.name ?? '',
    {
      stdin: version < 42 || query.boolean('stdin'),
      stdout: version < 42 || query.boolean('stdout'),
      stderr: version < 42 || query.boolean('stderr'),
      logs: query.boolean('logs'),
      stream: query.boolean('stream'),
      ...(detachKeys ? { detachKeys } : {}),
    },
    signal,
  );
  if (!detached || request.headers.upgrade?.toLowerCase() !== 'websocket') {
    session.body.destroy();
    session.input?.destroy();
    throw new Failure('invalidParameter', 'not websocket protocol');
  }
  response.detachSocket(socket as never);
  const stream = await new Promise<Duplex | undefined>((resolve) => {
    // A handshake that is refused, or a client that left.
    socket.on('close', () => resolve(undefined));
    if (socket.destroyed) resolve(undefined);
    server.handleUpgrade(request, socket, Buffer.alloc(0), (webSocket) =>
      // Strings are sent as text frames.
      resolve(createWebSocketStream(webSocket, { decodeStrings: version >= 28 })),
    );
  });
  if (!stream) {
    session.body.destroy();
    session.input?.destroy();
    return;
  }
  const body = session.multiplexed ? session.body.pipe(unframe()) : session.body;
  await join(stream, { multiplexed: false, body: version < 28 ? body.setEncoding('utf8') : body, input: session.input });
}
