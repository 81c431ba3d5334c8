/** What a volume gets of an image, keeps, and is counted and cleared as. */
import { execFileSync } from 'node:child_process';
import { lstatSync, readlinkSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, ENGINE, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const volume = (body: object) => engine.client.post('/volumes/create', body);
const names = async (filters: object, at = engine.client): Promise<string[]> =>
  ((await at.get(`/volumes?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json.Volumes ?? [])
    .map(({ Name }: { Name: string }) => Name)
    .sort();
const prune = async (filters: object, at = engine.client) =>
  at.post(`/volumes/prune?filters=${encodeURIComponent(JSON.stringify(filters))}`);

/** cap_net_raw+ep, as `setcap` writes it. */
const CAPABILITY = '0100000200200000000000000000000000000000';

describe(`volumes on ${ENGINE}`, { timeout: 60_000 }, () => {
  it('get from the image what lies there: owners, modes, times, links, attributes, pipes and devices', async () => {
    const script = `mkdir -p /src/in && cd /src && echo text >file && chown 12:34 file && chmod 4750 file && ln file hard && ln -s ../etc/passwd link
      ln -s nowhere dangling; mkfifo pipe; mknod null c 1 3; echo in >in/file; chmod 1777 in; chown 5:6 in; touch -d '2001-02-03 04:05:06' in/file
      chown 7:8 /src; chmod 2711 /src; echo made; sleep 1000`;
    const maker = await launch(engine.client, { Cmd: ['sh', '-c', script] });
    await eventually('all is made', async () => (await engine.client.get(`/containers/${maker}/logs?stdout=1`)).text.includes('made'));
    const { Pid } = (await engine.client.get(`/containers/${maker}/json`)).json.State;
    execFileSync('python3', [
      '-c',
      `import os; os.chdir('/proc/${Pid}/root/src'); os.setxattr('in/file', 'security.capability', bytes.fromhex('${CAPABILITY}'))`,
    ]);
    await engine.client.post(`/commit?container=${maker}&repo=contents`);
    await engine.client.delete(`/containers/${maker}?force=1`);
    const id = await launch(engine.client, { Image: 'contents', Cmd: ['true'], HostConfig: { Binds: ['filled:/src'] } });
    await waitFor(engine.client, id);
    const { Mountpoint } = (await engine.client.get('/volumes/filled')).json;
    const at = (name: string) => lstatSync(path.join(Mountpoint, name));
    const short = (name: string) => `${at(name).uid}:${at(name).gid} ${(at(name).mode & 0o7777).toString(8)}`;
    expect([short('.'), short('in'), short('file')]).toEqual(['7:8 2711', '5:6 1777', '12:34 4750']);
    expect([readlinkSync(path.join(Mountpoint, 'link')), readlinkSync(path.join(Mountpoint, 'dangling'))]).toEqual([
      '../etc/passwd',
      'nowhere',
    ]);
    expect(at('hard').ino).toBe(at('file').ino);
    expect([at('pipe').isFIFO(), at('null').isCharacterDevice(), at('null').rdev]).toEqual([true, true, 0x103]);
    expect(at('in/file').mtime.toISOString()).toBe('2001-02-03T04:05:06.000Z');
    const read = 'import os, sys; print(os.getxattr(sys.argv[1], "security.capability").hex())';
    expect(execFileSync('python3', ['-c', read, path.join(Mountpoint, 'in/file')]).toString()).toBe(`${CAPABILITY}\n`);
    // Sizes as files say them, a hard link counted once, folders not.
    const { Volumes } = (await engine.client.get('/system/df?type=volume')).json;
    const found = Volumes.find(({ Name }: { Name: string }) => Name === 'filled');
    const links = '../etc/passwd'.length + 'nowhere'.length;
    expect(found.UsageData).toEqual({ RefCount: 1, Size: 'text\n'.length + 'in\n'.length + links });
    await engine.client.delete(`/containers/${id}`);
    await engine.client.delete('/volumes/filled');
    await engine.client.delete('/images/contents');
  });

  it('that have something keep it, and are not filled a second time', async () => {
    const run = async (Cmd: string[]): Promise<void> => {
      await waitFor(engine.client, await launch(engine.client, { Cmd, HostConfig: { Binds: ['once:/usr'] } }));
    };
    // What the image has there went into it, and goes.
    await run(['sh', '-c', 'rm -rf /usr/* /usr/.[!.]*; echo own >/usr/own']);
    await run(['true']);
    const { Mountpoint } = (await engine.client.get('/volumes/once')).json;
    expect(execFileSync('ls', [Mountpoint]).toString()).toBe('own\n');
  });

  it('made twice are the first, whatever is asked the second time, but not by another driver', async () => {
    const first = await volume({ Name: 'twice', Labels: { a: '1' } });
    const second = await volume({ Name: 'twice', Labels: { b: '2' }, DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    expect([first.status, second.status, second.json]).toEqual([201, 201, first.json]);
    expect((await volume({ Name: 'twice', Driver: 'other' })).status).toBe(404);
    await engine.client.delete('/volumes/twice');
  });

  it('are refused for names and options that can not be, and take all others', async () => {
    const refusal = async (body: object) => {
      const { status, json } = await volume(body);
      return `${status} ${json.message}`;
    };
    expect(await refusal({ Name: 'x' })).toBe(
      '400 create x: volume name is too short, names should be at least two alphanumeric characters',
    );
    for (const Name of ['-x', '.x', '_x', 'a/b', 'a b', 'ü1', '..']) {
      expect(await refusal({ Name })).toMatch(/^400 create .*includes invalid characters for a local volume name/);
    }
    for (const Name of ['a..b', '0_.-', 'Upper', 'x'.repeat(200)]) {
      expect((await volume({ Name })).status).toBe(201);
      expect((await engine.client.delete(`/volumes/${Name}`)).status).toBe(204);
    }
    const option = (DriverOpts: object) => refusal({ Name: 'opt', DriverOpts });
    expect(await option({ nosuch: 'x' })).toBe('400 create opt: invalid option: "nosuch"');
    expect(await option({ type: 'tmpfs' })).toBe('400 create opt: missing required option: "device"');
    expect(await option({ size: 'many' })).toBe(`${onGantry ? 400 : 500} create opt: invalid size: 'many'`);
    expect(await option({ size: '1g' })).toBe('400 create opt: quota size requested but no quota support');
    expect((await engine.client.get('/volumes/opt')).status).toBe(404);
    expect((await volume({ Name: 'opt', DriverOpts: { size: '0k' } })).status).toBe(201);
    await engine.client.delete('/volumes/opt');
  });

  it('are found by name, label, driver and use, and by all of them', async () => {
    await volume({ Name: 'web-1', Labels: { tier: 'web', empty: '' } });
    await volume({ Name: 'web-2', Labels: { tier: 'db' } });
    const user = await create(engine.client, { HostConfig: { Binds: ['web-1:/v'] } });
    expect(await names({ name: ['web'] })).toEqual(['web-1', 'web-2']);
    expect(await names({ name: ['^eb-1', 'b-2$'] })).toEqual(['web-2']);
    expect(await names({ label: ['tier'] })).toEqual(['web-1', 'web-2']);
    expect(await names({ label: ['tier=db'] })).toEqual(['web-2']);
    expect(await names({ label: ['tier', 'empty'] })).toEqual(['web-1']);
    expect(await names({ label: ['empty='] })).toEqual(['web-1']);
    expect(await names({ name: ['web'], dangling: ['true'] })).toEqual(['web-2']);
    expect(await names({ name: ['web'], dangling: ['0'] })).toEqual(['web-1']);
    expect(await names({ name: ['web'], driver: ['local'] })).toEqual(['web-1', 'web-2']);
    expect(await names({ name: ['web'], driver: ['other'] })).toEqual([]);
    const bad = await engine.client.get(`/volumes?filters=${encodeURIComponent('{"nosuch":["x"]}')}`);
    expect([bad.status, bad.json.message]).toEqual([400, expect.stringMatching(/invalid filter 'nosuch'/i)]);
    expect((await engine.client.delete('/volumes/web-1')).json.message).toBe(`remove web-1: volume is in use - [${user}]`);
    await engine.client.delete(`/containers/${user}`);
    for (const name of ['web-1', 'web-2']) await engine.client.delete(`/volumes/${name}`);
  });

  // Newer than the dockerd of stable distributions.
  it.runIf(onGantry)('are pruned by kind, label and version, and never those that are used or mount something', async () => {
    await prune({ all: ['1'] });
    const fill = async (): Promise<void> => {
      await volume({ Labels: { kept: 'no' } });
      await volume({ Name: 'named', Labels: { keep: 'me', tier: 'web' } });
      await volume({ Name: 'plain' });
      await volume({ Name: 'called-anonymous', Labels: { 'com.docker.volume.anonymous': '' } });
      await volume({ Name: 'mounts', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
      await volume({ Name: 'used' });
    };
    const user = await create(engine.client, { HostConfig: { Binds: ['used:/v'] } });
    const deleted = async (filters: object, at = engine.client): Promise<string[]> => {
      await fill();
      const { json } = await prune(filters, at);
      return json.VolumesDeleted.map((name: string) => name.replace(/^[0-9a-f]{64}$/, 'anonymous')).sort();
    };
    expect(await deleted({})).toEqual(['anonymous', 'called-anonymous']);
    expect(await deleted({ all: ['false'] })).toEqual(['anonymous', 'called-anonymous']);
    expect(await deleted({ label: ['tier=web'] })).toEqual([]);
    expect(await deleted({ all: ['true'], label: ['tier=web'] })).toEqual(['named']);
    expect(await deleted({ all: ['true'], 'label!': ['keep=me'] })).toEqual([
      'anonymous',
      'anonymous',
      'anonymous',
      'called-anonymous',
      'plain',
    ]);
    expect(await deleted({ all: ['1'] })).toEqual(['anonymous', 'called-anonymous', 'named', 'plain']);
    expect(await deleted({}, engine.at('1.41'))).toEqual(['anonymous', 'called-anonymous', 'named', 'plain']);
    expect(await deleted({ 'label!': ['keep'] }, engine.at('1.41'))).toEqual(['anonymous', 'called-anonymous', 'plain']);
    expect(await names({})).toEqual(expect.arrayContaining(['mounts', 'named', 'used']));
    const bad = await prune({ all: ['maybe'] });
    expect([bad.status, bad.json.message]).toEqual([400, expect.stringContaining("invalid filter 'all'")]);
    expect((await prune({ all: ['1', '0'] })).json.message).toContain('only one value is expected');
    await engine.client.delete(`/containers/${user}`);
  });

  it.runIf(onGantry)('count in df by their files, freed by a prune', async () => {
    await prune({ all: ['1'] });
    const id = await launch(engine.client, {
      Cmd: ['dd', 'if=/dev/zero', 'of=/v/file', 'bs=1000', 'count=3'],
      HostConfig: { Binds: ['counted:/v'] },
    });
    await waitFor(engine.client, id);
    await engine.client.delete(`/containers/${id}`);
    const { Volumes } = (await engine.client.get('/system/df?type=volume')).json;
    expect(Volumes.find(({ Name }: { Name: string }) => Name === 'counted').UsageData).toEqual({ RefCount: 0, Size: 3000 });
    expect((await prune({ all: ['1'] })).json).toEqual({ VolumesDeleted: ['counted'], SpaceReclaimed: 3000 });
  });

  it.runIf(onGantry)('are there in part: a folder, a file, nothing that is not there', async () => {
    const filled = await launch(engine.client, {
      Cmd: ['sh', '-c', 'mkdir -p /v/a/b; echo text >/v/a/b/file'],
      HostConfig: { Binds: ['parts:/v'] },
    });
    await waitFor(engine.client, filled);
    const part = (Subpath: string, cmd: string[]) => ({
      Cmd: cmd,
      Tty: true,
      HostConfig: { Mounts: [{ Type: 'volume', Source: 'parts', Target: '/p', VolumeOptions: { Subpath } }] },
    });
    const shown = async (subpath: string, ...cmd: string[]): Promise<string> => {
      const id = await launch(engine.client, part(subpath, cmd));
      await waitFor(engine.client, id);
      return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.trim();
    };
    expect(await shown('a/b', 'ls', '/p')).toBe('file');
    expect(await shown('a/b/file', 'cat', '/p')).toBe('text');
    expect(await shown('a/../a/b', 'ls', '/p')).toBe('file');
    const missing = await engine.client.post(`/containers/${await create(engine.client, part('no/such', ['true']))}/start`);
    expect([missing.status, missing.json.message]).toEqual([400, expect.stringContaining('cannot access path')]);
    for (const outside of ['..', '/a', 'a/../../b']) {
      const refused = await engine.client.post('/containers/create', { Image: BASE, ...part(outside, ['true']) });
      expect([refused.status, refused.json.message]).toEqual([400, expect.stringContaining('must be a relative path within the volume')]);
    }
  });
});
