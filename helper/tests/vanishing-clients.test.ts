import net from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archive } from './base-image.ts';
import { create, ENGINE, launch, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
let running = '';
let stopped = '';
beforeAll(async () => {
  engine = await startEngine();
  running = await launch(engine.client, { Cmd: ['sleep', '1000'] });
  stopped = await create(engine.client, { Cmd: ['cat'], OpenStdin: true });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

interface Partly {
  body?: Buffer;
  /** Of the body that are sent. */
  bytes?: number;
  headers?: string;
  /** Milliseconds until the client is gone. */
  stayMs?: number;
}

/** Sends a request, or the beginning of one, and goes away without reading. */
function leave(method: string, target: string, { body, bytes = 0, headers = '', stayMs = 5 }: Partly = {}): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: engine.socketPath });
    socket.on('error', () => undefined).on('close', () => resolve());
    const length = body ? `Content-Type: application/x-tar\r\nContent-Length: ${body.length}\r\n` : '';
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: engine\r\n${headers}${length}\r\n`);
    if (body) socket.write(body.subarray(0, bytes));
    setTimeout(() => socket.destroy(), stayMs);
  });
}

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: tcp\r\n';
const WEB_SOCKET =
  'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n';

describe(`a client that goes away does no harm on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('in the middle of an archive that it sends', async () => {
    const data = await archive([
      { name: 'a', data: Buffer.alloc(100_000, 'a') },
      { name: 'folder/' },
      { name: 'folder/b', data: Buffer.alloc(1000, 'b') },
    ]);
    const cuts = [0, 1, 511, 512, 513, 5000, 100_400, 101_400, data.length - 1100, data.length - 1];
    for (const id of [running, stopped]) {
      for (const bytes of cuts) {
        await leave('PUT', `/containers/${id}/archive?path=/tmp`, { body: data, bytes });
        await leave('PUT', `/containers/${id}/archive?path=/tmp`, { body: gzipSync(data), bytes: bytes % 100 });
      }
    }
    for (const bytes of cuts) await leave('POST', '/images/load', { body: data, bytes });
    expect((await engine.client.get('/_ping')).text).toBe('OK');
  });

  it('in the middle of an answer', async () => {
    for (const stayMs of [0, 2, 10, 50]) {
      for (const target of [
        `/containers/${running}/archive?path=/`,
        `/containers/${stopped}/export`,
        '/images/get?names=gantry-test/base:1',
        `/containers/${running}/stats`,
        `/containers/${running}/logs?stdout=1&follow=1`,
        '/events',
      ]) {
        await leave('GET', target, { stayMs });
      }
    }
    expect((await engine.client.get('/_ping')).text).toBe('OK');
  });

  it('while it attaches', async () => {
    for (const stayMs of [0, 1, 5]) {
      for (const id of [running, stopped]) {
        for (const headers of [UPGRADE, WEB_SOCKET, '']) {
          const target = `/containers/${id}/attach${headers === WEB_SOCKET ? '/ws' : ''}?stream=1&stdin=1&stdout=1`;
          await leave(headers === WEB_SOCKET ? 'GET' : 'POST', target, { headers, stayMs });
        }
      }
    }
    expect((await engine.client.get('/_ping')).text).toBe('OK');
  });
});

// dockerd waits for such clients as long as they like.
describe.runIf(onGantry)('a client that takes nothing', { timeout: 60_000 }, () => {
  it.each([
    ['is there', 200],
    ['has gone while the process was being started', 0],
  ])('and %s keeps no container from being removed', async (_how, stayMs) => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const exec = await engine.client.post(`/containers/${id}/exec`, { Cmd: ['yes'], AttachStdout: true });
    const body = '{"Detach":false,"Tty":false}';
    const socket = net.connect({ path: engine.socketPath });
    socket.on('error', () => undefined);
    socket.write(
      `POST /exec/${exec.json.Id}/start HTTP/1.1\r\nHost: engine\r\n${UPGRADE}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    await new Promise((resolve) => setTimeout(resolve, stayMs));
    if (stayMs === 0) socket.destroy();
    expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
    socket.destroy();
  });
});
