import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ContainerStop } from '../contract/gantry.ts';
import { create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const stops = async (id: string): Promise<ContainerStop[]> => (await engine.client.get(`/gantry/v1/containers/${id}/stops`)).json;
const pidOf = async (id: string): Promise<number> => (await engine.client.get(`/containers/${id}/json`)).json.State.Pid;

describe.runIf(onGantry)('why containers stopped', { timeout: 30_000 }, () => {
  it('by themselves: exit code and last lines', async () => {
    const id = await launch(engine.client, { name: 'itself', Cmd: ['sh', '-c', 'echo one; echo two >&2; exit 7'] });
    await waitFor(engine.client, id);
    const [stop, ...more] = await stops('itself');
    expect(more).toEqual([]);
    expect(stop).toMatchObject({ Id: id, Name: 'itself', Cause: 'exited', By: 'process', ExitCode: 7, OOMKilled: false, Forced: false });
    expect(stop?.LastLines.map(({ Stream, Text }) => `${Stream} ${Text}`).sort()).toEqual(['stderr two', 'stdout one']);
    expect(Date.parse(stop?.FinishedAt ?? '')).toBeGreaterThanOrEqual(Date.parse(stop?.StartedAt ?? ''));
  });

  it('by a request: which, when, by whom, and whether it had to be forced', async () => {
    const deaf = await launch(engine.client, { Cmd: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'] });
    await eventually('it is ready', async () => (await engine.client.get(`/containers/${deaf}/logs?stdout=1`)).text.includes('ready'));
    await engine.client.ask('POST', `/containers/${deaf}/stop?t=0`, { headers: { 'User-Agent': 'a test' } });
    expect((await stops(deaf))[0]).toMatchObject({
      ...{ Cause: 'stopped', By: 'api', ExitCode: 137, Signal: 'SIGKILL', Forced: true },
      Request: { Call: 'stop', Signal: 'SIGTERM', Client: 'a test', Time: expect.stringMatching(/Z$/) },
    });
    await engine.client.post(`/containers/${deaf}/start`);
    await engine.client.post(`/containers/${deaf}/kill`);
    expect((await stops(deaf)).map(({ Cause, By }) => `${Cause} ${By}`)).toEqual(['killed api', 'stopped api']);
    await engine.client.post(`/containers/${deaf}/start`);
    await engine.client.post(`/containers/${deaf}/restart?t=0`);
    expect((await stops(deaf))[0]).toMatchObject({ Cause: 'stopped', Request: { Call: 'restart' } });
    // Known also when it is gone.
    await engine.client.delete(`/containers/${deaf}?force=1`);
    expect((await stops(deaf.slice(0, 12)))[0]).toMatchObject({ Cause: 'stopped', By: 'api', Forced: false, Request: { Call: 'remove' } });
  });

  it('by the kernel, for want of memory', async () => {
    const id = await launch(engine.client, {
      Cmd: ['sh', '-c', 'echo filling; x=a; while :; do x=$x$x; done'],
      HostConfig: { Memory: 2 ** 24, MemorySwap: 2 ** 24 },
    });
    expect(await waitFor(engine.client, id)).toBe(137);
    expect((await stops(id))[0]).toMatchObject({ Cause: 'oom', By: 'kernel', OOMKilled: true, LastLines: [{ Text: 'filling' }] });
  });

  it('by itself, after the kernel took a child of it for want of memory', async () => {
    const id = await launch(engine.client, {
      Cmd: ['sh', '-c', "sh -c 'x=a; while :; do x=$x$x; done'; exit 3"],
      HostConfig: { Memory: 2 ** 24, MemorySwap: 2 ** 24 },
    });
    expect(await waitFor(engine.client, id)).toBe(3);
    expect((await stops(id))[0]).toMatchObject({ Cause: 'exited', By: 'process', ExitCode: 3, OOMKilled: true });
  });

  it('by a signal that nobody here sent', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    process.kill(await pidOf(id), 'SIGKILL');
    await waitFor(engine.client, id);
    expect((await stops(id))[0]).toMatchObject({ Cause: 'signal', By: 'unknown', Signal: 'SIGKILL' });
  });

  it('and what the restart policy did then, and the health checks before', async () => {
    const id = await launch(engine.client, {
      // The second check begins when the first one's result is known.
      Cmd: ['sh', '-c', 'touch /checks; while [ $(wc -l < /checks) -lt 2 ]; do sleep 0.05; done; exit 1'],
      Healthcheck: { Test: ['CMD-SHELL', 'echo >> /checks; echo not well; exit 1'], Interval: 100_000_000, Retries: 1 },
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 1 } },
    });
    const all = await eventually('it has failed twice', async () => {
      const list = await stops(id);
      return list.length === 2 ? list : undefined;
    });
    expect(all[1]).toMatchObject({
      ...{ Cause: 'exited', ExitCode: 1, Restart: { Count: 1, DelaySeconds: 0.1 } },
      Health: { Status: 'unhealthy', Results: expect.arrayContaining([expect.objectContaining({ ExitCode: 1, Output: 'not well\n' })]) },
    });
    expect(all[0]).not.toHaveProperty('Restart');
  });

  it('that they never started', async () => {
    const id = await create(engine.client, { Cmd: ['nothing-there'] });
    await engine.client.post(`/containers/${id}/start`);
    expect((await stops(id))[0]).toMatchObject({
      Cause: 'start',
      ExitCode: 127,
      Error: expect.stringContaining('nothing-there'),
      LastLines: [],
    });
  });

  it('while the helper was away, and when nobody saw it', async () => {
    const away = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const unseen = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const [awayPid, unseenPid] = [await pidOf(away), await pidOf(unseen)];
    const monitor = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(unseenPid)], { encoding: 'utf8' }));
    await engine.crash();
    process.kill(awayPid, 'SIGTERM');
    process.kill(awayPid, 'SIGKILL');
    process.kill(monitor, 'SIGKILL');
    process.kill(unseenPid, 'SIGKILL');
    await engine.start();
    await waitFor(engine.client, away);
    await waitFor(engine.client, unseen);
    expect((await stops(away))[0]).toMatchObject({ Cause: 'signal', By: 'unknown' });
    expect((await stops(unseen))[0]).toMatchObject({ Cause: 'lost', By: 'host', ExitCode: 255 });
  });

  it('of all containers, newest first; none of a container that removed itself when all was well', async () => {
    const quiet = await launch(engine.client, { Cmd: ['true'], HostConfig: { AutoRemove: true } });
    const loud = await launch(engine.client, { Cmd: ['sh', '-c', 'echo why; exit 9'], HostConfig: { AutoRemove: true } });
    for (const id of [quiet, loud]) {
      await eventually('it is gone', async () => (await engine.client.get(`/containers/${id}/json`)).status === 404);
    }
    const all: ContainerStop[] = (await engine.client.get('/gantry/v1/stops?limit=100')).json;
    const times = all.map(({ FinishedAt }) => Date.parse(FinishedAt));
    expect([...times].sort((a, b) => b - a)).toEqual(times);
    expect(all[0]).toMatchObject({ Id: loud, ExitCode: 9, LastLines: [{ Text: 'why' }] });
    expect(all.map(({ Id }) => Id)).not.toContain(quiet);
    expect((await engine.client.get('/gantry/v1/stops?limit=1')).json).toHaveLength(1);
  });

  it('is empty for one that runs still, unknown for one that never was', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    expect(await stops(id)).toEqual([]);
    expect((await engine.client.get('/gantry/v1/containers/none/stops')).json).toEqual({ message: 'No such container: none' });
  });
});
