import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { FakeRegistry } from './fake-registry.ts';
import { type Answer, BASE, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { savedImage } from './images.ts';
import { engineTraces } from './leftovers.ts';

/** Longer: GANTRY_FAULT_SECONDS=600. The seed of a run that failed, from its name: GANTRY_FAULT_SEED. */
const SECONDS = Number(process.env.GANTRY_FAULT_SECONDS ?? 6);
const SEED = Number(process.env.GANTRY_FAULT_SEED ?? Math.floor(Math.random() * 2 ** 31));
const MOST_DELAY_MS = 80;

/** mulberry32: the same numbers for the same seed. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

interface Shown {
  Id: string;
  State: string;
}

describe.runIf(onGantry)('kill -9 at any moment', { timeout: SECONDS * 1000 + 120_000 }, () => {
  let engine: TestEngine;
  let registry: FakeRegistry;
  beforeAll(async () => {
    registry = await FakeRegistry.start();
    engine = await startEngine();
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await registry?.stop();
  }, 60_000);

  const data = (...names: string[]): string => path.join(engine.folder, 'data', ...names);
  const run = (...names: string[]): string => path.join(engine.folder, 'run', ...names);
  const ids = (folder: string): string[] => readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const list = async (): Promise<Shown[]> => (await engine.client.get('/containers/json?all=1')).json;
  const images = async (): Promise<{ Id: string; RepoTags: string[] }[]> => (await engine.client.get('/images/json')).json;

  /** What must hold after every start. */
  async function check(): Promise<void> {
    const containers = await list();
    const known = containers.map(({ Id }) => Id).sort();
    const running = containers.filter(({ State }) => State === 'running').map(({ Id }) => Id);
    const idsIn = (texts: string[]): string[] => [...new Set(texts.flatMap((text) => text.match(/[0-9a-f]{64}/) ?? []))].sort();
    const traces = engineTraces(engine.folder);
    const mounts = readFileSync(`/proc/${engine.pid}/mountinfo`, 'utf8').split('\n');
    expect(ids(data('containers')).sort(), 'records').toEqual(known);
    expect(
      ids(run('containers')).filter((id) => !known.includes(id)),
      'run folders',
    ).toEqual([]);
    expect(ids(run('runtime')).sort(), "the runtime's records").toEqual([...running].sort());
    expect(idsIn(traces.processes.filter((line) => line.includes('conmon'))), 'monitors').toEqual([...running].sort());
    const groups = traces.cgroups.flatMap((group) => ids(group));
    expect([...new Set(groups)].sort(), 'cgroups').toEqual([...running].sort());
    expect(
      idsIn(mounts.filter((line) => line.includes(run('containers')))).filter((id) => !running.includes(id)),
      'mounts',
    ).toEqual([]);
    for (const id of running) {
      const { Pid } = (await engine.client.get(`/containers/${id}/json`)).json.State;
      expect(readFileSync(`/proc/${Pid}/stat`, 'utf8'), 'the process of what runs').not.toMatch(/\) [ZX] /);
    }
    expect(
      readdirSync(data('images/ingest')).filter((name) => !name.endsWith('.partial')),
      'blobs on their way',
    ).toEqual([]);
    expect(readdirSync(data('layers/ingest')), 'layers on their way').toEqual([]);
    for (const { Id, RepoTags } of await images()) {
      const made = await engine.client.post('/containers/create', { Image: Id, Cmd: ['true'] });
      expect(made.status, `a container of ${RepoTags}`).toBe(201);
      await engine.client.delete(`/containers/${made.json.Id}`);
    }
  }

  it(`leaves what was answered, and no half of anything (seed ${SEED})`, async () => {
    const random = numbers(SEED);
    const pick = <T>(from: readonly T[]): T | undefined => from[Math.floor(random() * from.length)];
    const deadline = Date.now() + SECONDS * 1000;
    const tried = new Map<string, number>();
    for (let round = 0; Date.now() < deadline; round += 1) {
      const { client } = engine;
      const containers = await list();
      const one = (state: string): string | undefined => pick(containers.filter(({ State }) => State === state).map(({ Id }) => Id));
      const layer = tarOf([{ name: `file${round}`, data: Buffer.alloc(Math.floor(random() * 2_000_000), String(round)) }]);
      const created = { Image: BASE, Cmd: ['sleep', '1000'], HostConfig: { Binds: [`volume${round % 3}:/v`], AutoRemove: random() < 0.2 } };
      registry.add(`pulled:${round}`, [layer]);
      const operations: Record<string, { ask(): Promise<Answer> | undefined; holds(answer: Answer): Promise<boolean> }> = {
        create: {
          ask: () => client.post('/containers/create', created),
          holds: async ({ json }) => (await client.get(`/containers/${json.Id}/json`)).status === 200,
        },
        run: {
          ask: async () => client.post(`/containers/${(await client.post('/containers/create', created)).json.Id}/start`),
          holds: async () => (await list()).some(({ State }) => State === 'running'),
        },
        start: {
          ask: () => withId(one('created') ?? one('exited'), (id) => client.post(`/containers/${id}/start`)),
          holds: async () => true,
        },
        stop: { ask: () => withId(one('running'), (id) => client.post(`/containers/${id}/stop?t=0`)), holds: async () => true },
        remove: {
          ask: () => withId(one('running') ?? one('exited') ?? one('created'), (id) => client.delete(`/containers/${id}?force=1&v=1`)),
          holds: async () => true,
        },
        exec: {
          ask: () =>
            withId(one('running'), async (id) => {
              const made = await client.post(`/containers/${id}/exec`, { Cmd: ['sleep', '0.05'] });
              return client.post(`/exec/${made.json.Id}/start`, { Detach: false });
            }),
          holds: async () => true,
        },
        commit: {
          ask: () => withId(one('running') ?? one('created'), (id) => client.post(`/commit?container=${id}&repo=committed&tag=${round}`)),
          holds: async () => (await images()).some(({ RepoTags }) => RepoTags.includes(`committed:${round}`)),
        },
        load: {
          ask: () =>
            client.ask('POST', '/images/load?quiet=1', {
              body: savedImage(`loaded:${round}`, [layer]),
              headers: { 'Content-Type': 'application/x-tar' },
            }),
          holds: async () => (await images()).some(({ RepoTags }) => RepoTags.includes(`loaded:${round}`)),
        },
        pull: {
          ask: () => client.post(`/images/create?fromImage=${registry.host}/pulled&tag=${round}`),
          holds: async () => (await images()).some(({ RepoTags }) => RepoTags.includes(`${registry.host}/pulled:${round}`)),
        },
        'remove image': {
          ask: async () => {
            const tags = (await images()).flatMap(({ RepoTags }) => RepoTags.filter((tag) => tag !== BASE));
            return client.delete(`/images/${pick(tags)}`);
          },
          holds: async () => true,
        },
      };
      const name = pick(Object.keys(operations)) ?? '';
      const operation = operations[name];
      tried.set(name, (tried.get(name) ?? 0) + 1);
      const asked = operation?.ask();
      const answer = asked?.catch(() => undefined);
      await delay(random() * MOST_DELAY_MS);
      await engine.crash();
      const answered = await answer;
      await engine.start();
      const what = `round ${round}: ${name}, answered ${answered?.status}`;
      try {
        if (answered && answered.status < 300 && !answered.text.includes('"error"'))
          expect(await operation?.holds(answered), what).toBe(true);
        await check();
      } catch (error) {
        throw new Error(`${what}: ${error}\n${engine.log().split('\n').slice(-60).join('\n')}`);
      }
    }
    expect(await waitFor(engine.client, await launch(engine.client, { Cmd: ['true'] }))).toBe(0);
    expect(tried.size).toBeGreaterThan(0);
    await eventually('nothing is half removed', () => readdirSync(data('containers/.trash')).length === 0);
  });
});

function withId(id: string | undefined, work: (id: string) => Promise<Answer>): Promise<Answer> | undefined {
  return id === undefined ? undefined : work(id);
}
