import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { engineScheme } from '../ipc/engine-scheme.ts';
import { JsonFile } from '../store/json-file.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { MemorySecrets } from '../testing/ssh-answers.ts';
import { Hosts } from './hosts.ts';
import { hostsFileSchema } from './records.ts';

let folder: string;
let engine: FakeEngine;
let hosts: Hosts;
const newHosts = () =>
  new Hosts({
    file: new JsonFile(join(folder, 'hosts.json'), hostsFileSchema),
    local: { socketPath: '/nowhere.sock', prepare: async () => {} },
    onChange: () => {},
    onEvents: () => {},
    onAttempt: () => {},
    sshFiles: async () => {
      throw new Error('no ssh here');
    },
    secrets: new MemorySecrets(),
    log: () => {},
  });
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-marks-'));
  engine = await FakeEngine.create();
  engine.routes.set('DELETE /containers/a', (_, response) => response.writeHead(204).end());
  engine.routes.set('POST /containers/a/stop', (_, response) => response.writeHead(204).end());
  engine.routes.set('GET /containers/json', (_, response) => response.end('[]'));
  hosts = newHosts();
  await hosts.start();
});
afterEach(async () => {
  await hosts.stop();
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

/** As the window asks. */
async function ask(id: string, method: string, path: string, headers: Record<string, string> = {}) {
  const answer = engineScheme({
    origin: 'app://gantry',
    client: (host) => hosts.client(host),
    whyNot: (host) => hosts.whyNotConnected(host),
  });
  const response = await answer(new Request(`engine://${id}${path}`, { method, headers }));
  const text = await response.text();
  return { status: response.status, reason: response.headers.get('X-Gantry-Error'), text };
}
const changed = () => engine.requests.filter((line) => !line.startsWith('GET '));

test('marks of a host hold whoever asks: the window, a terminal, a shell, set-up; they are kept, and count at once', async () => {
  const { id } = await hosts.addSocket({ name: 'Büro 1', colour: 'blue', socketPath: engine.socketPath });
  const client = await hosts.whenConnected(id, AbortSignal.timeout(5000));
  expect((await ask(id, 'POST', '/containers/a/stop')).status).toBe(204);

  expect(await hosts.update(id, { readOnly: true })).toMatchObject({ readOnly: true });
  expect((await ask(id, 'GET', '/containers/json?all=1')).status).toBe(200);
  const refused = await ask(id, 'POST', '/containers/a/stop');
  expect(refused).toMatchObject({ status: 403, reason: 'read-only' });
  expect(JSON.parse(refused.text)).toEqual({ message: 'Büro 1 is marked as read-only: nothing was changed', host: 'Büro 1' });
  await expect(client.json('POST', '/containers/a/exec', { body: { json: {} } })).rejects.toThrow(/read-only/);
  await expect(client.hijack('/exec/a/start', {})).rejects.toThrow(/read-only/);
  expect(() => hosts.guardChange(id)).toThrow(/read-only/);

  await hosts.update(id, { readOnly: false, production: true });
  expect((await ask(id, 'POST', '/containers/a/stop')).status).toBe(204);
  expect(await ask(id, 'DELETE', '/containers/a')).toMatchObject({ status: 403, reason: 'confirm' });
  expect(await ask(id, 'DELETE', '/containers/a', { 'X-Gantry-Confirm': '%' })).toMatchObject({ reason: 'confirm' });
  expect(() => hosts.guardChange(id, { isDeletion: true })).toThrow(/needs its name/);
  hosts.guardChange(id, { isDeletion: true, confirmed: 'Büro 1' });
  expect(changed()).toHaveLength(2);
  expect((await ask(id, 'DELETE', '/containers/a', { 'X-Gantry-Confirm': encodeURIComponent('Büro 1') })).status).toBe(204);

  await hosts.stop();
  hosts = newHosts();
  await hosts.start();
  expect(hosts.list().find((host) => host.id === id)).toMatchObject({ production: true });
  await hosts.whenConnected(id, AbortSignal.timeout(5000));
  expect((await ask(id, 'DELETE', '/containers/a')).status).toBe(403);
});
