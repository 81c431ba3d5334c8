/** Binds, subpaths of volumes, mounted images: what the clients' suites found here while they passed on dockerd (see client-suites). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, ENGINE, launch, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

async function output(config: Record<string, unknown>): Promise<string> {
  const id = await launch(engine.client, { Tty: true, ...config });
  await waitFor(engine.client, id);
  return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.replaceAll('\r\n', '\n');
}

describe(`mounts on ${ENGINE}: binds and volumes`, { timeout: 30_000 }, () => {
  it('a bind that is not recursive has nothing of what is mounted below it', async () => {
    const config = (options: object) => ({
      Cmd: ['grep', '-c', ' /host/shm', '/proc/self/mountinfo'],
      HostConfig: { Mounts: [{ Type: 'bind', Source: '/dev', Target: '/host', BindOptions: options }] },
    });
    expect(Number(await output(config({})))).toBeGreaterThan(0);
    expect(await output(config({ NonRecursive: true }))).toBe('0\n');
  });

  it('before 1.44, a read-only bind left what is mounted below it writable', async () => {
    const config = {
      Image: BASE,
      Cmd: ['grep', ' /host/shm', '/proc/self/mountinfo'],
      Tty: true,
      HostConfig: { Binds: ['/dev:/host:ro'] },
    };
    for (const [version, mode] of Object.entries({ '1.43': 'rw', '1.44': 'ro' })) {
      const { Id } = (await engine.client.post(`/v${version}/containers/create`, config)).json;
      await engine.client.post(`/containers/${Id}/start`);
      await waitFor(engine.client, Id);
      const [mount = ''] = (await engine.client.get(`/containers/${Id}/logs?stdout=1`)).text.split('\n');
      expect(mount.split(' ')[5]).toMatch(new RegExp(`^${mode}`));
    }
  });

  it('a bind with the engine’s own folder is a slave, so that it keeps nothing busy', async () => {
    const config = (bind: string) => ({ Image: BASE, Cmd: ['true'], HostConfig: { Binds: [bind] } });
    const { Id } = (await engine.client.post('/containers/create', config('/:/host:ro'))).json;
    expect((await engine.client.get(`/containers/${Id}/json`)).json.Mounts[0].Propagation).toBe('rslave');
    expect((await engine.client.post(`/containers/${Id}/start`)).status).toBe(204);
    const refused = await engine.client.post('/containers/create', config('/:/host:private'));
    expect([refused.status, refused.json.message]).toEqual([
      400,
      expect.stringContaining('must use either propagation mode "rslave" or "rshared"'),
    ]);
  });

  it('a subpath that leads out of its volume is refused', async () => {
    const mounts = (Subpath: string) => ({
      HostConfig: { Mounts: [{ Type: 'volume', Source: 'leading-out', Target: '/v', VolumeOptions: { Subpath } }] },
    });
    const links = 'mkdir /w/in; ln -s / /w/out; ln -s in /w/good';
    await output({ Cmd: ['sh', '-c', links], HostConfig: { Binds: ['leading-out:/w'] } });
    const start = async (subpath: string) =>
      engine.client.post(`/containers/${await create(engine.client, { Cmd: ['true'], ...mounts(subpath) })}/start`);
    expect((await start('good')).status).toBe(204);
    const refused = await start('out');
    expect([refused.status, refused.json.message]).toEqual([400, expect.stringContaining('path concatenation escapes the base directory')]);
  });

  it('an empty folder of a volume gets what the image has at its place', async () => {
    await output({ Cmd: ['mkdir', '/w/one', '/w/other'], HostConfig: { Binds: ['copied-into:/w'] } });
    const mount = { Type: 'volume', Source: 'copied-into', Target: '/etc' };
    const config = (options: object) => ({
      Cmd: ['/bin/ls', '/etc/passwd'],
      HostConfig: { Mounts: [{ ...mount, VolumeOptions: options }] },
    });
    expect(await output(config({ Subpath: 'one', NoCopy: true }))).toContain('No such file');
    expect(await output(config({ Subpath: 'other' }))).toBe('/etc/passwd\n');
  });
});

describe(`mounts on ${ENGINE}: images`, { timeout: 30_000 }, () => {
  it('are looked for when the container is made, and stay while it does', async () => {
    const mounting = (Source: string) => ({ HostConfig: { Mounts: [{ Type: 'image', Source, Target: '/other' }] }, Cmd: ['ls', '/other'] });
    const missing = await engine.client.post('/containers/create', { Image: BASE, ...mounting('suites-missing') });
    expect([missing.status, missing.json.message]).toEqual([404, expect.stringMatching(/No such image: suites-missing/)]);
    const source = await create(engine.client, {});
    await engine.client.post(`/commit?container=${source}&repo=suites-mounted`);
    const id = await create(engine.client, mounting('suites-mounted'));
    const refused = await engine.client.delete('/images/suites-mounted');
    expect([refused.status, refused.json.message]).toEqual([409, expect.stringContaining(id.slice(0, 12))]);
    await engine.client.post(`/containers/${id}/start`);
    expect(await waitFor(engine.client, id)).toBe(0);
    for (const each of [id, source]) await engine.client.delete(`/containers/${each}?force=1`);
    expect((await engine.client.delete('/images/suites-mounted')).status).toBe(200);
  });
});
