import { existsSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { BinEntry } from '../contract/gantry.ts';
import { BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ config: { bin: { 'max-size': '3M' } } });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);
afterEach(async () => {
  await engine.client.delete('/gantry/v1/bin');
});

const list = async (): Promise<BinEntry[]> => (await engine.client.get('/gantry/v1/bin')).json;
const put = (request: object) => engine.client.post('/gantry/v1/bin', request);
const restore = (id: string, body?: object) => engine.client.post(`/gantry/v1/bin/${id}/restore`, body);
const inspect = (id: string) => engine.client.get(`/containers/${id}/json`);
const logs = async (id: string) => (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.slice(8);
const volume = (name: string) => engine.client.post('/volumes/create', { Name: name });
const binFolder = (): string[] => readdirSync(path.join(engine.folder, 'data/bin')).filter((name) => !name.startsWith('.'));

async function reconfigure(bin: { containers: boolean; volumes: boolean }): Promise<void> {
  writeFileSync(path.join(engine.folder, 'daemon.json'), JSON.stringify({ bin }));
  engine.signal('SIGHUP');
  await eventually('it is in force', async () => {
    const { Bin } = (await engine.client.get('/gantry/v1')).json;
    return Bin.Containers === bin.containers && Bin.Volumes === bin.volumes;
  });
}

describe.runIf(onGantry)('the bin', { timeout: 30_000 }, () => {
  it('takes a container that runs, with its anonymous volumes, and gives it back as it was', async () => {
    const id = await launch(engine.client, {
      ...{
        name: 'kept',
        Cmd: ['sh', '-c', 'cat /own /data/file /anonymous/file 2>/dev/null; touch /own; echo v > /anonymous/file; echo hello; sleep 1000'],
      },
      ...{ Labels: { a: 'b' }, Volumes: { '/anonymous': {} }, HostConfig: { Binds: ['named:/data'] } },
    });
    await eventually('it has written', async () => (await logs(id)).includes('hello'));
    const before = (await inspect(id)).json;
    const anonymous = before.Mounts.find(({ Destination }: { Destination: string }) => Destination === '/anonymous').Name;

    expect((await put({ Container: 'kept', Volumes: true })).json).toEqual({
      message: 'cannot remove container "kept": container is running: stop the container before removing or force remove',
    });
    expect(await list()).toEqual([]);
    const answer = await put({ Container: 'kept', Volumes: true, Force: true });
    expect(answer.status).toBe(201);
    const entry: BinEntry = answer.json;
    expect(entry).toMatchObject({ Kind: 'container', Name: 'kept', ContainerId: id, Image: BASE, Volumes: [anonymous] });
    expect(Date.parse(entry.ExpiresAt) - Date.parse(entry.RemovedAt)).toBeCloseTo(30 * 86_400_000, -3);
    expect(await list()).toEqual([entry]);
    expect((await inspect(id)).status).toBe(404);
    expect((await engine.client.get(`/volumes/${anonymous}`)).status).toBe(404);
    expect((await engine.client.get('/volumes/named')).status).toBe(200);
    expect((await engine.client.get('/gantry/v1')).json.Bin).toMatchObject({ Entries: 1, Bytes: entry.Bytes, MaxBytes: 3 * 2 ** 20 });

    const back = await restore(entry.Id);
    expect(back).toMatchObject({ status: 200, json: { Kind: 'container', Id: id, Warnings: [] } });
    const after = (await inspect(id)).json;
    expect({ ...after, State: 0, NetworkSettings: 0, HostConfig: 0 }).toEqual({ ...before, State: 0, NetworkSettings: 0, HostConfig: 0 });
    expect(after.State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    expect(await logs(id)).toContain('hello');
    expect(await list()).toEqual([]);
    expect(binFolder()).toEqual([]);
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    await eventually('what it had written is there', async () => (await logs(id)).includes('v\n'));
    await engine.client.delete(`/containers/${id}?force=1&v=1`);
    await engine.client.delete('/volumes/named');
  });

  it('takes volumes that nobody uses, and gives them back with their data', async () => {
    await volume('data');
    const user = await launch(engine.client, { Cmd: ['sh', '-c', 'echo text > /d/file'], HostConfig: { Binds: ['data:/d'] } });
    await waitFor(engine.client, user);
    expect((await put({ Volume: 'data' })).json.message).toContain('volume is in use');
    expect(await list()).toEqual([]);
    await engine.client.delete(`/containers/${user}`);
    const { Id } = (await put({ Volume: 'data' })).json;
    expect((await engine.client.get('/volumes/data')).status).toBe(404);
    await volume('data');
    expect((await restore(Id)).json).toEqual({ message: 'a volume named data is here already' });
    expect((await restore(Id, { Name: 'data-2' })).json).toEqual({ Kind: 'volume', Id: 'data-2', Warnings: [] });
    const reader = await launch(engine.client, { Cmd: ['cat', '/d/file'], HostConfig: { Binds: ['data-2:/d'] } });
    await waitFor(engine.client, reader);
    expect(await logs(reader)).toBe('text\n');
    await engine.client.delete(`/containers/${reader}`);
    for (const name of ['data', 'data-2']) await engine.client.delete(`/volumes/${name}`);
  });

  it('survives the helper, keeps the layers of an image that is gone, and leaves nothing when it is emptied', async () => {
    const made = await launch(engine.client, { Cmd: ['sh', '-c', 'echo layer > /in-layer'] });
    await waitFor(engine.client, made);
    await engine.client.post(`/commit?container=${made}&repo=own&tag=1`);
    await engine.client.delete(`/containers/${made}`);
    const ids = await Promise.all(
      [1, 2].map((n) => create(engine.client, { name: `of-own-${n}`, Image: 'own:1', Cmd: ['cat', '/in-layer'] })),
    );
    for (const id of ids) await put({ Container: id });
    expect((await engine.client.delete('/images/own:1')).status).toBe(200);
    await engine.crash();
    await engine.start();
    const entries = await list();
    expect(entries.map(({ Name }) => Name)).toEqual(['of-own-2', 'of-own-1']);
    expect((await restore(entries[0]?.Id ?? '')).status).toBe(200);
    await engine.client.post('/containers/of-own-2/start');
    await waitFor(engine.client, 'of-own-2');
    expect(await logs('of-own-2')).toBe('layer\n');
    const layers = () => readdirSync(path.join(engine.folder, 'data/layers')).filter((name) => /^[0-9a-f]{32}$/.test(name)).length;
    const all = layers();
    await engine.client.delete('/containers/of-own-2');
    expect(layers()).toBe(all);
    expect((await engine.client.delete('/gantry/v1/bin')).json).toMatchObject({ Removed: 1 });
    await eventually('its layer is gone', () => layers() === all - 1);
    await eventually('its files are gone', () => readdirSync(path.join(engine.folder, 'data/bin/.trash')).length === 0);
  });

  it('says why something can not go in or come back', async () => {
    const large = await launch(engine.client, { name: 'large', Cmd: ['sh', '-c', 'head -c 4000000 /dev/zero > /large'] });
    await waitFor(engine.client, large);
    expect((await put({ Container: 'large' })).json.message).toMatch(/^container large holds 400\d+ bytes, more than the bin takes/);
    expect((await inspect('large')).status).toBe(200);
    const brief = await create(engine.client, { name: 'brief', HostConfig: { AutoRemove: true } });
    expect((await put({ Container: brief })).json.message).toContain("container brief can't go into the bin: it removes itself");
    expect((await put({ Container: 'none' })).status).toBe(404);
    expect((await put({ Volume: 'none' })).status).toBe(404);
    expect((await put({})).status).toBe(400);
    expect((await put({ Volume: 'a', Container: 'b' })).status).toBe(400);
    expect((await restore('0123456789abcdef')).json).toEqual({ message: 'No such entry in the bin: 0123456789abcdef' });
    const { Id } = (await put({ Container: await create(engine.client, { name: 'twice' }) })).json;
    const other = await create(engine.client, { name: 'twice' });
    expect((await restore(Id)).json.message).toContain('Conflict. The container name "/twice" is already in use');
    const { Id: back } = (await restore(Id, { Name: 'once' })).json;
    expect((await inspect('once')).json.Id).toBe(back);
    for (const id of [large, brief, other, back]) await engine.client.delete(`/containers/${id}`);
  });

  it('lets the oldest go when it grows full', async () => {
    for (const name of ['first', 'second']) {
      const id = await launch(engine.client, { name, Cmd: ['sh', '-c', 'head -c 2000000 /dev/zero > /large'] });
      await waitFor(engine.client, id);
      expect((await put({ Container: name })).status).toBe(201);
    }
    expect((await list()).map(({ Name }) => Name)).toEqual(['second']);
  });

  it('takes plain removals only when the configuration says so; prunes stay final', async () => {
    const removed = async (name: string) => {
      await create(engine.client, { name });
      await volume(`${name}-volume`);
      const id = (await inspect(name)).json.Id;
      const since = Date.now() / 1000;
      expect((await engine.client.delete(`/containers/${name}`)).status).toBe(204);
      expect((await engine.client.delete(`/volumes/${name}-volume`)).status).toBe(204);
      const { text } = await engine.client.get(`/events?since=${since}&until=${Date.now() / 1000 + 0.5}&filters={"event":["destroy"]}`);
      expect(text).toContain(id);
      return text;
    };
    expect(await removed('final')).not.toContain('gantry.bin');
    expect(await list()).toEqual([]);
    await reconfigure({ containers: true, volumes: true });
    const events = await removed('undone');
    const entries = await list();
    expect(entries.map(({ Kind, Name }) => `${Kind} ${Name}`).sort()).toEqual(['container undone', 'volume undone-volume']);
    for (const { Id } of entries) expect(events).toContain(`"gantry.bin":"${Id}"`);
    expect((await engine.client.delete('/volumes/none?force=1')).status).toBe(204);
    expect((await engine.client.delete('/volumes/none')).json).toEqual({ message: 'get none: no such volume' });
    await create(engine.client, { name: 'pruned' });
    await engine.client.post('/containers/prune');
    expect(await list()).toHaveLength(2);
    await reconfigure({ containers: false, volumes: false });
  });

  it('clears away what a crash left half done', async () => {
    const id = await create(engine.client, { name: 'half' });
    const { Id } = (await put({ Container: id })).json;
    await engine.crash();
    // As if it had been put back, or not moved yet: the entry is there, the container where it belongs.
    const data = path.join(engine.folder, 'data');
    renameSync(path.join(data, 'bin', Id, 'container'), path.join(data, 'containers', id));
    mkdirSync(path.join(data, 'bin/fedcba9876543210'));
    await engine.start();
    expect((await inspect('half')).json.Id).toBe(id);
    expect(await list()).toEqual([]);
    expect(existsSync(path.join(data, 'bin', Id))).toBe(false);
    expect(binFolder()).toEqual([]);
    await engine.client.delete(`/containers/${id}`);
  });
});
