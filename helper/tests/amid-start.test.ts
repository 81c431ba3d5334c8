import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, create, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';

/** Starts that take as long as a test likes: the runtime's `create` waits until the test opens a gate. */
describe.runIf(onGantry)('amid a start', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-slow-'));
  const gate = path.join(folder, 'gate');
  const reached = path.join(folder, 'reached');
  let engine: TestEngine;
  beforeAll(async () => {
    const runtime = path.join(folder, 'runtime');
    const wait = `echo >> ${reached}; until [ -e ${gate} ]; do sleep 0.02; done`;
    writeFileSync(runtime, `#!/bin/sh\ncase " $* " in *" create "*) ${wait};; esac\nexec crun "$@"\n`, { mode: 0o755 });
    engine = await startEngine({ config: { runtimes: { slow: { path: runtime } } } });
  }, 60_000);
  afterAll(async () => {
    writeFileSync(gate, '');
    await engine?.stop();
    rmSync(folder, { recursive: true, force: true });
  }, 60_000);

  const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;

  /** Asks while a container starts, lets the start go on, and says what came of both. */
  async function amid(ask: (id: string) => Promise<Answer>, config: Record<string, unknown> = {}, more: Record<string, unknown> = {}) {
    rmSync(gate, { force: true });
    rmSync(reached, { force: true });
    const id = await create(engine.client, { Cmd: ['sleep', '1000'], ...config, HostConfig: { Runtime: 'slow', ...more } });
    const starting = engine.client.post(`/containers/${id}/start`);
    await eventually('the runtime is at it', () => existsSync(reached));
    let early = true;
    const asked = ask(id).then((answer) => ({ answer, early }));
    // By then what does not wait has been answered.
    for (let round = 0; round < 5; round += 1) await engine.client.get('/containers/json?all=1');
    early = false;
    writeFileSync(gate, '');
    const [started, { answer, early: tooEarly }] = await Promise.all([starting, asked]);
    expect(tooEarly, answer.text).toBe(false);
    expect(started.status, started.text).toBe(204);
    return { id, answer };
  }

  it('a forced removal waits, and leaves nothing', async () => {
    const { id, answer } = await amid((id) => engine.client.delete(`/containers/${id}?force=1`));
    expect(answer.status, answer.text).toBe(204);
    expect((await engine.client.get(`/containers/${id}/json`)).status).toBe(404);
  });

  it('a removal without force is refused, since it runs then', async () => {
    const { answer } = await amid((id) => engine.client.delete(`/containers/${id}`));
    expect(answer.status).toBe(409);
    expect(answer.json.message).toContain('container is running: stop the container before removing or force remove');
  });

  it.each(['stop?t=0', 'kill'])('%s ends what has been started', async (verb) => {
    const { id, answer } = await amid((id) => engine.client.post(`/containers/${id}/${verb}`));
    expect(answer.status, answer.text).toBe(204);
    expect((await inspect(id)).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
  });

  it('a restart stops it and starts it again', async () => {
    const { id, answer } = await amid((id) => engine.client.post(`/containers/${id}/restart?t=0`));
    expect(answer.status, answer.text).toBe(204);
    const filters = encodeURIComponent(JSON.stringify({ container: [id] }));
    const events = (await engine.client.get(`/events?since=1&until=${Date.now() / 1000 + 1}&filters=${filters}`)).text;
    const actions = events.split('\n').flatMap((line) => (line ? [JSON.parse(line).Action] : []));
    expect(actions.filter((action) => ['start', 'die', 'restart'].includes(action))).toEqual(['start', 'die', 'start', 'restart']);
  });

  it('pause, rename, update, resize and an exec do what they do with one that runs', async () => {
    const paused = await amid((id) => engine.client.post(`/containers/${id}/pause`));
    expect((await inspect(paused.id)).State.Status).toBe('paused');
    const renamed = await amid((id) => engine.client.post(`/containers/${id}/rename?name=amid`));
    expect((await inspect(renamed.id)).Name).toBe('/amid');
    const limits = { Memory: 2 ** 26, MemorySwap: 2 ** 26 };
    const updated = await amid((id) => engine.client.post(`/containers/${id}/update`, limits));
    expect((await inspect(updated.id)).HostConfig.Memory).toBe(2 ** 26);
    const resized = await amid((id) => engine.client.post(`/containers/${id}/resize?h=10&w=20`), { Tty: true });
    expect(resized.answer.status, resized.answer.text).toBe(200);
    const exec = await amid((id) => engine.client.post(`/containers/${id}/exec`, { Cmd: ['true'] }));
    expect(exec.answer.status, exec.answer.text).toBe(201);
  });

  it('top, stats, logs and a wait see the process that has been started', async () => {
    const top = await amid((id) => engine.client.get(`/containers/${id}/top`));
    expect(top.answer.json.Processes).toHaveLength(1);
    const stats = await amid((id) => engine.client.get(`/containers/${id}/stats?stream=0&one-shot=1`));
    expect(stats.answer.json.pids_stats.current).toBe(1);
    const short = { Cmd: ['sh', '-c', 'echo one; sleep 0.3; echo two; exit 7'] };
    const wait = await amid((id) => engine.client.post(`/containers/${id}/wait`), short);
    expect(wait.answer.json.StatusCode).toBe(7);
    const logs = await amid((id) => engine.client.get(`/containers/${id}/logs?stdout=1&follow=1`), { ...short, Tty: true });
    expect(logs.answer.text).toBe('one\r\ntwo\r\n');
  });

  it('an attach is to the process that has been started', async () => {
    const short = { Cmd: ['sh', '-c', 'for at in $(seq 40); do echo two; sleep 0.05; done'], Tty: true };
    const attached = await amid((id) => engine.client.post(`/containers/${id}/attach?stream=1&stdout=1`), short);
    expect(attached.answer.text).toContain('two\r\n');
  });
});
