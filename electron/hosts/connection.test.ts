import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HostState } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { backoffMs } from './backoff.ts';
import { HostConnection } from './connection.ts';
import { detect } from './detect.ts';
import { unixDialer } from './dial-unix.ts';
import { HostFailure } from './errors.ts';

let engine: FakeEngine;
let connection: HostConnection;
let states: HostState[];
let events: unknown[];

function connect(prepare?: (signal: AbortSignal, asked: boolean) => Promise<void>): void {
  states = [];
  events = [];
  connection = new HostConnection({
    where: engine.socketPath,
    dial: unixDialer(engine.socketPath),
    ...(prepare && { prepare }),
    onState: (state) => states.push(state),
    onEvent: (event) => events.push(event),
    random: () => 0.99,
  });
  connection.start();
}
const becomes = (status: HostState['status']) =>
  vi.waitFor(() => expect(connection.state.status).toBe(status), { timeout: 4000, interval: 5 });

beforeEach(async () => {
  engine = await FakeEngine.create();
});
afterEach(async () => {
  await connection?.stop();
  await engine.dispose();
});

test('pauses grow from a quarter of a second to ten, and vary by at most a quarter', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const wait = backoffMs(attempt, random);
      expect(wait).toBeLessThanOrEqual(10_000);
      expect(wait).toBeGreaterThanOrEqual(Math.min(10_000, 250 * 2 ** (attempt - 1)) * 0.75 - 1);
    }),
  );
});

test('connects, says who answers, and hands on events', async () => {
  engine.routes.set('GET /events', (_, response) => response.write('{"Type":"container"}\n'));
  connect();
  await becomes('connected');
  expect(connection.state).toMatchObject({ engine: { product: 'Gantry', apiVersion: '1.47' } });
  await vi.waitFor(() => expect(events).toEqual([{ Type: 'container' }]));
});

test('an engine that sends the head of its event stream only with the first event is connected to all the same', async () => {
  engine.routes.set('GET /events', () => {});
  connect();
  await becomes('connected');
});

test('a killed engine shows reconnecting with the last identity, and is found again by itself', async () => {
  connect();
  await becomes('connected');
  await engine.kill();
  await becomes('reconnecting');
  expect(connection.client).toBeUndefined();
  expect(connection.state).toMatchObject({ engine: { product: 'Gantry' }, attempt: 1 });
  await engine.listen();
  await becomes('connected');
});

test('reconnect does not wait for the pause', async () => {
  connect();
  await becomes('connected');
  await engine.kill();
  await vi.waitFor(() => expect(connection.state).toMatchObject({ attempt: 3 }), { timeout: 4000 });
  await engine.listen();
  const before = Date.now();
  connection.reconnect();
  await becomes('connected');
  expect(Date.now() - before).toBeLessThan(500);
});

test('no socket: failed, with a code; asked again it connects', async () => {
  await engine.kill();
  connect();
  await becomes('failed');
  expect(connection.state).toMatchObject({ error: { code: 'socket-missing' } });
  await engine.listen();
  connection.reconnect();
  await becomes('connected');
});

test('what is no engine is said to be none', async () => {
  engine.routes.set('GET /_ping', (_, response) => response.end('hello'));
  connect();
  await becomes('failed');
  expect(connection.state).toMatchObject({ error: { code: 'protocol' } });
});

test('a final failure is not tried again by itself, but when asked', async () => {
  const asked: boolean[] = [];
  connect(async (_signal, byUser) => {
    asked.push(byUser);
    if (!byUser) throw new HostFailure({ code: 'needs-root', message: 'no' }, { final: true });
  });
  await becomes('failed');
  connection.reconnect();
  await becomes('connected');
  expect(asked).toEqual([false, true]);
});

test('whenConnected waits through a loss; stop ends the wait', async () => {
  await engine.kill();
  connect();
  await becomes('failed');
  const waiting = connection.whenConnected(new AbortController().signal);
  await engine.listen();
  connection.reconnect();
  expect(await waiting).toBe(connection.client);
  await engine.kill();
  await becomes('reconnecting');
  const refused = expect(connection.whenConnected(new AbortController().signal)).rejects.toThrow(/removed/);
  await connection.stop();
  await refused;
});

test('who waits for a host that is removed hears so at once, whatever is under way there', async () => {
  let go = () => {};
  connect(() => new Promise((resolve) => (go = resolve)));
  const waiting = connection.whenConnected(new AbortController().signal);
  const stopped = connection.stop(new Error('nas was removed from the list of hosts'));
  await expect(waiting).rejects.toThrow('nas was removed from the list of hosts');
  go();
  await stopped;
});

test('detect finds sockets once, asks who answers, and leaves out known ones', async () => {
  const found = await detect([engine.socketPath, `${engine.folder}/../${engine.folder.split('/').at(-1)}/engine.sock`, '/nowhere'], []);
  expect(found).toEqual([{ socketPath: engine.socketPath, product: 'Gantry', version: '9.9', reachable: true }]);
  expect(await detect([engine.socketPath], [engine.socketPath])).toEqual([]);
  connect();
});
