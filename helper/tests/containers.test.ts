import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toNanos } from '../engine/instant.ts';
import { archive } from './base-image.ts';
import { BASE, create, ENGINE, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;
/** What a command prints, in a container of its own. */
async function output(config: Record<string, unknown>): Promise<string> {
  const id = await launch(engine.client, { Tty: true, ...config });
  await waitFor(engine.client, id);
  return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.replaceAll('\r\n', '\n');
}

describe(`containers on ${ENGINE}`, { timeout: 30_000 }, () => {
  it('go from created over running to exited, and inspect tells', async () => {
    const id = await create(engine.client, { name: 'states', Cmd: ['sh', '-c', 'exit 7'], Labels: { a: 'b' } });
    expect(id).toMatch(/^[0-9a-f]{64}$/);
    expect((await inspect(id)).State).toMatchObject({ Status: 'created', Running: false, Pid: 0, StartedAt: '0001-01-01T00:00:00Z' });
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    expect(await waitFor(engine.client, id)).toBe(7);
    const after = await inspect('states');
    expect(after).toMatchObject({ Id: id, Name: '/states', Path: 'sh', Args: ['-c', 'exit 7'], RestartCount: 0, Driver: 'overlay2' });
    expect(after.State).toMatchObject({ Status: 'exited', Running: false, ExitCode: 7, OOMKilled: false, Error: '' });
    // As text they don't compare: zeros at the end are cut.
    expect(toNanos(after.State.FinishedAt)).toBeGreaterThan(toNanos(after.State.StartedAt));
    expect(after.Config).toMatchObject({ Image: BASE, Labels: { a: 'b', made: 'by-test' }, Hostname: id.slice(0, 12) });
  });

  it('start twice gives 304, stop when stopped gives 304', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(304);
    expect((await engine.client.post(`/containers/${id}/stop?t=0`)).status).toBe(204);
    expect((await engine.client.post(`/containers/${id}/stop`)).status).toBe(304);
    expect((await inspect(id)).State.ExitCode).toBe(137);
  });

  it("stop sends the container's StopSignal, then SIGKILL after the time-out", async () => {
    const trap = 'trap "exit 3" USR1; trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done';
    const id = await launch(engine.client, { Cmd: ['sh', '-c', trap], StopSignal: 'SIGUSR1' });
    await ready(id);
    await engine.client.post(`/containers/${id}/stop`);
    expect((await inspect(id)).State.ExitCode).toBe(3);
    const deaf = await launch(engine.client, { Cmd: ['sh', '-c', 'trap "" TERM; echo ready; while :; do sleep 0.05; done'] });
    await ready(deaf);
    await engine.client.post(`/containers/${deaf}/stop?t=1`);
    expect((await inspect(deaf)).State.ExitCode).toBe(137);
  });

  it('kill takes signals by name and number', async () => {
    for (const [signal, code] of [
      ['SIGTERM', 4],
      ['USR1', 3],
      ['10', 3],
    ] as const) {
      const id = await launch(engine.client, {
        Cmd: ['sh', '-c', 'trap "exit 3" USR1; trap "exit 4" TERM; echo ready; while :; do sleep 0.05; done'],
      });
      await ready(id);
      const waiting = waitFor(engine.client, id);
      expect((await engine.client.post(`/containers/${id}/kill?signal=${signal}`)).status).toBe(204);
      expect(await waiting).toBe(code);
    }
  });

  it('restart gives a new process and keeps the writable layer', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', 'cat /mark; echo there > /mark; sleep 1000'], Tty: true });
    await engine.client.get(`/containers/${id}/logs?stdout=1`);
    const before = (await inspect(id)).State;
    expect((await engine.client.post(`/containers/${id}/restart?t=0`)).status).toBe(204);
    const after = (await inspect(id)).State;
    expect(after.Running).toBe(true);
    expect(after.Pid).not.toBe(before.Pid);
    expect(after.StartedAt > before.StartedAt).toBe(true);
  });

  it('pause freezes, unpause thaws', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    expect((await engine.client.post(`/containers/${id}/pause`)).status).toBe(204);
    expect((await inspect(id)).State).toMatchObject({ Status: 'paused', Paused: true, Running: true });
    expect((await engine.client.post(`/containers/${id}/pause`)).status).toBe(409);
    expect((await engine.client.post(`/containers/${id}/unpause`)).status).toBe(204);
    expect((await inspect(id)).State).toMatchObject({ Status: 'running', Paused: false });
    expect((await engine.client.post(`/containers/${id}/unpause`)).json.message).toMatch(/is not paused/);
  });

  it('rename frees the old name', async () => {
    const id = await create(engine.client, { name: 'old-name' });
    expect((await engine.client.post(`/containers/${id}/rename?name=new-name`)).status).toBe(204);
    expect((await inspect('new-name')).Id).toBe(id);
    expect((await engine.client.get('/containers/old-name/json')).status).toBe(404);
    await create(engine.client, { name: 'old-name' });
  });

  it('wait tells the next exit, and removal', async () => {
    const id = await create(engine.client, { Cmd: ['sh', '-c', 'exit 5'], HostConfig: { AutoRemove: true } });
    const next = engine.client.post(`/containers/${id}/wait?condition=next-exit`);
    const removed = engine.client.open('POST', `/containers/${id}/wait?condition=removed`);
    await removed;
    await engine.client.post(`/containers/${id}/start`);
    expect((await next).json).toMatchObject({ StatusCode: 5 });
    let text = '';
    for await (const chunk of (await removed).setEncoding('utf8')) text += chunk;
    expect(JSON.parse(text)).toMatchObject({ StatusCode: 5 });
    expect((await engine.client.get(`/containers/${id}/json`)).status).toBe(404);
  });

  it('a restart policy restarts on failure, so often and no more', async () => {
    const id = await create(engine.client, {
      Cmd: ['sh', '-c', 'exit 3'],
      HostConfig: { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 2 } },
    });
    const events = await engine.client.open(
      'GET',
      `/events?filters=${encodeURIComponent(JSON.stringify({ container: [id], event: ['die'] }))}`,
    );
    await engine.client.post(`/containers/${id}/start`);
    let deaths = 0;
    for await (const chunk of events.setEncoding('utf8')) {
      deaths += (chunk as string).split('\n').filter(Boolean).length;
      if (deaths >= 3) break;
    }
    await waitFor(engine.client, id);
    expect(await inspect(id)).toMatchObject({ RestartCount: 2, State: { Status: 'exited', ExitCode: 3 } });
  });

  it('list filters and limits', async () => {
    const id = await launch(engine.client, { name: 'listed', Cmd: ['sleep', '1000'], Labels: { role: 'list' } });
    const ask = async (filters: object) =>
      (await engine.client.get(`/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify(filters))}`)).json.map(
        ({ Id }: { Id: string }) => Id,
      );
    expect(await ask({ label: ['role=list'] })).toEqual([id]);
    expect(await ask({ name: ['listed'] })).toEqual([id]);
    expect(await ask({ id: [id.slice(0, 8)] })).toEqual([id]);
    expect(await ask({ label: ['role=list'], status: ['exited'] })).toEqual([]);
    expect(await ask({ ancestor: [BASE], label: ['role'] })).toEqual([id]);
    expect((await engine.client.get('/containers/json?limit=1')).json).toHaveLength(1);
    const [entry] = (await engine.client.get(`/containers/json?filters=${encodeURIComponent(JSON.stringify({ id: [id] }))}&size=1`)).json;
    expect(entry).toMatchObject({
      Names: ['/listed'],
      Image: BASE,
      Command: 'sleep 1000',
      State: 'running',
      Status: expect.stringMatching(/^Up /),
      Ports: [],
      SizeRootFs: expect.any(Number),
      HostConfig: { NetworkMode: expect.stringMatching(/^(default|bridge)$/) },
    });
  });

  it('remove refuses a running container unless forced', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const refused = await engine.client.delete(`/containers/${id}`);
    expect(refused.status).toBe(409);
    expect(refused.json.message).toMatch(/running/);
    expect((await engine.client.delete(`/containers/${id}?force=1`)).status).toBe(204);
    expect((await engine.client.get(`/containers/${id}/json`)).status).toBe(404);
  });

  it('the process gets its environment, user, directory and host name', async () => {
    expect(
      await output({
        Cmd: ['sh', '-c', 'echo $A $HOME; id; pwd; hostname'],
        Env: ['A=b c'],
        User: 'alice',
        WorkingDir: '/tmp/made',
        Hostname: 'web',
      }),
    ).toBe(
      'b c /home\nuid=1000(alice) gid=1000(alice) groups=1000(alice),10(wheel)\n/tmp/made\nweb\n'.replace(
        'groups=1000(alice),10(wheel)',
        'groups=10(wheel),1000(alice)',
      ),
    );
  });

  it('entrypoint and command add up', async () => {
    expect(await output({ Entrypoint: ['echo', 'one'], Cmd: ['two'] })).toBe('one two\n');
  });

  it('limits, capabilities and masks hold', async () => {
    const text = await output({
      Cmd: [
        'sh',
        '-c',
        'grep CapEff /proc/self/status; grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status; touch /x; cat /proc/kcore | head -c 1 | wc -c; ulimit -n',
      ],
      HostConfig: {
        ReadonlyRootfs: true,
        SecurityOpt: ['no-new-privileges'],
        CapDrop: ['ALL'],
        CapAdd: ['CHOWN'],
        Ulimits: [{ Name: 'nofile', Soft: 100, Hard: 200 }],
      },
    });
    expect(text).toContain('CapEff:\t0000000000000001');
    expect(text).toContain('NoNewPrivs:\t1');
    expect(text).toContain('Seccomp:\t2');
    expect(text).toContain('Read-only file system');
    expect(text).toMatch(/\n0\n100\n$/);
  });

  it('binds, volumes and tmpfs are mounted, and anonymous volumes go with the container', async () => {
    const id = await launch(engine.client, {
      Cmd: [
        'sh',
        '-c',
        'echo bound > /bound/file; echo kept > /named/file; echo x > /anonymous/file; grep " /scratch " /proc/mounts; cat /ro/etc-passwd; echo n > /ro/new',
      ],
      Tty: true,
      Volumes: { '/anonymous': {} },
      HostConfig: {
        Binds: [`${engine.folder}/made-by-bind:/bound`, '/etc/passwd:/ro/etc-passwd:ro', 'named-volume:/named'],
        Tmpfs: { '/scratch': 'size=1m' },
      },
    });
    await waitFor(engine.client, id);
    const text = (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text;
    expect(text).toMatch(/tmpfs \/scratch tmpfs .*size=1024k/);
    expect(text).toContain('root:x:0:0');
    const mounts = (await inspect(id)).Mounts;
    expect(mounts).toHaveLength(4);
    const anonymous = mounts.find(({ Destination }: { Destination: string }) => Destination === '/anonymous');
    expect(anonymous).toMatchObject({ Type: 'volume', Name: expect.stringMatching(/^[0-9a-f]{64}$/), Driver: 'local', RW: true });
    expect((await engine.client.get('/volumes/named-volume')).status).toBe(200);
    expect((await engine.client.delete('/volumes/named-volume')).status).toBe(409);
    await engine.client.delete(`/containers/${id}?v=1`);
    expect((await engine.client.get(`/volumes/${anonymous.Name}`)).status).toBe(404);
    expect(
      await output({ Cmd: ['cat', '/named/file'], HostConfig: { Mounts: [{ Type: 'volume', Source: 'named-volume', Target: '/named' }] } }),
    ).toBe('kept\n');
  });

  it('a tmpfs over a folder of the image has the folder’s mode, unless another is asked for', async () => {
    await engine.docker(['run', '--name', 'closed', BASE, 'sh', '-c', 'mkdir /closed; chmod 2710 /closed']);
    await engine.docker(['commit', 'closed', 'closed:1']);
    const modes = async (...args: string[]) =>
      (await engine.docker(['run', '--rm', ...args, 'closed:1', 'stat', '-c', '%a', '/closed', '/new'])).stdout;
    expect(await modes('--tmpfs', '/closed', '--tmpfs', '/new')).toBe('2710\n1777\n');
    expect(await modes('--mount', 'type=tmpfs,dst=/closed,tmpfs-mode=0700', '--tmpfs', '/new:mode=750')).toBe('700\n750\n');
  });

  it('an anonymous volume that others borrow goes with the last of them', async () => {
    const docker = async (...args: string[]) => (await engine.docker(args)).stdout.trim();
    await docker('run', '--name', 'lender', '-v', '/lent', BASE, 'touch', '/lent/file');
    await docker('create', '--name', 'borrower', '--volumes-from', 'lender', BASE, 'ls', '/lent');
    const name = await docker('inspect', '-f', '{{(index .Mounts 0).Name}}', 'lender');
    await docker('rm', '-v', 'lender');
    expect(await docker('start', '-a', 'borrower')).toBe('file');
    await docker('rm', '-v', 'borrower');
    expect((await engine.client.get(`/volumes/${name}`)).status).toBe(404);
  });

  it('what shares a process or IPC namespace needs the other at once', async () => {
    for (const mode of ['PidMode', 'IpcMode']) {
      const refused = await engine.client.post('/containers/create', { Image: BASE, HostConfig: { [mode]: 'container:nobody' } });
      expect([refused.status, refused.json.message]).toEqual([400, 'No such container: nobody']);
    }
  });

  it('a file of an archive takes a folder’s place, with all that is in it, unless that is forbidden', async () => {
    const id = await create(engine.client, { Cmd: ['cat', '/etc'] });
    const body = await archive([{ name: 'etc', data: Buffer.from('a file now') }]);
    const put = (query: string) =>
      engine.client.ask('PUT', `/containers/${id}/archive?path=/${query}`, { body, headers: { 'Content-Type': 'application/x-tar' } });
    expect((await put('&noOverwriteDirNonDir=1')).json.message).toContain('cannot overwrite directory "/etc" with non-directory "/"');
    expect((await put('')).status).toBe(200);
    expect((await engine.client.get(`/containers/${id}/archive?path=/etc`)).text).toContain('a file now');
  });

  it('an exec without a user is the container’s', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], User: 'alice' });
    const { Id } = (await engine.client.post(`/containers/${id}/exec`, { Cmd: ['true'] })).json;
    expect((await engine.client.get(`/exec/${Id}/json`)).json.ProcessConfig.user).toBe('alice');
  });

  it('the id filter takes the beginning of an id', async () => {
    const id = await create(engine.client, { Cmd: ['true'] });
    const found = async (text: string): Promise<string[]> =>
      (await engine.client.get(`/containers/json?all=1&filters=${encodeURIComponent(JSON.stringify({ id: [text] }))}`)).json.map(
        (entry: { Id: string }) => entry.Id,
      );
    expect(await found(id.slice(0, 16))).toEqual([id]);
    expect(await found(id.slice(16, 40))).toEqual([]);
    expect(await found('')).toEqual([]);
  });

  it('lists show addresses, not the names that were asked for in a network', async () => {
    await engine.client.post('/networks/create', { Name: 'listed' });
    const id = await create(engine.client, {
      Cmd: ['true'],
      HostConfig: { NetworkMode: 'listed' },
      NetworkingConfig: { EndpointsConfig: { listed: { Aliases: ['other'] } } },
    });
    const entry = (await engine.client.get('/containers/json?all=1')).json.find(({ Id }: { Id: string }) => Id === id);
    expect(entry.NetworkSettings.Networks.listed).toMatchObject({ Aliases: null, Links: null, DriverOpts: null });
  });

  it('top lists the processes, changes the changed files, stats the usage', async () => {
    const id = await launch(engine.client, { Cmd: ['sh', '-c', 'echo x > /tmp/new; rm /etc/group; echo ready; exec sleep 1000'] });
    await ready(id);
    const top = (await engine.client.get(`/containers/${id}/top`)).json;
    expect(top.Titles).toContain('PID');
    expect(top.Processes.flat().join(' ')).toContain('sleep 1000');
    expect((await engine.client.get(`/containers/${id}/changes`)).json).toEqual(
      expect.arrayContaining([
        { Path: '/tmp', Kind: 0 },
        { Path: '/tmp/new', Kind: 1 },
        { Path: '/etc/group', Kind: 2 },
      ]),
    );
    const stats = (await engine.client.get(`/containers/${id}/stats?stream=0&one-shot=1`)).json;
    expect(stats).toMatchObject({
      id,
      cpu_stats: { online_cpus: expect.any(Number) },
      memory_stats: { usage: expect.any(Number) },
      pids_stats: { current: 1 },
    });
  });

  it('changes and commit work on a container that never ran', async () => {
    const id = await create(engine.client, { Cmd: ['true'] });
    expect((await engine.client.get(`/containers/${id}/changes`)).status).toBe(200);
    const made = await engine.client.post(`/commit?container=${id}&repo=gantry-test/never-ran&tag=1`);
    expect(made.status).toBe(201);
    expect((await engine.client.get('/images/gantry-test/never-ran:1/json')).json.Id).toBe(made.json.Id);
  });

  it('update changes limits of a running container', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { Memory: 64 * 1024 * 1024 } });
    const updated = await engine.client.post(`/containers/${id}/update`, {
      Memory: 128 * 1024 * 1024,
      MemorySwap: 256 * 1024 * 1024,
      RestartPolicy: { Name: 'always' },
    });
    expect(updated.status).toBe(200);
    expect((await inspect(id)).HostConfig).toMatchObject({ Memory: 128 * 1024 * 1024, RestartPolicy: { Name: 'always' } });
    const stats = (await engine.client.get(`/containers/${id}/stats?stream=0&one-shot=1`)).json;
    expect(stats.memory_stats.limit).toBe(128 * 1024 * 1024);
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('nobody’s checks make a paused or stopped container unhealthy', async () => {
    const Healthcheck = { Test: ['CMD', 'true'], Interval: 300_000_000 };
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], Healthcheck });
    const status = async () => (await engine.client.get(`/containers/${id}/json`)).json.State.Health.Status;
    await eventually('it is healthy', async () => (await status()) === 'healthy');
    await engine.client.post(`/containers/${id}/pause`);
    expect(await status()).toBe('unhealthy');
    await engine.client.post(`/containers/${id}/unpause`);
    await eventually('it is healthy again', async () => (await status()) === 'healthy');
    await engine.client.post(`/containers/${id}/stop?t=0`);
    expect(await status()).toBe('unhealthy');
    await engine.client.delete(`/containers/${id}?force=1`);
  });

  it('a health check turns healthy', async () => {
    const id = await launch(engine.client, {
      Cmd: ['sleep', '1000'],
      Healthcheck: { Test: ['CMD-SHELL', 'echo fine'], Interval: 100_000_000, Retries: 1 },
    });
    const events = await engine.client.open(
      'GET',
      `/events?since=0&filters=${encodeURIComponent(JSON.stringify({ container: [id], event: ['health_status'] }))}`,
    );
    for await (const chunk of events) {
      expect(JSON.parse((chunk as Buffer).toString().split('\n')[0] ?? '').Action).toBe('health_status: healthy');
      break;
    }
    expect((await inspect(id)).State.Health).toMatchObject({
      Status: 'healthy',
      FailingStreak: 0,
      Log: expect.arrayContaining([expect.objectContaining({ ExitCode: 0, Output: 'fine\n' })]),
    });
  });

  // dockerd 20.10 has no 1.44.
  it.runIf(onGantry)('have read-only binds as their client’s version has them: with what is mounted below from 1.44 on', async () => {
    const writableBelow = async (version: string): Promise<number> => {
      const config = { Image: BASE, Cmd: ['cat', '/proc/self/mountinfo'], Tty: true, HostConfig: { Binds: ['/dev:/bound:ro'] } };
      const { Id } = (await engine.at(version).post('/containers/create', config)).json;
      await engine.client.post(`/containers/${Id}/start`);
      await waitFor(engine.client, Id);
      const { text } = await engine.client.get(`/containers/${Id}/logs?stdout=1`);
      expect(text).toMatch(/ \/bound ro,/);
      return text.match(/ \/bound\/\S+ rw,/g)?.length ?? 0;
    };
    expect(await writableBelow('1.43')).toBeGreaterThan(0);
    expect(await writableBelow('1.44')).toBe(0);
  });

  it('share the cgroup namespace for clients before 1.41, on cgroup v1 alone', async () => {
    const { CgroupVersion } = (await engine.client.get('/info')).json;
    const { Id } = (await engine.at('1.40').post('/containers/create', { Image: BASE })).json;
    expect((await inspect(Id)).HostConfig.CgroupnsMode).toBe(CgroupVersion === '2' ? 'private' : 'host');
  });

  it('show the MAC address that their network’s endpoint was given, where older clients look for it', async () => {
    const address = '02:42:ac:11:00:77';
    const EndpointsConfig = { bridge: { MacAddress: address } };
    const id = await create(engine.client, onGantry ? { NetworkingConfig: { EndpointsConfig } } : { MacAddress: address });
    expect((await inspect(id)).Config.MacAddress).toBe(address);
  });

  it('prune removes the stopped ones', async () => {
    const id = await create(engine.client, { Cmd: ['true'], Labels: { prune: 'me' } });
    const pruned = await engine.client.post(`/containers/prune?filters=${encodeURIComponent(JSON.stringify({ label: ['prune=me'] }))}`);
    expect(pruned.json).toMatchObject({ ContainersDeleted: [id], SpaceReclaimed: expect.any(Number) });
  });
});

/** Resolves when the container has said `ready`. */
async function ready(id: string): Promise<void> {
  const logs = await engine.client.open('GET', `/containers/${id}/logs?stdout=1&follow=1`);
  let text = '';
  for await (const chunk of logs) {
    text += (chunk as Buffer).toString('latin1');
    if (text.includes('ready')) break;
  }
}
