import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, ENGINE, startEngine, type TestEngine } from './harness.ts';

const here = existsSync('/run/systemd/journal/socket');

describe(`the log driver journald on ${ENGINE}`, { timeout: 40_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it.skipIf(here)('is refused at the start where there is no journal', async () => {
    expect((await engine.docker(['create', '--name', 'unstartable', '--log-driver', 'journald', BASE])).code).toBe(0);
    const started = await engine.docker(['start', 'unstartable']);
    expect(started.stderr).toContain('failed to initialize logging driver: journald is not enabled on this host');
  });
});
