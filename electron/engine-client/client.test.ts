import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { unixDialer } from '../hosts/dial-unix.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { EngineClient } from './client.ts';
import { identify, negotiate } from './identify.ts';
import { jsonLines } from './json-lines.ts';

let engine: FakeEngine;
let client: EngineClient;
beforeEach(async () => {
  engine = await FakeEngine.create();
  client = new EngineClient(unixDialer(engine.socketPath));
});
afterEach(async () => {
  client.close();
  await engine.dispose();
});

async function readAll(stream: Duplex): Promise<string> {
  let text = '';
  stream.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  await once(stream, 'end');
  return text;
}

test('the version agreed on is the newest that both know', () => {
  expect(negotiate('1.41', '1.12')).toBe('1.41');
  expect(negotiate('1.56', '1.24')).toBe('1.47');
  expect(negotiate('1.60', '1.50')).toBe('1.50');
});

test('after the handshake every path has the version, but not one that has its own', async () => {
  expect(await identify(client)).toEqual({ product: 'Gantry', version: '9.9', apiVersion: '1.47', os: 'linux', arch: 'amd64' });
  engine.routes.set('GET /containers/json', (_, response) => response.end('[]'));
  await client.json('GET', '/containers/json?all=1');
  await client.json('GET', '/v1.30/containers/json');
  expect(engine.requests.slice(-2)).toEqual(['GET /v1.47/containers/json?all=1', 'GET /v1.30/containers/json']);
});

test('Podman is known by its name, whatever stands in its paths', async () => {
  const components = [{ Name: 'Podman Engine' }, { Name: 'OCI Runtime (/home/gantry/docker/runtime)' }];
  engine.routes.set('GET /version', (_, response) => response.end(JSON.stringify({ Version: '4.3.1', Components: components })));
  expect(await identify(client)).toMatchObject({ product: 'Podman', version: '4.3.1' });
});

test('an engine’s error is thrown with its status and its words', async () => {
  await expect(client.json('GET', '/containers/x/json')).rejects.toMatchObject({
    name: 'EngineError',
    status: 404,
    message: 'page not found',
  });
});

test('an answer beyond the limit is cut off', async () => {
  engine.routes.set('GET /big', (_, response) => response.end(JSON.stringify('x'.repeat(5000))));
  await expect(client.json('GET', '/big', { limitBytes: 1000 })).rejects.toThrow(/larger than 1000 bytes/);
});

test('a pooled connection that the engine has closed meanwhile is replaced for a GET', async () => {
  engine.routes.set('GET /x', (_, response) => response.end('1'));
  expect(await client.json('GET', '/x')).toBe(1);
  // The engine drops the connection in the moment it gets the next request, as one does that has just timed it out.
  let dropped = 0;
  engine.routes.set('GET /x', (request, response) => {
    if (dropped++ === 0) request.socket.destroy();
    else response.end('2');
  });
  expect(await client.json('GET', '/x')).toBe(2);
});

test('hijack with 101: raw both ways, our half closes first and the answer still comes', async () => {
  engine.onUpgrade = (_, socket) => {
    socket.write(
      'HTTP/1.1 101 UPGRADED\r\nContent-Type: application/vnd.docker.raw-stream\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhead ',
    );
    let input = '';
    socket.on('data', (chunk) => {
      input += chunk.toString();
    });
    socket.on('end', () => socket.end(`got ${input.slice(input.indexOf('}') + 1)}`));
  };
  const { stream, contentType } = await client.hijack('/exec/1/start', { Tty: true });
  expect(contentType).toBe('application/vnd.docker.raw-stream');
  stream.end('typed');
  expect(await readAll(stream)).toBe('head got typed');
});

test('hijack with 200: the same from engines that do not know Upgrade', async () => {
  const { createServer } = await import('node:net');
  const path = `${engine.folder}/old.sock`;
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let input = '';
    let answered = false;
    socket.on('data', (chunk) => {
      input += chunk.toString();
      if (!answered) socket.write('HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\n');
      answered = true;
    });
    socket.on('end', () => socket.end(`got ${input.slice(input.indexOf('}') + 1)}`));
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const { stream } = await new EngineClient(unixDialer(path)).hijack('/exec/1/start', { Tty: true });
  stream.end('typed');
  expect(await readAll(stream)).toBe('got typed');
  server.close();
});

test('hijack refused: the engine’s words', async () => {
  engine.onUpgrade = (_, socket) => socket.end('HTTP/1.1 409 Conflict\r\nContent-Length: 28\r\n\r\n{"message":"is not running"}');
  await expect(client.hijack('/exec/1/start', {})).rejects.toMatchObject({ status: 409 });
});

test('JSON lines are read as they come and end when the reader stops', async () => {
  engine.routes.set('GET /events', (_, response) => {
    response.write('{"a":1}\n{"a"');
    response.write(':2}\n');
  });
  const answer = await client.stream('GET', '/events');
  const got: unknown[] = [];
  for await (const message of jsonLines(answer.body)) {
    got.push(message);
    if (got.length === 2) break;
  }
  expect(got).toEqual([{ a: 1 }, { a: 2 }]);
  const [socket] = engine.sockets;
  if (socket && !socket.destroyed) await once(socket, 'close');
  expect(engine.sockets.size).toBe(0);
});
