import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, ENGINE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { run } from './process.ts';

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

  // In the virtual machine (npm run test:vm), and wherever else systemd runs.
  it.runIf(here && onGantry)('writes to the journal, and docker logs still reads', async () => {
    const name = 'journalled';
    await engine.docker(['run', '--name', name, '--log-driver', 'journald', '--log-opt', 'tag=from {{.Name}}', BASE, 'echo', 'into it']);
    expect((await engine.docker(['logs', name])).stdout).toBe('into it\n');
    const id = (await engine.docker(['inspect', '-f', '{{.Id}}', name])).stdout.trim();
    const entry = await eventually('the journal has it', async () => {
      const { stdout } = await run('journalctl', ['-o', 'json', '--no-pager', `CONTAINER_ID_FULL=${id}`]);
      return stdout.trim() && JSON.parse(stdout.trim().split('\n')[0] ?? '');
    });
    // Older conmons keep the newline.
    const MESSAGE = expect.stringMatching(/^into it\n?$/);
    expect(entry).toMatchObject({ MESSAGE, CONTAINER_NAME: name, CONTAINER_TAG: `from ${name}`, CONTAINER_ID: id.slice(0, 12) });
  });
});
