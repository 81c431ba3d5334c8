import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ENGINE, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

const MIB = 2 ** 20;
const limited = { Memory: 24 * MIB, MemorySwap: 24 * MIB };
const hog = 'x=$(head -c 100m /dev/zero | tr "\\0" x)';
/**
 * Has a child that asks for too much each time that it is told to, and goes on. It waits without a child: the kernel could take that one in
 * the hog's place, or the hog while it still was its parent's double.
 */
const parent = `mkfifo /tmp/go; while :; do read -r word </tmp/go && { sh -c '${hog}'; echo again; }; done`;
const canWait = existsSync('/sys/fs/cgroup/memory/memory.oom_control');

describe(`want of memory on ${ENGINE}`, { timeout: 60_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  const state = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json.State;
  const told = async (id: string): Promise<string[]> => {
    const filters = encodeURIComponent(JSON.stringify({ container: [id], event: ['oom', 'start', 'die', 'kill'] }));
    const { text } = await engine.client.get(`/events?since=1&until=${Date.now() / 1000}&filters=${filters}`);
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).Action);
  };
  const kills = async (id: string): Promise<number> => (await told(id)).filter((action) => action === 'oom').length;
  const go = async (id: string): Promise<void> => {
    const { Id } = (
      await engine.client.post(`/containers/${id}/exec`, { Cmd: ['sh', '-c', 'until [ -p /tmp/go ]; do :; done; echo go >/tmp/go'] })
    ).json;
    await engine.client.post(`/exec/${Id}/start`, { Detach: true });
  };

  it('is told of while the container lives on, each time, and seen in its state until the next start', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', parent], HostConfig: limited });
    expect(await state(id)).toMatchObject({ OOMKilled: false });
    await go(id);
    await eventually('it is told', async () => (await kills(id)) > 0 || undefined);
    // Of dockerd 20.10 the end alone tells; later ones know at once.
    if (onGantry) expect(await state(id)).toMatchObject({ OOMKilled: true, Running: true });
    await eventually('its parent goes on', async () =>
      (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.includes('again') ? true : undefined,
    );
    const first = await kills(id);
    await go(id);
    await eventually('it is told again', async () => (await kills(id)) > first || undefined);
    await engine.client.post(`/containers/${id}/restart?t=0`);
    expect(await state(id)).toMatchObject({ OOMKilled: false, Running: true });
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('comes before the end of a container that it ends, and is told of once more by none', async () => {
    const id = await launch(engine.client, { Cmd: ['tail', '/dev/zero'], HostConfig: limited });
    expect(await waitFor(engine.client, id)).toBe(137);
    expect(await state(id)).toMatchObject({ OOMKilled: true, Running: false });
    expect(await told(id)).toEqual(['start', 'oom', 'die']);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it.runIf(canWait)('is told of when nothing may be killed, so that the container hangs', async () => {
    // The programs' pages are another's: a limited container would have to read them in anew, and could not.
    const other = await launch(engine.client, { Cmd: ['sh', '-c', 'head -c 1m /dev/zero | tr "\\0" x >/dev/null; exec sleep 1000'] });
    const id = await launch(engine.client, { Cmd: ['sh', '-c', hog], HostConfig: { ...limited, OomKillDisable: true } });
    await eventually('it is told', async () => (await kills(id)) > 0 || undefined);
    expect((await state(id)).Running).toBe(true);
    for (const each of [id, other]) await engine.client.delete(`/containers/${each}?force=1`);
  });

  it.runIf(onGantry)('is told of after a crash: what happened meanwhile, and what comes', async () => {
    const id = await launch(engine.client, {
      Cmd: ['sh', '-c', `echo ready; sleep 1; sh -c '${hog}'; echo meanwhile; ${parent}`],
      HostConfig: limited,
    });
    const { Pid } = await state(id);
    await engine.crash();
    await eventually('the child has ended', async () => readFileSync(logOf(engine, id), 'utf8').includes('meanwhile') || undefined);
    await engine.start();
    expect(await state(id)).toMatchObject({ OOMKilled: true, Running: true, Pid });
    expect(await kills(id)).toBe(1);
    await engine.crash();
    await engine.start();
    // Not once more.
    expect(await kills(id)).toBe(0);
    await go(id);
    await eventually('it is told', async () => (await kills(id)) > 0 || undefined);
    await engine.client.delete(`/containers/${id}?force=1`);
  });
});

const logOf = (engine: TestEngine, id: string): string => `${engine.folder}/data/containers/${id}/container.log`;
