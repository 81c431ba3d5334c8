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

  async function endingContainer(config: Record<string, unknown> = {}): Promise<{ id: string; finish(): Promise<void> }> {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], ...config });
    const other = await exec(id, { Cmd: ['sleep', '1000'] });
    await engine.client.post(`/exec/${other}/start`, { Detach: true });
    const { Pid } = (await engine.client.get(`/exec/${other}/json`)).json;
    const monitor = Number(execFileSync('ps', ['-o', 'ppid=', '-p', String(Pid)], { encoding: 'utf8' }));
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
      // Long enough for checks that begin now to have failed.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const { Health } = (await inspect(id)).State;
      expect(Health.Status).not.toBe('unhealthy');
      expect(Health.Log.filter(({ ExitCode }: { ExitCode: number }) => ExitCode !== 0)).toEqual([]);
    } finally {
      await finish();
    }
  });
});
