/** What the host mounts and unmounts while the engine runs (docs/decisions/0013), where its mounts are private and where they are shared. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { type Disk, isGone, mountsOf, OwnHost } from './own-host.ts';

describe.runIf(onGantry).each(['private', 'shared'] as const)('on a host whose mounts are %s', { timeout: 60_000 }, (propagation) => {
  let host: OwnHost;
  let engine: TestEngine;
  let early: Disk;
  const shared = propagation === 'shared';

  beforeAll(async () => {
    host = await OwnHost.start(propagation);
    early = host.plugIn('early');
    engine = await startEngine({ wrap: host.wrap });
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await host?.close();
  }, 60_000);

  const logs = async (id: string): Promise<string> =>
    (await engine.client.get(`/containers/${id}/logs?stdout=1&stderr=1`)).text.replaceAll('\r\n', '\n').trim();
  const bound = (Cmd: string[], ...Binds: string[]) => ({ Cmd, Tty: true, HostConfig: { Binds } });
  async function output(config: Record<string, unknown>): Promise<string> {
    const id = await launch(engine.client, config);
    await waitFor(engine.client, id);
    return logs(id);
  }
  const start = async (id: string) => (await engine.client.post(`/containers/${id}/start`)).json?.message;

  it('neither the engine nor what runs without it keeps a disk that the host had before', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    host.sh(`umount ${early.place}`);
    await isGone(early);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('a disk that came later is in a bind, both ways, and free when the container has ended', async () => {
    const disk = host.plugIn('later');
    expect(await output(bound(['sh', '-c', 'cat /d/name; echo written >/d/new'], `${disk.place}:/d`))).toBe(disk.name);
    expect(host.sh(`cat ${disk.place}/new`)).toBe('written');
    const id = await launch(engine.client, bound(['sleep', '1000'], `${disk.place}:/d`));
    expect(mountsOf(engine.pid).includes(` ${disk.name} `)).toBe(shared);
    await engine.client.delete(`/containers/${id}?force=1`);
    host.sh(`umount ${disk.place}`);
    await isGone(disk);
    expect(await output(bound(['ls', '-A', '/d'], `${disk.place}:/d`))).toBe('');
  });

  it('what is mounted below a bind is in it and stays on the host, unless it is not wanted', async () => {
    const disk = host.plugIn('outer');
    const inner = host.plugIn('outer/inner');
    const mount = (options: object) => ({ Type: 'bind', Source: disk.place, Target: '/d', ReadOnly: true, BindOptions: options });
    const config = (script: string, options = {}) => ({ Cmd: ['sh', '-c', script], Tty: true, HostConfig: { Mounts: [mount(options)] } });
    expect(await output(config('cat /d/inner/name; echo >/d/inner/new && echo written'))).toMatch(
      new RegExp(`^${inner.name}\n.*Read-only file system$`),
    );
    expect(await output(config('echo >/d/inner/new && echo written', { ReadOnlyNonRecursive: true }))).toBe('written');
    expect(await output(config('ls -A /d/inner', { NonRecursive: true }))).toBe('');
    expect(host.sh(`cat ${inner.place}/name`)).toBe(inner.name);
    host.sh(`umount ${inner.place} ${disk.place}`);
    await Promise.all([isGone(disk), isGone(inner)]);
  });

  it('files, sockets, links and folders to be made are found as the host has them', async () => {
    const disk = host.plugIn('kinds');
    const at = (name: string) => `${disk.place}/${name}`;
    host.sh(`cd ${disk.place}; mkdir folder; echo content >folder/file; ln -s ${at('folder')} absolute; ln -s folder/file relative; ln -s absent dangling
      python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('${at('socket')}')"`);
    const read = (name: string) => output(bound(['cat', '/f'], `${at(name)}:/f`));
    expect(await read('folder/file')).toBe('content');
    expect(await read('relative')).toBe('content');
    expect(await read('absolute/file')).toBe('content');
    expect(await output(bound(['ls', '/f'], `${at('absolute')}:/f`))).toBe('file');
    expect(await output(bound(['sh', '-c', 'test -S /s && echo socket'], `${at('socket')}:/s`))).toBe('socket');
    expect(await output(bound(['touch', '/f/made'], `${at('new/folder')}:/f`))).toBe('');
    expect(host.sh(`cd ${disk.place}; ls new/folder; stat -c %a:%u new`)).toBe('made\n755:0');
    expect(await start(await create(engine.client, bound(['true'], `${at('dangling')}:/f`)))).toMatch(
      new RegExp(`creating mount source path '(${at('dangling')})': mkdir \\1: file exists$`),
    );
    const mounting = (Source: string) => ({ Image: BASE, HostConfig: { Mounts: [{ Type: 'bind', Source, Target: '/f' }] } });
    expect((await engine.client.post('/containers/create', mounting(at('absent')))).json.message).toContain(
      'bind source path does not exist',
    );
    host.sh(`umount ${disk.place}`);
    await isGone(disk);
    expect(existsSync(at('new'))).toBe(false);
  });

  it('docker cp, a volume’s device and --device see it, too', async () => {
    const disk = host.plugIn('others');
    host.sh(`mknod ${disk.place}/node c 1 3; truncate -s 8M ${disk.place}/image; mkfs.ext4 -q ${disk.place}/image`);
    const id = await create(engine.client, bound(['true'], `${disk.place}:/d`, `${disk.place}/name:/file`));
    for (const name of ['/d/name', '/file']) expect((await engine.docker(['cp', `${id}:${name}`, '-'])).stdout).toContain(disk.name);
    const device = { PathOnHost: `${disk.place}/node`, PathInContainer: '/dev/mine', CgroupPermissions: 'rwm' };
    expect(await output({ Cmd: ['stat', '-c', '%t:%T', '/dev/mine'], Tty: true, HostConfig: { Devices: [device] } })).toBe('1:3');
    const volume = async (Name: string, options: Record<string, string>) => {
      await engine.client.post('/volumes/create', { Name, DriverOpts: options });
      return output(bound(['ls', '/v'], `${Name}:/v`));
    };
    expect(await volume('bound', { type: 'none', o: 'bind', device: disk.place })).toContain('name');
    expect(await volume('stacked', { type: 'overlay', device: 'overlay', o: `lowerdir=${disk.place}:/etc` })).toContain('name');
    expect(await volume('looped', { type: 'ext4', o: 'loop', device: `${disk.place}/image` })).toBe('lost+found');
    await engine.client.delete(`/containers/${id}`);
    await eventually('the disk is idle', () => host.sh(`umount ${disk.place} 2>/dev/null && echo gone || true`) || undefined);
    await isGone(disk);
  });

  it('a restart by policy looks anew', async () => {
    const disk = host.plugIn('swapped');
    host.sh(`mkdir ${host.folder}/again; echo below >${host.folder}/again/name`);
    const source = `${host.folder}/again`;
    const config = bound(['sh', '-c', 'cat /d/name; sleep 0.1; exit 1'], `${source}:/d`);
    const id = await launch(engine.client, { ...config, HostConfig: { ...config.HostConfig, RestartPolicy: { Name: 'always' } } });
    await eventually('the first run', async () => (await logs(id)).includes('below'));
    host.sh(`mount --move ${disk.place} ${source} 2>/dev/null || mount --bind ${disk.place} ${source}`);
    await eventually('a run with the disk', async () => (await logs(id)).includes(disk.name));
    await engine.client.delete(`/containers/${id}?force=1`);
    host.sh(`umount ${source}; umount ${disk.place} 2>/dev/null || true`);
    await isGone(disk);
  });

  it('propagation is what the host has, and is refused where it has none', async () => {
    const disk = host.plugIn('spread');
    const config = (mode: string) => ({
      Cmd: ['sleep', '1000'],
      HostConfig: { Binds: [`${disk.place}:/d:${mode}`], Privileged: mode === 'rshared' },
    });
    const ask = async (id: string, script: string) => (await engine.docker(['exec', id, 'sh', '-ec', script])).stdout.trim();
    const [slave, peer] = await Promise.all(['rslave', 'rshared'].map((mode) => create(engine.client, config(mode))));
    const refusals = await Promise.all([start(slave ?? ''), start(peer ?? '')]);
    if (shared) {
      expect(refusals).toEqual([undefined, undefined]);
      const inner = host.plugIn('spread/inner');
      for (const id of [slave, peer]) expect(await ask(id ?? '', 'cat /d/inner/name')).toBe(inner.name);
      host.sh(`umount ${inner.place}`);
      await isGone(inner);
      await ask(peer ?? '', 'mkdir /d/own; mount -t tmpfs own /d/own; touch /d/own/file');
      expect(host.sh(`ls ${disk.place}/own`)).toBe('file');
      host.sh(`umount ${disk.place}/own`);
    } else {
      const words = (kind: string) => `path ${disk.place} is mounted on ${disk.place} but it is not a ${kind} mount`;
      expect(refusals).toEqual([expect.stringContaining(words('shared or slave')), expect.stringContaining(words('shared'))]);
    }
    for (const id of [slave, peer]) await engine.client.delete(`/containers/${id}?force=1`);
    host.sh(`umount ${disk.place}`);
    await isGone(disk);
  });

  it('the whole host can be bound, without the engine’s own mounts, and loses nothing by it', async () => {
    const disk = host.plugIn('whole');
    const before = host.sh('cut -d" " -f5 /proc/self/mountinfo | sort');
    const beside = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const shown = await output(bound(['sh', '-c', `cat /host${disk.place}/name; cat /proc/self/mountinfo`], '/:/host'));
    expect(shown.split('\n')[0]).toBe(disk.name);
    expect(shown).not.toContain(`/host${engine.folder}/run/`);
    if (shared) expect(await output(bound(['cat', `/host${disk.place}/name`], '/:/host:rslave'))).toBe(disk.name);
    await engine.client.delete(`/containers/${beside}?force=1`);
    expect(host.sh('cut -d" " -f5 /proc/self/mountinfo | sort')).toBe(before);
    host.sh(`umount ${disk.place}`);
    await isGone(disk);
  });

  it('a folder in the engine’s own is what the engine has there', async () => {
    await engine.client.post('/volumes/create', { Name: 'memory', DriverOpts: { type: 'tmpfs', device: 'tmpfs' } });
    const { Mountpoint } = (await engine.client.get('/volumes/memory')).json;
    const holder = await launch(engine.client, bound(['sh', '-c', 'echo kept >/v/file; sleep 1000'], 'memory:/v'));
    await eventually('the file', async () => (await output(bound(['ls', '/v'], `${Mountpoint}:/v`))) === 'file');
    await engine.client.delete(`/containers/${holder}?force=1`);
  });
});

describe.runIf(onGantry)('copies of the host’s mounts', { timeout: 60_000 }, () => {
  it('are nobody’s any more after an engine was killed while a runtime had them', async () => {
    const host = await OwnHost.start('private');
    const slow = `${host.folder}/slow`;
    // Seen by us, too: what lies in its folder is the host's alone.
    const note = `${host.folder}-pid`;
    const script = `#!/bin/sh\ncase "$*" in *" create "*) echo $$ >${note}; exec sleep 1000;; esac\nexec crun "$@"\n`;
    host.sh(`cat >${slow} <<'EOF'\n${script}EOF\nchmod +x ${slow}`);
    const engine = await startEngine({ wrap: host.wrap, config: { runtimes: { slow: { path: slow } } } });
    let pid = '';
    try {
      // Its monitor keeps the engine's mount namespace.
      const beside = await launch(engine.client, { Cmd: ['sleep', '1000'] });
      const disk = host.plugIn('disk');
      const id = await create(engine.client, { Cmd: ['true'], HostConfig: { Binds: [`${disk.place}:/d`], Runtime: 'slow' } });
      engine.client.post(`/containers/${id}/start`).catch(() => undefined);
      pid = await eventually('the runtime is called', () => (existsSync(note) && readFileSync(note, 'utf8').trim()) || undefined);
      expect(mountsOf(engine.pid)).toContain(` ${disk.name} `);
      await engine.crash();
      process.kill(Number(pid), 'SIGKILL');
      await engine.start();
      host.sh(`umount ${disk.place}`);
      await isGone(disk);
      expect((await engine.client.get(`/containers/${beside}/json`)).json.State.Running).toBe(true);
    } finally {
      rmSync(note, { force: true });
      await engine.stop();
      await host.close();
    }
  });

  it.runIf(existsSync('/dev/fuse'))('wait for a server that is away alone: whoever binds something else goes on', async () => {
    const host = await OwnHost.start('private');
    const engine = await startEngine({ wrap: host.wrap });
    const place = `${host.folder}/away`;
    host.sh(`mkdir ${place} ${host.folder}/here`);
    const server = spawn('nsenter', [...host.wrap.slice(1), 'python3', '-c', silentServer(place)]);
    try {
      await once(server.stdout, 'data');
      const config = (Source: string) => ({ Cmd: ['true'], HostConfig: { Binds: [`${Source}:/d`] } });
      let answered = false;
      const waiting = engine.client.post(`/containers/${await create(engine.client, config(`${place}/x`))}/start`).then((answer) => {
        answered = true;
        return answer;
      });
      const id = await launch(engine.client, config(`${host.folder}/here`));
      expect(await waitFor(engine.client, id)).toBe(0);
      expect(answered).toBe(false);
      // Its end is an error for all who wait for it.
      server.kill('SIGKILL');
      expect((await waiting).status).toBe(400);
    } finally {
      server.kill('SIGKILL');
      host.sh(`umount -l ${place} || true`);
      await engine.stop();
      await host.close();
    }
  });

  it('are not needed: on a kernel that has none, binds are those of the engine’s start', async () => {
    const host = await OwnHost.start('private');
    const early = host.plugIn('early');
    const engine = await startEngine({ wrap: [...host.wrap, 'python3', '-c', withoutCall(428)] });
    try {
      const later = host.plugIn('later');
      const list = async (source: string) => {
        const id = await launch(engine.client, { Cmd: ['ls', '/d'], Tty: true, HostConfig: { Binds: [`${source}:/d`] } });
        await waitFor(engine.client, id);
        return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.trim();
      };
      expect([await list(early.place), await list(later.place)]).toEqual(['name', '']);
    } finally {
      await engine.stop();
      await host.close();
    }
  });
});

/** A Python script that starts a program as on a kernel without a system call, by a filter that answers ENOSYS. */
function withoutCall(number: number): string {
  return `
import ctypes, os, struct, sys
def step(code, jt, jf, k): return struct.pack('HBBI', code, jt, jf, k)
code = step(0x20, 0, 0, 0) + step(0x15, 0, 1, ${number}) + step(0x06, 0, 0, 0x50000 | 38) + step(0x06, 0, 0, 0x7fff0000)
held = ctypes.create_string_buffer(code)
program = struct.pack('HxxxxxxP', 4, ctypes.addressof(held))
assert ctypes.CDLL(None, use_errno=True).prctl(22, 2, ctypes.create_string_buffer(program), 0, 0) == 0
os.execvp(sys.argv[1], sys.argv[1:])`;
}

/** A Python script that mounts a file system of which nothing is ever heard. */
function silentServer(place: string): string {
  return `
import ctypes, os, time
fd = os.open('/dev/fuse', os.O_RDWR)
options = b'fd=%d,rootmode=40000,user_id=0,group_id=0' % fd
assert ctypes.CDLL(None, use_errno=True).mount(b'silent', b'${place}', b'fuse', 0, options) == 0
print('up', flush=True)
time.sleep(1000)`;
}
