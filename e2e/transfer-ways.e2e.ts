import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { EngineClient, identify } from '../electron/engine-client/index.ts';
import { unixDialer } from '../electron/hosts/dial-unix.ts';
import type { StartTransfer, TransferSource } from '../electron/ipc/contract.ts';
import { makePlan } from '../electron/transfer/plan.ts';
import { type Outcome, transfer } from '../electron/transfer/run.ts';
import { BASE, type Client, startEngine, type TestEngine } from '../helper/tests/harness.ts';
import { isInstalled, type Peer, type PeerName, startPeer } from './peers.ts';

/** The main process's part alone, between our engine and those of others: every way that a thing can travel. */
interface End {
  client: EngineClient;
  engine: Client;
}
const clients: EngineClient[] = [];

async function end(socket: string, engine: Client): Promise<End> {
  const client = new EngineClient(unixDialer(socket));
  await identify(client);
  clients.push(client);
  return { client, engine };
}

let gantry: TestEngine;
beforeAll(async () => {
  gantry = await startEngine();
});
afterAll(async () => {
  for (const client of clients) client.close();
  await gantry?.stop();
});

async function carry(from: End, to: End, source: Omit<TransferSource, 'hostId'>, more: Partial<StartTransfer> = {}): Promise<Outcome> {
  const request = { source: { hostId: 'a', ...source }, to: 'b', move: false, start: false, pause: true, useVolumes: [], remove: false };
  return transfer({
    from: from.client,
    to: to.client,
    request: { ...request, ...more },
    signal: new AbortController().signal,
    id: 'x0',
    step: async () => undefined,
    keep: async () => undefined,
    count: () => undefined,
    total: () => undefined,
  });
}

async function empty({ engine }: End): Promise<void> {
  for (const { Id } of (await engine.get('/containers/json?all=1')).json) await engine.delete(`/containers/${Id}?force=1&v=1`);
  for (const { Name } of (await engine.get('/volumes')).json.Volumes ?? []) await engine.delete(`/volumes/${Name}?force=1`);
  await engine.delete('/networks/shop');
}

/** What a container says in the end. */
async function said({ engine }: End, id: string): Promise<string> {
  expect((await engine.post(`/containers/${id}/start`)).text).toBe('');
  await engine.post(`/containers/${id}/wait`);
  return (await engine.get(`/containers/${id}/logs?stdout=1&stderr=1`)).text;
}

for (const name of ['dockerd', 'podman'] satisfies PeerName[]) {
  describe.skipIf(!isInstalled(name))(`to and from ${name}`, () => {
    let peer: Peer;
    let ours: End;
    let theirs: End;
    beforeAll(async () => {
      peer = await startPeer(name);
      ours = await end(gantry.socketPath, gantry.client);
      theirs = await end(peer.socket, peer.engine);
    });
    afterAll(() => peer?.stop());
    afterEach(() => Promise.all([ours, theirs].map(empty)));

    it('an image goes there and back', async () => {
      const plan = await makePlan(ours.client, theirs.client, { kind: 'image', hostId: 'a', id: BASE, name: BASE });
      expect(plan).toMatchObject({ way: 'archive', image: { names: [BASE], there: false } });
      const id = (await ours.engine.get(`/images/${BASE}/json`)).json.Id;
      await carry(ours, theirs, { kind: 'image', id: BASE, name: BASE });
      expect((await theirs.engine.get(`/images/${BASE}/json`)).json.Id.replace(/^sha256:/, '')).toBe(id.replace(/^sha256:/, ''));
      await ours.engine.post(`/images/${BASE}/tag?repo=kept&tag=1`);
      await ours.engine.delete(`/images/${BASE}`);
      await carry(theirs, ours, { kind: 'image', id: BASE, name: BASE });
      expect((await ours.engine.get(`/images/${BASE}/json`)).json.Id).toBe(id);
      await ours.engine.delete('/images/kept:1');
      await theirs.engine.delete(`/images/${BASE}?force=1`);
    });

    for (const direction of ['there', 'back'] as const) {
      it(`a container with what it wrote, its volumes and its network goes ${direction}`, async () => {
        const [from, to] = direction === 'there' ? [ours, theirs] : [theirs, ours];
        const image = direction === 'there' ? BASE : 'gantry/starter:latest';
        await from.engine.post('/networks/create', { Name: 'shop', Labels: { team: 'a' } });
        const created = await from.engine.post('/containers/create?name=web', {
          Image: image,
          Entrypoint: ['/bin/sh', '-c'],
          Cmd: ['cat /mine /named/file /own/file 2>/dev/null; echo $GREETING'],
          Env: ['GREETING=hello'],
          Labels: { role: 'front' },
          Tty: true,
          Volumes: { '/own': {} },
          HostConfig: { Binds: ['named:/named'], NetworkMode: 'shop' },
        });
        expect(created.status).toBe(201);
        const put = async (path: string, file: string, text: string): Promise<void> => {
          const { tarOf } = await import('../helper/store/tar/fixture.ts');
          const body = tarOf([{ name: file, data: Buffer.from(text), uid: 7, gid: 8 }]);
          const answer = await from.engine.ask('PUT', `/containers/web/archive?path=${path}`, {
            body,
            headers: { 'Content-Type': 'application/x-tar' },
          });
          expect(answer.status).toBe(200);
        };
        await put('/', 'mine', 'written\n');
        await put('/named', 'file', 'named\n');
        await put('/own', 'file', 'own\n');
        const outcome = await carry(from, to, { kind: 'container', id: 'web', name: 'web' }, { start: false });
        expect(outcome.name).toBe('web');
        const there = (await to.engine.get('/containers/web/json')).json;
        expect(there.Config.Labels).toMatchObject({ role: 'front' });
        expect(Object.keys(there.NetworkSettings.Networks)).toEqual(['shop']);
        expect(there.Mounts.map(({ Destination }: { Destination: string }) => Destination).sort()).toEqual(['/named', '/own']);
        // Their network needs what this machine may not have; what counts here is the data.
        if (direction === 'back') expect(await said(to, outcome.id)).toBe('written\r\nnamed\r\nown\r\nhello\r\n');
        // Nothing of what carried it over is left.
        for (const side of [from, to]) {
          const all = (await side.engine.get('/containers/json?all=1')).json;
          expect(all.map(({ Names }: { Names: string[] }) => Names[0])).toEqual(['/web']);
          const images: { RepoTags: string[] | null }[] = (await side.engine.get('/images/json')).json;
          expect(images.flatMap(({ RepoTags }) => RepoTags ?? []).filter((tag) => /gantry-copy:/.test(tag))).toEqual([]);
        }
      });
    }

    it('a container that can not be created there leaves nothing', async () => {
      await ours.engine.post('/networks/create', { Name: 'shop' });
      await ours.engine.post('/containers/create?name=bad', {
        Image: BASE,
        HostConfig: {
          Binds: ['named:/named'],
          NetworkMode: 'shop',
          Sysctls: { 'net.no.such': 'x' },
          Ulimits: [{ Name: 'nofile', Soft: 10, Hard: 10 }],
        },
      });
      const before = (await theirs.engine.get('/images/json')).json.length;
      await theirs.engine.post('/containers/create?name=taken', { Image: 'gantry/starter:latest' });
      await expect(carry(ours, theirs, { kind: 'container', id: 'bad', name: 'bad' }, { name: 'taken' })).rejects.toThrow(/taken|in use/);
      expect((await theirs.engine.get('/volumes')).json.Volumes ?? []).toEqual([]);
      expect((await theirs.engine.get('/images/json')).json.length).toBe(before);
      const networks: { Name: string }[] = (await theirs.engine.get('/networks')).json;
      expect(networks.map(({ Name }) => Name)).not.toContain('shop');
    });
  });
}
