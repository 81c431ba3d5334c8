import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { residentBytes } from './leftovers.ts';

/** As in an hour of a busy container: GANTRY_SLOW_MEGABYTES=1000. */
const MEGABYTES = Number(process.env.GANTRY_SLOW_MEGABYTES ?? 100);
const MEBIBYTE = 2 ** 20;
/** A client may hold some buffers of ours, and what Node keeps of memory that it had; never what there is to be read. */
const BOUND_BYTES = 48 * MEBIBYTE;
const CLIENTS = 4;

/** Clients that ask, and then read nothing, or send no more: none of that is kept in the engine's memory. */
describe.runIf(onGantry)('a client that is slow or stands still', { timeout: 120_000 + MEGABYTES * 200 }, () => {
  let engine: TestEngine;
  const open = new Set<net.Socket>();
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(async () => {
    for (const socket of open) socket.destroy();
    await engine?.stop();
  }, 60_000);

  /** Sends a request (or the beginning of one) and never reads. */
  function stall(method: string, target: string, headers: Record<string, string | number> = {}, body: Buffer | string = ''): net.Socket {
    const socket = net.connect({ path: engine.socketPath });
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    socket.pause();
    const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
    socket.write(`${method} ${target} HTTP/1.1\r\nHost: engine\r\n${lines.join('')}\r\n`);
    if (body.length > 0) socket.write(body);
    return socket;
  }
  /** The most that the engine's memory grows by while `work` goes on. */
  async function growth(work: () => Promise<unknown>): Promise<number> {
    const before = residentBytes(engine.pid);
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, residentBytes(engine.pid) - before)), 50);
    await work();
    await delay(300);
    clearInterval(watch);
    return most;
  }
  const many = (one: () => net.Socket): net.Socket[] => Array.from({ length: CLIENTS }, one);
  const letGo = (sockets: net.Socket[]): void => {
    for (const socket of sockets) socket.destroy();
  };

  it('following a log, holds nothing of it; when it reads, it gets all', async () => {
    const lines = MEGABYTES * 1000;
    const id = await create(engine.client, { Cmd: ['sh', '-c', `yes ${'x'.repeat(1047)} | head -n ${lines}; echo over`] });
    await engine.client.post(`/containers/${id}/start`);
    const stalled = many(() => stall('GET', `/containers/${id}/logs?follow=1&stdout=1`));
    const grown = await growth(() => waitFor(engine.client, id));
    expect(grown).toBeLessThan(BOUND_BYTES);
    const [late] = stalled;
    let bytes = 0;
    let last = Buffer.alloc(0);
    const all = new Promise<void>((resolve) => {
      late?.on('data', (chunk: Buffer) => {
        bytes += chunk.length;
        last = Buffer.concat([last, chunk]).subarray(-64);
        if (last.includes('over')) resolve();
      });
    });
    late?.resume();
    const whileRead = await growth(() => all);
    expect(bytes).toBeGreaterThan(lines * 1048);
    expect(whileRead).toBeLessThan(BOUND_BYTES);
    letGo(stalled);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('attached to a process that writes without end, holds nothing', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const sockets: net.Socket[] = [];
    const grown = await growth(async () => {
      for (let at = 0; at < CLIENTS; at += 1) {
        const exec = (await engine.client.post(`/containers/${id}/exec`, { Cmd: ['yes'], AttachStdout: true })).json.Id;
        const body = '{"Detach":false}';
        const headers = { 'Content-Type': 'application/json', 'Content-Length': body.length, Connection: 'Upgrade', Upgrade: 'tcp' };
        sockets.push(stall('POST', `/exec/${exec}/start`, headers, body));
      }
      await delay(2000);
    });
    expect(grown).toBeLessThan(BOUND_BYTES);
    letGo(sockets);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('getting files, an export or an image, holds nothing of them', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', `head -c ${MEGABYTES}M /dev/zero > /file; sync; echo made; sleep 1000`] });
    await eventually(
      'the file is made',
      async () => (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.includes('made'),
      60_000,
    );
    expect((await engine.client.post(`/commit?container=${id}&repo=large`)).status).toBe(201);
    const sockets: net.Socket[] = [];
    const grown = await growth(async () => {
      for (const target of [
        `/containers/${id}/archive?path=/file`,
        `/containers/${id}/export`,
        '/images/get?names=large',
        '/images/large/get',
      ]) {
        sockets.push(...many(() => stall('GET', target)));
      }
      await delay(1500);
    });
    // Each of them has a file open and some chunks of it.
    expect(grown).toBeLessThan(2 * BOUND_BYTES);
    letGo(sockets);
    expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
    expect((await engine.client.delete('/images/large')).status).toBe(200);
  });

  it('sending half of an archive, holds nothing, and keeps its container from nothing', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const half = Buffer.alloc(32 * MEBIBYTE);
    half.write('file', 0);
    const headers = { 'Content-Type': 'application/x-tar', 'Content-Length': 2 * half.length };
    const sockets: net.Socket[] = [];
    const grown = await growth(async () => {
      sockets.push(...many(() => stall('PUT', `/containers/${id}/archive?path=/`, headers, half)));
      sockets.push(...many(() => stall('POST', '/images/load', headers, half)));
      sockets.push(...many(() => stall('POST', '/images/create?fromSrc=-', headers, half)));
      await delay(1500);
    });
    // A quarter of what was sent: twelve clients, each with some chunks of it.
    expect(grown).toBeLessThan(2 * BOUND_BYTES);
    expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
    letGo(sockets);
  });

  it('listening to events or statistics, is given up or waited for, never remembered without end', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], Labels: { long: 'l'.repeat(200_000) } });
    const sockets: net.Socket[] = [];
    const grown = await growth(async () => {
      sockets.push(...many(() => stall('GET', '/events')), ...many(() => stall('GET', `/containers/${id}/stats?stream=1`)));
      for (let at = 0; at < 200; at += 1) await engine.client.post(`/containers/${id}/rename?name=name${at}`);
    });
    expect(grown).toBeLessThan(BOUND_BYTES);
    letGo(sockets);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('and has gone, is forgotten', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const subscribers = async (): Promise<number> => (await engine.client.get('/info')).json.NEventsListener;
    const sockets = ['/events', `/containers/${id}/logs?follow=1&stdout=1`, `/containers/${id}/stats`].flatMap((target) =>
      many(() => stall('GET', target)),
    );
    await eventually('they listen', async () => (await subscribers()) >= CLIENTS);
    letGo(sockets);
    await eventually('nobody listens any more', async () => (await subscribers()) === 0);
    await engine.client.delete(`/containers/${id}?force=1`);
  });
});
