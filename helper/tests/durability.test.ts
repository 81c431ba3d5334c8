import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { create, demultiplex, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { engineTraces } from './leftovers.ts';

/** What a crash of the helper must not do to containers. dockerd is no peer here: without live-restore it fails all of it. */
describe.runIf(onGantry)('kill -9 of the helper', { timeout: 60_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);
  afterEach(() => expect(engine.log()).not.toMatch(/a failure that nobody handled/));

  const state = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json.State;
  const logOf = async (id: string): Promise<string> => {
    const chunks: Buffer[] = [];
    for await (const chunk of await engine.client.open('GET', `/containers/${id}/logs?stdout=1`)) chunks.push(chunk as Buffer);
    return demultiplex(Buffer.concat(chunks)).all;
  };

  it('leaves containers running, and no log line is lost', async () => {
    const pause = 'while [ $i = 2500 ] && ! [ -e /go ]; do sleep 0.05; done';
    const count = `i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo line $i; [ $((i % 100)) = 0 ] && sleep 0.05; ${pause}; done; exit 7`;
    const id = await launch(engine.client, { Cmd: ['sh', '-c', count] });
    const { Pid } = await state(id);
    await eventually('it writes', async () => (await logOf(id)).includes('line 200') || undefined);
    await engine.crash();
    await engine.start();
    expect(await state(id)).toMatchObject({ Running: true, Pid });
    const go = (await engine.client.post(`/containers/${id}/exec`, { Cmd: ['touch', '/go'] })).json.Id;
    await engine.client.post(`/exec/${go}/start`, { Detach: true });
    expect(await waitFor(engine.client, id)).toBe(7);
    expect(await logOf(id)).toBe(Array.from({ length: 3000 }, (_, i) => `line ${i + 1}\n`).join(''));
  });

  it('while it is away, exit codes are kept', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', 'cat; exit 5'], OpenStdin: true, StdinOnce: true });
    const until = await launch(engine.client, { Cmd: ['sh', '-c', 'sleep 0.3; exit 9'] });
    const { Pid } = await state(until);
    await engine.crash();
    await eventually('the process has ended', () => !alive(Pid) || undefined);
    await engine.start();
    expect(await state(until)).toMatchObject({ Status: 'exited', ExitCode: 9, Running: false });
    expect((await state(id)).Running).toBe(true);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('restart policies are resumed, and auto-remove is caught up', async () => {
    const always = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { RestartPolicy: { Name: 'always' } } });
    const removed = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { AutoRemove: true } });
    const pids = [(await state(always)).Pid, (await state(removed)).Pid];
    await engine.crash();
    for (const pid of pids) process.kill(pid, 'SIGKILL');
    await eventually('the processes have ended', () => !pids.some(alive) || undefined);
    await engine.start();
    const again = await eventually('it runs again', async () => {
      const now = await state(always);
      return now.Status === 'running' && now.Pid !== pids[0] ? now : undefined;
    });
    expect(alive(again.Pid)).toBe(true);
    await eventually('it is removed', async () => (await engine.client.get(`/containers/${removed}/json`)).status === 404 || undefined);
    await engine.client.delete(`/containers/${always}?force=1`);
  });

  it('attached clients get an end, and can attach again', async () => {
    const id = await create(engine.client, { Cmd: ['sh'], Tty: true, OpenStdin: true });
    const before = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
    await engine.client.post(`/containers/${id}/start`);
    before.write('echo one$((0+1))\n');
    await before.until('one1');
    await engine.crash();
    await before.ended();
    await engine.start();
    const after = await engine.client.hijack(`/containers/${id}/attach?stream=1&stdin=1&stdout=1`);
    after.write('echo two$((1+1))\n');
    await after.until('two2');
    const exec = (await engine.client.post(`/containers/${id}/exec`, { Cmd: ['true'], AttachStdout: true })).json.Id;
    const run = await engine.client.hijack(`/exec/${exec}/start`, {});
    await run.ended();
    expect((await engine.client.get(`/exec/${exec}/json`)).json.ExitCode).toBe(0);
    after.write('exit 4\n');
    await after.ended();
    expect(await waitFor(engine.client, id)).toBe(4);
  });

  it('of a removal that was cut off nothing is left in the kernel', async () => {
    const id = await launch(engine.client, { Cmd: ['true'] });
    await waitFor(engine.client, id);
    await engine.client.delete(`/containers/${id}`);
    await engine.crash();
    // The runtime's record goes first, the groups then, a link when its network's file has gone.
    const [group] = engineTraces(engine.folder).cgroups;
    const instance = path.basename(group ?? '');
    mkdirSync(`${group}/${id}/below`, { recursive: true });
    execFileSync('ip', ['link', 'add', 'br-test-left', 'type', 'bridge']);
    execFileSync('ip', ['link', 'set', 'dev', 'br-test-left', 'alias', instance]);
    await engine.start();
    expect(existsSync(`${group}/${id}`)).toBe(false);
    expect(engineTraces(engine.folder).links.join()).not.toContain('br-test-left');
  });

  it('at any moment of starting and removing leaves no half of a container', async () => {
    for (const delayMs of [5, 15, 30, 60]) {
      const id = await create(engine.client, { Cmd: ['sleep', '1000'] });
      const starting = engine.client.post(`/containers/${id}/start`).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await engine.crash();
      await starting;
      await engine.start();
      const now = await state(id);
      expect(['created', 'running', 'exited']).toContain(now.Status);
      if (now.Running) expect(alive(now.Pid)).toBe(true);
      else expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
      const removing = engine.client.delete(`/containers/${id}?force=1`).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await engine.crash();
      await removing;
      await engine.start();
      const left = await engine.client.delete(`/containers/${id}?force=1`);
      expect([204, 404]).toContain(left.status);
    }
  });
});

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
