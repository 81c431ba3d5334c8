import http from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEvents } from '../engine/events/index.ts';
import { serve } from './test-engine.ts';

const EACH_SECOND = 10_000;
const SECONDS = 4;
const SLOW = 20;
/** Whatever the machine is busy with: a pause of this process must not become a burst that nobody could take. */
const MOST_AT_ONCE = 1000;

const bus = createEvents();
let api: Awaited<ReturnType<typeof serve>>;
beforeAll(async () => {
  api = await serve({ events: bus });
});
afterAll(() => api.close());

/** An open `GET /events`. */
const listen = (): Promise<http.IncomingMessage> =>
  new Promise((resolve, reject) => {
    http.get({ socketPath: api.socketPath, path: '/events', agent: false }, resolve).on('error', reject);
  });

it(`${EACH_SECOND} events a second reach who reads, and who does not is let go, with little memory`, async () => {
  const slow = await Promise.all(Array.from({ length: SLOW }, listen));
  for (const response of slow) response.pause().on('error', () => {});
  const reader = await listen();
  let text = '';
  const heard: number[] = [];
  reader.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (text + chunk).split('\n');
    text = lines.pop() ?? '';
    for (const line of lines) heard.push(Number(JSON.parse(line).Actor.Attributes.n));
  });
  const before = process.memoryUsage();
  let most = 0;
  const begin = performance.now();
  for (let made = 0; made < EACH_SECOND * SECONDS; ) {
    const due = Math.min(EACH_SECOND * SECONDS, made + MOST_AT_ONCE, ((performance.now() - begin) / 1000) * EACH_SECOND);
    for (; made < due; made++) bus.publish('container', 'exec_create: true', 'c'.repeat(64), { n: String(made), image: 'a', name: 'b' });
    const now = process.memoryUsage();
    most = Math.max(most, now.heapUsed - before.heapUsed + now.external - before.external);
    await pause(5);
  }
  await expect.poll(() => heard.length, { timeout: 60_000 }).toBe(EACH_SECOND * SECONDS);
  expect(heard.every((n, at) => n === at)).toBe(true);
  // The slow ones were dropped at a full queue; the reader is there.
  await expect.poll(() => bus.subscribers(), { timeout: 60_000 }).toBe(1);
  expect(most / 2 ** 20).toBeLessThan(150);
  reader.destroy();
  for (const response of slow) response.destroy();
}, 180_000);
