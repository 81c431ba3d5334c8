import { statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { StatisticsHistory } from '../contract/gantry.ts';
import { eventually, launch, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ config: { statistics: { 'interval-seconds': 1 } } });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const history = async (id: string, query = ''): Promise<StatisticsHistory> =>
  (await engine.client.get(`/gantry/v1/containers/${id}/statistics${query}`)).json;

describe.runIf(onGantry)('statistics over time', { timeout: 30_000 }, () => {
  it('are announced in version, and their settings told', async () => {
    const { Components } = (await engine.client.get('/version')).json;
    const [gantry] = Components.filter(({ Name }: { Name: string }) => Name === 'gantry');
    expect(gantry).toMatchObject({ Version: '1', Details: { Path: '/gantry/v1', Features: expect.stringContaining('statistics') } });
    expect((await engine.client.get('/gantry/v1')).json).toMatchObject({
      Version: 1,
      Statistics: { Enabled: true, IntervalSeconds: 1, Hours: 24 },
    });
  });

  it('are kept of every running container, in a small file that survives the helper', async () => {
    const busy = await launch(engine.client, { Cmd: ['sh', '-c', 'while :; do :; done'], HostConfig: { NanoCpus: 5e8, Memory: 2 ** 26 } });
    const idle = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const seen = await eventually('there are some', async () => {
      const all = await history(busy);
      return all.Times.length >= 3 ? all : undefined;
    });
    expect(seen).toMatchObject({ Id: busy, IntervalSeconds: 1 });
    for (const column of ['Cpu', 'Memory', 'Processes', 'NetworkIn', 'NetworkOut', 'DiskRead', 'DiskWrite'] as const) {
      expect(seen[column]).toHaveLength(seen.Times.length);
    }
    expect([...seen.Times].sort()).toEqual(seen.Times);
    expect(seen.Cpu.at(-1)).toBeGreaterThan(0.1);
    expect(seen.Cpu.at(-1)).toBeLessThan(0.8);
    expect(seen.Memory.at(-1)).toBeGreaterThan(1000);
    expect(seen.Processes.at(-1)).toBe(1);
    const now = (await engine.client.get('/gantry/v1/statistics')).json;
    expect(Object.keys(now.Containers).sort()).toEqual([busy, idle].sort());
    expect(now.Containers[idle].Cpu).toBeLessThan(0.1);
    expect(statSync(path.join(engine.folder, 'data/containers', busy, 'statistics')).size).toBeLessThan(40 * 86_400 + 17);

    await engine.crash();
    await engine.start();
    const after = await history(busy);
    expect(after.Times.slice(0, seen.Times.length)).toEqual(seen.Times);
    expect((await history(busy, '?points=1')).Times).toHaveLength(1);
    expect((await history(busy, `?since=${seen.Times[0]}&until=${seen.Times[1]}`)).Times).toEqual([seen.Times[1]]);
  });

  it('of a stopped container stay, of an unknown one there are none', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    await eventually('there is one', async () => (await history(id)).Times.length > 0);
    await engine.client.post(`/containers/${id}/stop?t=0`);
    expect((await history(id)).Times.length).toBeGreaterThan(0);
    expect((await engine.client.get('/gantry/v1/containers/none/statistics')).status).toBe(404);
    expect((await engine.client.get(`/gantry/v1/containers/${id}/statistics?points=0`)).status).toBe(400);
  });
});
