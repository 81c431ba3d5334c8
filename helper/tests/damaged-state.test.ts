import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { savedImage } from './images.ts';

const replace = (file: string, by: () => void): void => {
  rmSync(file);
  by();
};
/** Every text and number becomes an object, every list begins with a number. */
const reshaped = (text: string): string =>
  text.replaceAll(/:\s*("[^"]*"|\d+|\[)/g, (_, value: string) => (value === '[' ? ':[7,' : ':{}')).replaceAll('7,]', '7]');

const ways: [string, (file: string) => void][] = [
  ['empty', (file) => writeFileSync(file, '')],
  ['no JSON', (file) => writeFileSync(file, '\0\0\0\0 not { JSON')],
  ['half of what it was', (file) => writeFileSync(file, readFileSync(file).subarray(0, readFileSync(file).length / 2))],
  ['null', (file) => writeFileSync(file, 'null')],
  ['an object of nothing', (file) => writeFileSync(file, '{}')],
  ['of another shape', (file) => writeFileSync(file, reshaped(readFileSync(file, 'utf8')))],
  // As on a disk that is broken there: to read it is EIO, for whoever asks.
  ['unreadable', (file) => replace(file, () => symlinkSync('/proc/self/mem', file))],
  ['a folder', (file) => replace(file, () => mkdirSync(file))],
];

/** One file of each kind that the engine keeps is damaged while it is away; beside each there is one that is not. */
describe.runIf(onGantry)('of damaged state', { timeout: 60_000 }, () => {
  let engine: TestEngine;
  const data = (...names: string[]): string => path.join(engine.folder, 'data', ...names);
  const run = (...names: string[]): string => path.join(engine.folder, 'run', ...names);
  const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;
  const exec = async (id: string, ...Cmd: string[]): Promise<string> => {
    const made = await engine.client.post(`/containers/${id}/exec`, { Cmd, AttachStdout: true });
    return (await engine.client.post(`/exec/${made.json.Id}/start`, { Detach: false })).text.slice(8).trim();
  };
  const load = async (name: string): Promise<{ id: string; layer: string }> => {
    const body = savedImage(name, [tarOf([{ name: 'file', data: Buffer.from(name) }])]);
    await engine.client.ask('POST', '/images/load?quiet=1', { body, headers: { 'Content-Type': 'application/x-tar' } });
    const { Id, RootFS } = (await engine.client.get(`/images/${name}/json`)).json;
    return { id: Id, layer: RootFS.Layers[0].slice(7, 39) };
  };
  /** The durable record follows a change of state a moment later. */
  const recorded = (id: string) =>
    eventually('the record is on disk', () => readFileSync(data('containers', id, 'container.json'), 'utf8').includes('"running"'));
  /** Starts the engine again, and gives what it said about it. */
  const startAgain = async (): Promise<string> => {
    const before = engine.log().length;
    await engine.start();
    return engine.log().slice(before);
  };
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it.each(ways)('what is %s is reported and set aside; all else works', async (_way, damage) => {
    const { client } = engine;
    const name = `n${ways.findIndex(([way]) => way === _way)}`;
    // Stopped long ago, as far as the engine can tell: there is no state of this boot.
    const stopped = await create(client, { Cmd: ['true'], Labels: { damaged: 'yes' } });
    writeFileSync(data('containers', stopped, 'upper', 'precious'), 'mine');
    const ended = await launch(client, { Cmd: ['false'] });
    await waitFor(client, ended);
    const runs = { record: '', state: '', runtime: '' };
    for (const which of ['record', 'state', 'runtime'] as const) {
      runs[which] = await launch(client, { Cmd: ['sleep', '1000'] });
      await recorded(runs[which]);
    }
    const network = (await client.post('/networks/create', { Name: `lost-${name}` })).json.Id;
    const isolated = await launch(client, { Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: network } });
    await client.post('/volumes/create', { Name: `lost-${name}` });
    await client.post('/volumes/create', { Name: `good-${name}` });
    const image = { layer: await load(`layer:${name}`), config: await load(`config:${name}`) };
    const binned = (await client.post('/gantry/v1/bin', { Container: await create(client, { Cmd: ['true'] }) })).json.Id;
    await client.post('/networks/create', { Name: `good-${name}` });
    const good = await launch(client, { Cmd: ['sleep', '1000'], HostConfig: { NetworkMode: `good-${name}`, Binds: [`good-${name}:/v`] } });
    const { Pid } = (await inspect(good)).State;

    await engine.crash();
    damage(data('containers', stopped, 'container.json'));
    damage(data('containers', runs.record, 'container.json'));
    damage(run('containers', runs.state, 'state.json'));
    damage(run('runtime', runs.runtime, 'status'));
    damage(data('stops', `${ended}.json`));
    damage(data('networks', `${network}.json`));
    damage(data('volumes', `lost-${name}`, 'volume.json'));
    damage(data('layers', image.layer.layer, 'layer.json'));
    damage(data('images/blobs/sha256', image.config.id.slice(7)));
    damage(data('bin', binned, 'entry.json'));
    damage(data('engine.json'));
    damage(data('images/oci-layout'));
    const log = await startAgain();

    // Each is named in the log.
    for (const id of [
      stopped,
      runs.record,
      runs.state,
      runs.runtime,
      network,
      `lost-${name}`,
      image.layer.layer,
      image.config.id,
      binned,
    ]) {
      expect(log).toMatch(new RegExp(`^\\S+ (warn|error) .*${id}`, 'm'));
    }
    expect(log).toMatch(/error the engine's identity/);
    // What can be made good is.
    expect((await inspect(runs.record)).State.Running).toBe(true);
    expect(await exec(runs.state, 'echo', 'well')).toBe('well');
    expect((await client.post('/containers/create', { Image: `layer:${name}` })).status).toBe(201);
    expect((await client.get(`/volumes/lost-${name}`)).status).toBe(200);
    expect(JSON.parse(readFileSync(data('images/oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    // What can't is said.
    expect((await inspect(runs.runtime)).State).toMatchObject({ Status: 'exited', ExitCode: 255 });
    expect((await inspect(isolated)).State.Running).toBe(true);
    expect((await client.get(`/containers/${stopped}/json`)).status).toBe(404);
    expect((await client.get(`/networks/${network}`)).status).toBe(404);
    expect((await client.get(`/images/config:${name}/json`)).status).toBe(404);
    expect((await client.get(`/gantry/v1/containers/${ended}/stops`)).json).toEqual([]);
    await load(`config:${name}`);
    // All else is as it was.
    expect((await inspect(good)).State).toMatchObject({ Running: true, Pid });
    expect(await exec(good, 'echo', 'well')).toBe('well');
    expect(await waitFor(client, await launch(client, { Cmd: ['true'], HostConfig: { NetworkMode: `good-${name}` } }))).toBe(0);
    expect((await client.get('/containers/json?all=1')).status).toBe(200);
    expect((await client.get('/system/df')).status).toBe(200);

    // The start after that loses nothing either.
    await engine.crash();
    await startAgain();
    expect((await inspect(good)).State).toMatchObject({ Running: true, Pid });
    const aside = readdirSync(data('containers/.damaged')).find((folder) => folder.startsWith(stopped)) ?? '';
    expect(readFileSync(data('containers/.damaged', aside, 'upper/precious'), 'utf8')).toBe('mine');
    expect(existsSync(data('bin', binned, 'container'))).toBe(true);
    for (const { Id } of (await client.get('/containers/json?all=1')).json) {
      expect((await client.delete(`/containers/${Id}?force=1`)).status).toBe(204);
    }
  });

  it.each(ways.filter((_, at) => at % 3 === 0))('an index of images that is %s is made again', async (_way, damage) => {
    const { client } = engine;
    const latest = await load('latest:1');
    await engine.crash();
    damage(data('images/index.json'));
    expect(await startAgain()).toMatch(/error the index of images can not be read/);
    const images: { Id: string; RepoTags: string[] }[] = (await client.get('/images/json')).json;
    // The name that was given last may be lost; no other one, and no image.
    expect(images.find(({ RepoTags }) => RepoTags.includes(BASE))).toBeDefined();
    expect(images.map(({ Id }) => Id)).toContain(latest.id);
    expect(await waitFor(client, await launch(client, { Cmd: ['true'] }))).toBe(0);
    await client.delete(`/images/${latest.id}?force=1`);
  });

  it('a blob that is missing is missed by the one image that needs it; the next load brings it back', async () => {
    const { client } = engine;
    const { id } = await load('missing:1');
    const entries: { digest: string; annotations: object }[] = JSON.parse(readFileSync(data('images/index.json'), 'utf8')).manifests;
    const manifest = entries.find(({ annotations }) => JSON.stringify(annotations).includes('missing:1'))?.digest ?? '';
    for (const digest of [id, manifest]) {
      await engine.crash();
      rmSync(data('images/blobs/sha256', digest.slice(7)));
      expect(await startAgain()).toContain('error image is damaged and left out');
      expect((await client.get('/images/missing:1/json')).status).toBe(404);
      expect((await load('missing:1')).id).toBe(id);
    }
    const [layer] = JSON.parse(readFileSync(data('images/blobs/sha256', manifest.slice(7)), 'utf8')).layers;
    await engine.crash();
    rmSync(data('images/blobs/sha256', layer.digest.slice(7)));
    await startAgain();
    expect((await client.post('/containers/create', { Image: 'missing:1' })).status).toBe(201);
    const saved = await client.get('/images/missing:1/get');
    expect(saved).toMatchObject({ status: 500, json: { message: expect.stringContaining('its blob is missing') } });
    await load('missing:1');
    expect((await client.get('/images/missing:1/get')).status).toBe(200);
  });
});
