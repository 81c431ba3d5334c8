import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasEnded } from '../system/process/ended.ts';
import { BASE, create, eventually, launch, startEngine, type TestEngine } from './harness.ts';

const RUNS = { Cmd: ['sleep', '1000'], StopSignal: 'SIGKILL' };

/** What a container reads from its volume `name` on /v. */
async function reads(engine: TestEngine, name: string, file = '/v/x', mount = '/v'): Promise<string> {
  const { stdout, stderr } = await engine.docker(['run', '--rm', '-v', `${name}:${mount}`, BASE, 'cat', file]);
  return stdout.trim() || stderr.trim();
}

const tmpfs = (engine: TestEngine, name: string): Promise<unknown> =>
  engine.client.post('/volumes/create', { Name: name, DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });

/** A running container that has written its name into the volume. */
async function writer(engine: TestEngine, volume: string): Promise<string> {
  const id = await launch(engine.client, {
    ...RUNS,
    Cmd: ['sh', '-c', 'echo kept > /v/x; mkdir -p /v/sub; echo part > /v/sub/y; exec sleep 1000'],
    HostConfig: { Binds: [`${volume}:/v`] },
  });
  await eventually('the files are there', async () => (await engine.docker(['exec', id, 'cat', '/v/sub/y'])).stdout === 'part\n');
  return id;
}

const mountsOf = (pid: number | string): string => readFileSync(`/proc/${pid}/mountinfo`, 'utf8');
const monitorOf = async (engine: TestEngine, id: string): Promise<string> => {
  const { Pid } = (await engine.client.get(`/containers/${id}/json`)).json.State;
  return /^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${Pid}/status`, 'utf8'))?.[1] ?? '';
};

describe('what volumes mount, when the engine is killed', () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine();
  });
  afterAll(() => engine.stop());

  it('is there for the next container, as long as one runs that has it, and no longer', async () => {
    await tmpfs(engine, 'mem');
    const other = await launch(engine.client, RUNS);
    const first = await writer(engine, 'mem');
    await engine.crash();
    await engine.start();
    expect(await reads(engine, 'mem')).toBe('kept');
    // One that sees but a part of it, read-only, is all that the engine after that has to go by.
    const part = await launch(engine.client, {
      ...RUNS,
      HostConfig: { Mounts: [{ Type: 'volume', Source: 'mem', Target: '/p', ReadOnly: true, VolumeOptions: { Subpath: 'sub' } }] },
    });
    await engine.client.post(`/containers/${first}/stop`);
    await engine.crash();
    await engine.start();
    expect(await reads(engine, 'mem')).toBe('kept');
    expect((await engine.docker(['run', '--rm', '-v', 'mem:/v', BASE, 'sh', '-c', 'echo more > /v/z; cat /v/z'])).stdout).toBe('more\n');
    expect((await engine.docker(['exec', part, 'cat', '/p/y'])).stdout).toBe('part\n');
    // The other container's monitor keeps the first engine's mounts, where nobody would see them.
    const { Mountpoint } = (await engine.client.get('/volumes/mem')).json;
    expect(mountsOf(await monitorOf(engine, other))).toContain(Mountpoint);
    await engine.client.post(`/containers/${part}/stop`);
    for (const pid of [engine.pid, await monitorOf(engine, other)]) expect(mountsOf(pid)).not.toContain(Mountpoint);
    expect(await reads(engine, 'mem')).toContain("can't open");
  });

  it('goes with its last container, also when that ends while there is no engine', async () => {
    await tmpfs(engine, 'mem2');
    const other = await launch(engine.client, RUNS);
    const first = await writer(engine, 'mem2');
    const { Mountpoint } = (await engine.client.get('/volumes/mem2')).json;
    const { Pid } = (await engine.client.get(`/containers/${first}/json`)).json.State;
    await engine.crash();
    process.kill(Pid, 'SIGKILL');
    await eventually('its end', () => hasEnded(Pid));
    await engine.start();
    for (const pid of [engine.pid, await monitorOf(engine, other)]) expect(mountsOf(pid)).not.toContain(Mountpoint);
    await engine.client.post(`/containers/${first}/start`);
    expect(await eventually('the file of the new run', async () => (await reads(engine, 'mem2')) === 'kept')).toBe(true);
  });

  it('takes relative places of an image for places below its root, and says of a file that it is no folder', async () => {
    const id = await create(engine.client, { Volumes: { 'data/x': {} }, HostConfig: { AutoRemove: true } });
    const { Mounts } = (await engine.client.get(`/containers/${id}/json`)).json;
    expect(Mounts).toMatchObject([{ Type: 'volume', Destination: '/data/x' }]);
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    const file = (binds: string[]) => engine.client.post('/containers/create', { Image: BASE, HostConfig: { Binds: binds } });
    expect(await file(['file:/bin/busybox'])).toMatchObject({
      status: 500,
      json: { message: expect.stringMatching(/^source \S+\/bin\/busybox is not directory$/) },
    });
    expect((await file(['file:/bin/busybox:nocopy'])).status).toBe(201);
  });

  it('keeps in the container what its own options forbid', async () => {
    const options = (id: string) => engine.docker(['exec', id, 'sh', '-c', "grep ' /v ' /proc/mounts | cut -d' ' -f4"]);
    const make = (name: string, ...words: string[]) => engine.docker(['volume', 'create', name, ...words.flatMap((word) => ['-o', word])]);
    await make('safe', 'type=tmpfs', 'device=tmpfs', 'o=nosuid,nodev,noexec');
    const safe = await launch(engine.client, { ...RUNS, HostConfig: { Binds: ['safe:/v'] } });
    expect((await options(safe)).stdout).toMatch(/^rw,nosuid,nodev,noexec,/);
    const { Mountpoint } = (await engine.client.get('/volumes/safe')).json;
    const bound = await launch(engine.client, { ...RUNS, HostConfig: { Binds: [`${Mountpoint}:/v`] } });
    expect((await options(bound)).stdout).toMatch(/^rw,nosuid,nodev,noexec,/);
    await make('fixed', 'type=none', `device=${engine.folder}`, 'o=bind,ro');
    expect((await engine.docker(['run', '--rm', '-v', 'fixed:/v', BASE, 'touch', '/v/x'])).stderr).toContain('Read-only file system');
    await make('share', 'type=cifs', 'device=//127.0.0.1/x', 'o=addr=127.0.0.1,rw,password=secret');
    expect((await engine.docker(['run', '--rm', '-v', 'share:/v', BASE, 'true'])).stderr).toMatch(
      /data: addr=127.0.0.1,password=\*{8}: \S/,
    );
  });

  it('is mounted for a look into a container that does not run, and for nothing else', async () => {
    await tmpfs(engine, 'mem3');
    const id = await create(engine.client, { HostConfig: { Binds: ['mem3:/v'] } });
    const { Mountpoint } = (await engine.client.get('/volumes/mem3')).json;
    expect(mountsOf(engine.pid)).not.toContain(Mountpoint);
    expect((await engine.docker(['cp', `${id}:/v`, '-'])).code).toBe(0);
    await eventually('the unmounting', () => !mountsOf(engine.pid).includes(Mountpoint));
    await engine.docker(['volume', 'create', 'bad', '-o', 'type=none', '-o', 'o=bind', '-o', 'device=/nowhere/at/all']);
    const bad = await create(engine.client, { HostConfig: { Binds: ['bad:/not-in-the-image'] } });
    const { Mountpoint: badPlace } = (await engine.client.get('/volumes/bad')).json;
    const words = `error while mounting volume '${badPlace}': failed to mount local volume: mount /nowhere/at/all:${badPlace}, flags: 0x1000: no such file or directory`;
    expect((await engine.client.post(`/containers/${bad}/start`)).json.message).toBe(words);
    expect((await engine.docker(['cp', `${bad}:/etc/passwd`, '-'])).stderr).toContain(words);
  });
});

describe('on a host whose mounts are shared', () => {
  let host: ChildProcess;
  let engine: TestEngine;
  beforeAll(async () => {
    host = spawn('unshare', ['-m', '--propagation', 'shared', 'sleep', '1000'], { stdio: 'ignore' });
    await eventually('the namespace', () => mountsOf(host.pid ?? 0).includes('shared:'));
    engine = await startEngine({ wrap: ['nsenter', `--mount=/proc/${host.pid}/ns/mnt`] });
  });
  afterAll(async () => {
    await engine.stop();
    host.kill();
  });

  it('what volumes mount is the host’s, too, once, and goes with the last container', async () => {
    await tmpfs(engine, 'mem');
    const first = await writer(engine, 'mem');
    const { Mountpoint } = (await engine.client.get('/volumes/mem')).json;
    const onHost = (): number => mountsOf(host.pid ?? 0).split(` ${Mountpoint} `).length - 1;
    expect(onHost()).toBe(1);
    await engine.crash();
    await engine.start();
    expect(await reads(engine, 'mem')).toBe('kept');
    expect(onHost()).toBe(1);
    await engine.client.post(`/containers/${first}/stop`);
    expect(onHost()).toBe(0);
  });
});
