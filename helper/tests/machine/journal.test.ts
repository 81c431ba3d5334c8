import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, eventually, onGantry, startEngine, type TestEngine } from '../harness.ts';
import { run } from '../process.ts';

/** Where a journal is: in the virtual machine (npm run test:vm). */
describe('the log driver journald', { timeout: 40_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it.runIf(onGantry)('writes to the journal, and docker logs still reads', async () => {
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
