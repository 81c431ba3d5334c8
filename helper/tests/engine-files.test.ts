import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { archive, rootfs } from './base-image.ts';
import { ENGINE, startEngine, type TestEngine } from './harness.ts';

const NAMES = ['resolv.conf', 'hosts', 'hostname'];

/** Images that have something of their own where the engine mounts its files. */
describe(`the engine's files on ${ENGINE}`, { timeout: 60_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: false });
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it.each<[string, string]>([
    ['a link to nothing, as systemd-resolved’s', '../run/systemd/resolve/@'],
    ['an absolute link to nothing', '/run/gantry-none/@'],
    ['a link to itself', '@'],
    ['a link to a folder', '/tmp'],
    ['a link into /proc', '/proc/self/status'],
    ['a link to a device', '/dev/null'],
    ['a link to a file', '/etc/passwd'],
    ['a link that leads up', '../../../../../../../run/gantry-none-@'],
  ])('are there though the image has %s', async (_, target) => {
    const links = NAMES.map((name) => ({ name: `etc/${name}`, link: target.replace('@', name) }));
    const layer = await archive(links);
    const tag = 'gantry-test/links:1';
    const base = await rootfs();
    // One archive: the first without its end, two blocks of zeros.
    const imported = await engine.client.ask('POST', `/images/create?fromSrc=-&repo=gantry-test/links&tag=1`, {
      body: Buffer.concat([base.subarray(0, base.length - 1024), layer]),
      headers: { 'Content-Type': 'application/x-tar' },
    });
    expect(imported.text).not.toContain('"error"');
    const look =
      'cd /etc; for f in resolv.conf hosts hostname; do test -L $f && echo $f; done; grep 9.9.9.9 resolv.conf; cat hostname; grep of-test hosts';
    const args = ['--name', 'linked', '--hostname', 'here', '--dns', '9.9.9.9', '--add-host', 'of-test:1.2.3.4'];
    const done = await engine.docker(['run', ...args, '-e', 'PATH=/bin', tag, 'sh', '-c', look]);
    expect(done).toMatchObject({ stdout: 'nameserver 9.9.9.9\nhere\n1.2.3.4\tof-test\n', stderr: '', code: 0 });
    // It is no change of the container's, and none of the host.
    expect((await engine.docker(['diff', 'linked'])).stdout).toBe('');
    expect((await engine.docker(['start', '-a', 'linked'])).stdout).toContain('9.9.9.9');
    await engine.docker(['rm', 'linked']);
    for (const name of NAMES) expect(existsSync(`/run/gantry-none-${name}`)).toBe(false);
  });
});
