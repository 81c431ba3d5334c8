import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

/**
 * A container whose first process is being taken apart by the kernel, for as long as the test likes: the first process of a PID
 * namespace waits there until all others are gone, and one of them stays a zombie, since its parent (conmon) is stopped.
 */
describe.runIf(onGantry)('a container that is ending, but has not ended', { timeout: 30_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  const exec = async (id: string, request: Record<string, unknown>) =>
    (await engine.client.post(`/containers/${id}/exec`, request)).json.Id as string;
  const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;

  const monitorOf = (pid: number): number => Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(pid)], { encoding: 'utf8' }));

  /** Exit codes of the execs that the container has had; null while there is none. */
  async function execCodes(id: string): Promise<(number | null)[]> {
    const filters = encodeURIComponent(JSON.stringify({ container: [id], event: ['exec_create'] }));
    const { text } = await engine.client.get(`/events?since=1&until=${Date.now() / 1000}&filters=${filters}`);
    const ids = text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line).Actor.Attributes.execID as string);
    return await Promise.all(ids.map(async (exec) => (await engine.client.get(`/exec/${exec}/json`)).json.ExitCode as number | null));
  }

  async function endingContainer(config: Record<string, unknown> = {}): Promise<{ id: string; finish(): Promise<void> }> {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], ...config });
    const other = await exec(id, { Cmd: ['sleep', '1000'] });
    await engine.client.post(`/exec/${other}/start`, { Detach: true });
    const { Pid } = (await engine.client.get(`/exec/${other}/json`)).json;
    const monitor = monitorOf(Pid);
    process.kill(monitor, 'SIGSTOP');
    process.kill((await inspect(id)).State.Pid, 'SIGKILL');
    await eventually('the other process is dead', () =>
      execFileSync('ps', ['-o', 'stat=', '-p', String(Pid)], { encoding: 'utf8' }).startsWith('Z'),
    );
    return {
      id,
      async finish() {
        process.kill(monitor, 'SIGCONT');
        await waitFor(engine.client, id);
        await engine.client.delete(`/containers/${id}?force=1`);
      },
    };
  }

  it('is ended by a kill or a stop though its monitor was killed', async () => {
    for (const how of ['kill', 'stop?t=0', 'remove'] as const) {
      const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
      const { Pid } = (await inspect(id)).State;
      process.kill(monitorOf(Pid), 'SIGKILL');
      if (how === 'remove') {
        expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
        continue;
      }
      expect((await engine.client.post(`/containers/${id}/${how}`)).status).toBe(204);
      expect((await inspect(id)).State).toMatchObject({ Status: 'exited', ExitCode: 137 });
      expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
      expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
    }
  });

  it('is not found by what waited for its removal', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const [removal, ...late] = await Promise.all([
      engine.client.delete(`/containers/${id}?force=1`),
      ...Array.from({ length: 8 }, (_, at) => engine.client.post(`/containers/${id}/rename?name=late${at}`)),
      ...Array.from({ length: 8 }, () => engine.client.post(`/containers/${id}/update`, { Memory: 2 ** 26, MemorySwap: 2 ** 26 })),
    ]);
    expect(removal?.status).toBe(204);
    for (const { status, text } of late) expect([200, 204, 404], text).toContain(status);
  });

  it('goes though somebody commits it meanwhile, who is told', async () => {
    const lives = Array.from({ length: 12 }, async () => {
      const id = await launch(engine.client, {
        Cmd: ['sh', '-c', 'for i in $(seq 300); do echo $i > /file$i; done'],
        HostConfig: { AutoRemove: true },
      });
      for (let status = 201; status !== 404; ) {
        const answer = await engine.client.post(`/commit?container=${id}&pause=0`);
        expect([201, 404, 409], answer.text).toContain(answer.status);
        status = answer.status;
        if (status === 201) await engine.client.delete(`/images/${answer.json.Id}?force=1`);
      }
      expect((await engine.client.get(`/containers/${id}/json`)).status).toBe(404);
    });
    await Promise.all(lives);
    expect(engine.log()).not.toContain('unable to remove filesystem');
  });

  it('says of an exec that it is not running, not what the runtime ran into', async () => {
    const { id, finish } = await endingContainer();
    try {
      const detached = await engine.client.post(`/exec/${await exec(id, { Cmd: ['true'] })}/start`, { Detach: true });
      expect(detached).toMatchObject({ status: 409, json: { message: `Container ${id} is not running` } });
      const attached = await engine.client.hijack(`/exec/${await exec(id, { Cmd: ['true'], AttachStdout: true })}/start`, {
        Detach: false,
      });
      await attached.ended();
      expect(attached.text()).toContain(`Container ${id} is not running`);
    } finally {
      await finish();
    }
  });

  it('is not said to be unwell by a health check that found it so', async () => {
    const { id, finish } = await endingContainer({
      Healthcheck: { Test: ['CMD', 'true'], Interval: 300_000_000, Retries: 1 },
    });
    try {
      await eventually('a check has failed', async () => (await execCodes(id)).some((code) => code !== null && code !== 0));
      const { Health } = (await inspect(id)).State;
      expect(Health.Status).not.toBe('unhealthy');
      expect(Health.Log.filter(({ ExitCode }: { ExitCode: number }) => ExitCode !== 0)).toEqual([]);
    } finally {
      await finish();
    }
  });
});
