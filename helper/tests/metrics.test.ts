import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

/** Outside the ephemeral range, so that nobody gets it by chance. */
const PORT = 19_323;

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine({ args: ['--metrics-addr', `127.0.0.1:${PORT}`] });
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

/** `name{labels}` → value. */
function parse(text: string): Map<string, number> {
  const lines = text.split('\n').filter((line) => line && !line.startsWith('#'));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ') + 1))]));
}
const metrics = async () => parse((await engine.client.get('/metrics')).text);

describe.runIf(onGantry)('metrics', () => {
  it('have dockerd’s names and count what was done before and after the first question', async () => {
    const id = await launch(engine.client, {
      Cmd: ['sleep', '1000'],
      Healthcheck: { Test: ['CMD', 'false'], Interval: 50_000_000, Retries: 1, StartPeriod: 0 },
    });
    const answer = await engine.client.get('/metrics');
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    const first = parse(answer.text);
    expect(first.get('engine_daemon_container_states_containers{state="running"}')).toBe(1);
    expect(first.get('engine_daemon_container_actions_seconds_count{action="start"}')).toBe(1);
    expect(first.get('engine_daemon_container_actions_seconds_count{action="commit"}')).toBe(0);
    expect(first.get('engine_daemon_container_actions_seconds_bucket{le="+Inf",action="create"}')).toBe(1);
    expect(first.get('engine_daemon_engine_cpus_cpus')).toBeGreaterThan(0);
    expect(first.get('engine_daemon_events_total')).toBeGreaterThan(1);
    expect([...first.keys()].find((key) => key.startsWith('engine_daemon_engine_info{version="'))).toContain('graphdriver="overlay2"');
    expect(first.get('process_open_fds')).toBeGreaterThan(3);
    await eventually('a check has failed', async () => ((await metrics()).get('engine_daemon_health_checks_failed_total') ?? 0) > 0);
    await engine.client.post(`/containers/${id}/stop?t=0`);
    await waitFor(engine.client, id);
    const last = await metrics();
    expect(last.get('engine_daemon_container_states_containers{state="stopped"}')).toBe(1);
    expect(last.get('engine_daemon_health_checks_total') ?? 0).toBeGreaterThanOrEqual(
      last.get('engine_daemon_health_checks_failed_total') ?? 0,
    );
  });

  it('are told at metrics-addr too, and nothing else is there', async () => {
    const answer = await fetch(`http://127.0.0.1:${PORT}/metrics`);
    expect(answer.status).toBe(200);
    expect(await answer.text()).toContain('engine_daemon_engine_memory_bytes');
    expect((await fetch(`http://127.0.0.1:${PORT}/info`)).status).toBe(404);
    expect((await fetch(`http://127.0.0.1:${PORT}/metrics`, { method: 'POST' })).status).toBe(405);
  });
});
