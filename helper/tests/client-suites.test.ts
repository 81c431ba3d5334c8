/**
 * What the public test suites of Docker's clients (moby's integration-cli and integration, docker-py, dockerode) found here while they
 * passed on dockerd: kept as tests of our own, since the suites need toolchains and images that not everyone has.
 */
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { BASE, create, ENGINE, launch, Raw, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const inspect = async (id: string) => (await engine.client.get(`/containers/${id}/json`)).json;

/** The modification time that an archive's header has for a file, in seconds. */
const timeIn = (tar: Buffer, name: string): number => {
  const header = tar.indexOf(`${name}\0`);
  return Number.parseInt(tar.toString('latin1', header + 136, header + 147), 8);
};

async function output(config: Record<string, unknown>): Promise<string> {
  const id = await launch(engine.client, { Tty: true, ...config });
  await waitFor(engine.client, id);
  return (await engine.client.get(`/containers/${id}/logs?stdout=1`)).text.replaceAll('\r\n', '\n');
}

describe(`clients' suites on ${ENGINE}: connections`, { timeout: 30_000 }, () => {
  it('an Upgrade header alone gets a 101', async () => {
    const id = await launch(engine.client, { Cmd: ['cat'], OpenStdin: true });
    const socket = net.connect({ path: engine.socketPath });
    socket.write(
      `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\nContent-Length: 0\r\n\r\n`,
    );
    const raw = new Raw(socket);
    await raw.head();
    expect(raw.headers).toMatch(/^HTTP\/1.1 101 [\s\S]*\r\nUpgrade: tcp/);
    raw.write('both ways');
    await raw.until('both ways');
    raw.destroy();
  });

  it.each([
    ['with', 'Connection: Upgrade\r\n'],
    ['without', ''],
  ])('the body of an attach is no input, %s Connection', async (_, connection) => {
    const id = await launch(engine.client, { Cmd: ['cat'], OpenStdin: true, Tty: true });
    const socket = net.connect({ path: engine.socketPath });
    const head = `POST /containers/${id}/attach?stream=1&stdin=1&stdout=1 HTTP/1.1\r\nHost: x\r\nUpgrade: tcp\r\n${connection}`;
    socket.write(`${head}Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{"stream":true}`);
    const raw = new Raw(socket);
    await raw.head();
    raw.write('typed\n');
    await raw.until('typed');
    expect(raw.text()).not.toContain('stream');
    raw.destroy();
  });

  it('an attach to no stream is empty', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    for (const query of ['stream=1', 'logs=1', 'logs=1&stream=1&stdin=1', '']) {
      expect(await engine.client.post(`/containers/${id}/attach?${query}`)).toMatchObject({ status: 200, text: '' });
    }
  });

  it('OPTIONS is answered for any path', async () => {
    for (const path of ['/', '/containers/json', '/v1.41/anything']) expect((await engine.client.ask('OPTIONS', path)).status).toBe(200);
  });

  it('a WebSocket to no container is 404 before it is anything else', async () => {
    const missing = await engine.client.get('/containers/doesnotexist/attach/ws');
    expect([missing.status, missing.json.message]).toEqual([404, 'No such container: doesnotexist']);
    const id = await create(engine.client, { Cmd: ['true'] });
    expect((await engine.client.get(`/containers/${id}/attach/ws`)).status).toBe(400);
  });
});

describe(`clients' suites on ${ENGINE}: containers`, { timeout: 30_000 }, () => {
  it('an exec without a terminal has no TERM, whatever the container has', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], Tty: true });
    const { stdout } = await engine.docker(['exec', id, 'env']);
    expect(stdout).not.toContain('TERM=');
    expect((await engine.docker(['exec', '-e', 'TERM=dumb', id, 'env'])).stdout).toContain('TERM=dumb');
  });

  it('an exec in a paused container is refused under the name that the client used', async () => {
    const id = await launch(engine.client, { name: 'paused-here', Cmd: ['sleep', '1000'] });
    await engine.client.post(`/containers/${id}/pause`);
    for (const reference of [id, 'paused-here']) {
      const answer = await engine.client.post(`/containers/${reference}/exec`, { Cmd: ['true'] });
      expect([answer.status, answer.json.message]).toEqual([409, `Container ${reference} is paused, unpause the container before exec`]);
    }
    await engine.client.post(`/containers/${id}/unpause`);
  });

  it('an empty HOME is the one of the user', async () => {
    expect(await output({ Cmd: ['sh', '-c', 'echo $HOME'], Env: ['HOME='] })).toBe('/root\n');
    expect(await output({ Cmd: ['sh', '-c', 'echo $HOME'], Env: ['HOME=/x'] })).toBe('/x\n');
  });

  it('rm -v of the last user takes an anonymous volume that was another container’s', async () => {
    const parent = await create(engine.client, { Cmd: ['true'], Volumes: { '/data': {} }, HostConfig: { Binds: ['keep-me:/keep'] } });
    const anonymous = (await inspect(parent)).Mounts.find((mount: { Destination: string }) => mount.Destination === '/data').Name;
    const child = await create(engine.client, { Cmd: ['true'], HostConfig: { VolumesFrom: [parent] } });
    await engine.client.delete(`/containers/${parent}?v=1`);
    expect((await engine.client.get(`/volumes/${anonymous}`)).status).toBe(200);
    await engine.client.delete(`/containers/${child}?v=1`);
    expect((await engine.client.get(`/volumes/${anonymous}`)).status).toBe(404);
    expect((await engine.client.get('/volumes/keep-me')).status).toBe(200);
  });

  it('the working directory is there before the first start', async () => {
    const id = await create(engine.client, { Cmd: ['true'], WorkingDir: '/made/for/it' });
    expect((await engine.client.ask('HEAD', `/containers/${id}/archive?path=/made/for/it`)).status).toBe(200);
    const file = await engine.client.post('/containers/create', { Image: BASE, Cmd: ['true'], WorkingDir: '/etc/passwd' });
    expect([file.status, file.json.message]).toEqual([500, 'Cannot mkdir: /etc/passwd is not a directory']);
  });

  it('a file is no folder, also when it is copied', async () => {
    const id = await create(engine.client, { Cmd: ['true'] });
    const answer = await engine.client.get(`/containers/${id}/archive?path=/etc/passwd/`);
    expect([answer.status, answer.json.message]).toEqual([500, expect.stringContaining('/etc/passwd/: not a directory')]);
  });

  it('nothing is mounted in /proc but what stands for one of its files', async () => {
    const start = async (bind: string) =>
      engine.client.post(`/containers/${await create(engine.client, { Cmd: ['true'], HostConfig: { Binds: [bind] } })}/start`);
    const refused = await start('/tmp:/proc//sys');
    expect(refused.status).toBeGreaterThanOrEqual(400);
    expect(refused.json.message).toContain('cannot be mounted because it is inside /proc');
    expect((await start('/tmp:/proc')).json.message).toContain('cannot be mounted because it is not of type proc');
    expect((await start('/proc/uptime:/proc/uptime')).status).toBe(204);
  });

  it('a fixed port is taken before any other can have it', async () => {
    const ports = { '80/tcp': [{}] };
    const first = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { PortBindings: ports } });
    const next = Number((await inspect(first)).NetworkSettings.Ports['80/tcp'][0].HostPort) + 1;
    const second = await launch(engine.client, {
      Cmd: ['sleep', '1000'],
      HostConfig: { PortBindings: { ...ports, '8080/tcp': [{ HostPort: String(next) }] } },
    });
    expect((await inspect(second)).NetworkSettings.Ports['8080/tcp'][0].HostPort).toBe(String(next));
  });

  it('a signal right after the start reaches a program that will have a handler', async () => {
    for (let round = 0; round < 5; round++) {
      const id = await launch(engine.client, { Cmd: ['sh', '-c', 'trap "exit 5" TERM; while :; do sleep 0.05; done'] });
      await engine.client.post(`/containers/${id}/kill?signal=TERM`);
      expect(await waitFor(engine.client, id)).toBe(5);
    }
  });

  it('a seccomp profile that is asked for holds in a privileged container', async () => {
    const profile = { defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' }] };
    const config = { Cmd: ['mkdir', '/made'], HostConfig: { Privileged: true, SecurityOpt: [`seccomp=${JSON.stringify(profile)}`] } };
    expect(await output(config)).toContain('Operation not permitted');
    const { CgroupVersion } = (await engine.client.get('/info')).json;
    const { Id } = (await engine.client.post('/containers/create', { Image: BASE, ...config })).json;
    expect((await inspect(Id)).HostConfig.CgroupnsMode).toBe(CgroupVersion === '1' ? 'host' : 'private');
  });

  it('a quota below zero is none, and a limit of processes can be lifted', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '100'], HostConfig: { CpuQuota: -1, PidsLimit: 100 } });
    for (const change of [{ CpuQuota: 20_000 }, { CpuQuota: -1 }, { PidsLimit: 0 }]) {
      expect((await engine.client.post(`/containers/${id}/update`, change)).json).toEqual({ Warnings: null });
    }
    expect((await inspect(id)).HostConfig).toMatchObject({ CpuQuota: -1, PidsLimit: 0 });
    const read = 'cd /sys/fs/cgroup; cat pids.max pids/pids.max cpu.max cpu/cpu.cfs_quota_us 2>/dev/null';
    expect((await engine.docker(['exec', id, 'sh', '-c', read])).stdout).toMatch(/^max\n(max 100000|-1)\n$/);
  });

  it('a container that is to be removed takes no restart policy', async () => {
    const id = await launch(engine.client, { Cmd: ['sleep', '100'], HostConfig: { AutoRemove: true } });
    const answer = await engine.client.post(`/containers/${id}/update`, { RestartPolicy: { Name: 'always' } });
    expect([answer.status, answer.json.message]).toEqual([409, expect.stringContaining('AutoRemove is enabled for the container')]);
  });

  it('inspect has the working directory as a clean path, and the MAC address where old clients look', async () => {
    const EndpointsConfig = { bridge: { MacAddress: '02:42:ac:11:00:42' } };
    const id = await create(engine.client, { Cmd: ['true'], WorkingDir: '/srv/../tmp/', NetworkingConfig: { EndpointsConfig } });
    expect((await inspect(id)).Config).toMatchObject({ WorkingDir: '/tmp', MacAddress: '02:42:ac:11:00:42' });
  });

  it('before 1.44, a MAC address went to the one network, be it named by its id', async () => {
    const { Id: network } = (
      await engine.client.post('/networks/create', { Name: 'by-id', IPAM: { Config: [{ Subnet: '10.88.9.0/24' }] } })
    ).json;
    const { Id } = (
      await engine.client.post('/v1.25/containers/create', {
        ...{ Image: BASE, Cmd: ['sleep', '100'], MacAddress: '02:42:0a:58:09:07', HostConfig: { NetworkMode: network } },
        NetworkingConfig: { EndpointsConfig: { 'by-id': { IPAMConfig: { IPv4Address: '10.88.9.7' } } } },
      })
    ).json;
    await engine.client.post(`/containers/${Id}/start`);
    const { Networks } = (await inspect(Id)).NetworkSettings;
    expect(Object.keys(Networks)).toEqual(['by-id']);
    expect(Networks['by-id']).toMatchObject({ IPAddress: '10.88.9.7', MacAddress: '02:42:0a:58:09:07' });
    await engine.client.delete(`/containers/${Id}?force=1`);
    await engine.client.delete('/networks/by-id');
  });

  it('the process namespace of a container that does not run can’t be joined', async () => {
    const other = await create(engine.client, { Cmd: ['true'] });
    const id = await create(engine.client, { Cmd: ['true'], HostConfig: { PidMode: `container:${other}` } });
    const answer = await engine.client.post(`/containers/${id}/start`);
    expect([answer.status, answer.json.message]).toEqual([500, `failed to join PID namespace: container ${other} is not running`]);
  });

  it('a container does not join itself, and a mode without a container is refused', async () => {
    const id = await create(engine.client, { name: 'narcissus', Cmd: ['true'], HostConfig: { NetworkMode: 'container:narcissus' } });
    expect((await engine.client.post(`/containers/${id}/start`)).json.message).toContain('cannot join own network');
    const bare = await engine.client.post('/containers/create', { Image: BASE, Cmd: ['true'], HostConfig: { NetworkMode: 'container' } });
    expect([bare.status, bare.json.message]).toEqual([400, expect.stringContaining('invalid container format container:<name|id>')]);
  });

  it('an IPv6 subnet of a network without IPv6 is shown, and its addresses may be asked for', async () => {
    const config = [{ Subnet: '2001:db8:77::/64', Gateway: '2001:db8:77::1' }];
    const bare = [{ Subnet: '2001:db8:78::/64', IPRange: null, Gateway: null, AuxiliaryAddresses: null }];
    expect((await engine.client.post('/networks/create', { Name: 'nulls', IPAM: { Config: bare } })).status).toBe(201);
    expect((await engine.client.delete('/networks/nulls')).status).toBe(204);
    const made = await engine.client.post('/networks/create', { Name: 'four-only', IPAM: { Config: config } });
    expect(made.status).toBe(201);
    expect((await engine.client.get('/networks/four-only')).json).toMatchObject({
      EnableIPv6: false,
      IPAM: { Config: [{ Subnet: expect.stringMatching(/^[0-9.]+\/\d+$/) }, config[0]] },
    });
    const wish = (address: string) => ({
      HostConfig: { NetworkMode: 'four-only' },
      NetworkingConfig: { EndpointsConfig: { 'four-only': { IPAMConfig: { IPv6Address: address } } } },
    });
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'], ...wish('2001:db8:77::9') });
    const endpoint = (await inspect(id)).NetworkSettings.Networks['four-only'];
    expect(endpoint).toMatchObject({ IPAMConfig: { IPv6Address: '2001:db8:77::9' }, GlobalIPv6Address: '' });
    await engine.client.delete(`/containers/${id}?force=1`);
    expect((await engine.client.delete('/networks/four-only')).status).toBe(204);
  });
});

describe(`clients' suites on ${ENGINE}: images`, { timeout: 30_000 }, () => {
  const image = async (name: string) => (await engine.client.get(`/images/${name}/json`)).json;
  const commit = async (from: string, query = ''): Promise<string> => {
    const id = await launch(engine.client, { Image: from, Cmd: ['touch', `/made-${Math.random()}`] });
    await waitFor(engine.client, id);
    return (await engine.client.post(`/commit?container=${id}${query}`)).json.Id;
  };

  it('commit changes see the container’s variables, which keep their place', async () => {
    const id = await create(engine.client, { Cmd: ['true'], Env: ['PATH=/bin', 'A=1'] });
    const changes = ['ENV PATH=/usr/bin:$PATH B="${A}2"', "ENV C '$A'", 'WORKDIR /w/${A}', 'LABEL l=$B', 'CMD echo $A'];
    const query = changes.map((change) => `&changes=${encodeURIComponent(change)}`).join('');
    const made = (await engine.client.post(`/commit?container=${id}${query}`)).json.Id;
    expect((await image(made)).Config).toMatchObject({
      Env: ['PATH=/usr/bin:/bin', 'A=1', 'B=12', 'C=$A'],
      WorkingDir: '/w/1',
      Labels: { l: '12' },
      Cmd: ['/bin/sh', '-c', 'echo $A'],
    });
  });

  it('an archive of a Docker before 1.10 is loaded', async () => {
    const [base, top] = ['a'.repeat(64), 'b'.repeat(64)];
    const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
    const about = { architecture: 'amd64', os: 'linux', created: '2014-05-06T07:08:09Z' };
    const body = tarOf([
      {
        name: `${top}/json`,
        data: json({ ...about, id: top, parent: base, config: { Cmd: ['sh'] }, container_config: { Cmd: ['made'] } }),
      },
      { name: `${top}/layer.tar`, data: tarOf([{ name: 'old', data: Buffer.from('x') }]) },
      { name: `${base}/json`, data: json({ ...about, id: base }) },
      { name: `${base}/layer.tar`, data: Buffer.alloc(0) },
      { name: 'repositories', data: json({ 'suites-old': { '1': top, latest: top } }) },
    ]);
    await engine.client.ask('POST', '/images/load', { body, headers: { 'Content-Type': 'application/x-tar' } });
    expect(await image('suites-old:1')).toMatchObject({
      RepoTags: ['suites-old:1', 'suites-old:latest'],
      Created: '2014-05-06T07:08:09Z',
      Config: { Cmd: ['sh'] },
    });
    expect((await engine.client.get('/images/suites-old/history')).json).toMatchObject([{ CreatedBy: 'made', Size: 1 }, { Size: 0 }]);
    await engine.client.delete('/images/suites-old:1');
    await engine.client.delete('/images/suites-old');
  });

  it('no image is named as if it were an id', async () => {
    const answer = await engine.client.post(`/images/${BASE}/tag?repo=sha256&tag=abc`);
    expect([answer.status, answer.json.message]).toEqual([
      400,
      expect.stringContaining('refusing to create an ambiguous tag using digest algorithm as name'),
    ]);
  });

  it('save and load keep what an image was made from, and are no tagging', async () => {
    const below = await commit(BASE, '&repo=suites-below');
    const above = await commit(below, '&repo=suites-above');
    const before = await image('suites-above');
    expect(before).toMatchObject({ Id: above, Parent: below });
    const archive = await engine.client.open('GET', '/images/get?names=suites-above&names=suites-below');
    const parts: Buffer[] = [];
    for await (const part of archive) parts.push(part as Buffer);
    expect(timeIn(Buffer.concat(parts), `blobs/sha256/${above.slice(7)}`)).toBe(Math.floor(Date.parse(before.Created) / 1000));
    const load = () =>
      engine.client.ask('POST', '/images/load', { body: Buffer.concat(parts), headers: { 'Content-Type': 'application/x-tar' } });
    await load();
    expect(await image('suites-above')).toEqual(before);
    const containers = (await engine.client.get('/containers/json?all=1')).json as { Id: string }[];
    for (const { Id } of containers) await engine.client.delete(`/containers/${Id}?force=1`);
    for (const name of ['suites-above', 'suites-below']) expect((await engine.client.delete(`/images/${name}`)).status).toBe(200);
    await load();
    expect(await image('suites-above')).toMatchObject({ Id: above, Parent: below, Metadata: { LastTagTime: '0001-01-01T00:00:00Z' } });
    expect(await image('suites-below')).toMatchObject({ Id: below, Parent: '' });
  });
});

describe(`clients' suites on ${ENGINE}: networks`, { timeout: 30_000 }, () => {
  const network = async (request: Record<string, unknown>): Promise<void> => {
    expect((await engine.client.post('/networks/create', request)).status).toBe(201);
  };
  const inside = async (id: string, ...Cmd: string[]): Promise<string> => {
    const { Id } = (await engine.client.post(`/containers/${id}/exec`, { Cmd, AttachStdout: true, Tty: true })).json;
    return (await engine.client.post(`/exec/${Id}/start`, { Tty: true })).text;
  };
  const pool = (...subnets: string[]) => ({ IPAM: { Config: subnets.map((Subnet) => ({ Subnet })) } });

  it('a container that names networks has these alone; its links get the lowest free number', async () => {
    for (const number of [0, 1, 2]) await network({ Name: `numbered-${number}`, ...pool(`10.88.${number}.0/24`) });
    const named = { DriverOpts: { 'com.docker.network.endpoint.ifname': 'eth1' } };
    const id = await launch(engine.client, {
      Cmd: ['sleep', '100'],
      NetworkingConfig: { EndpointsConfig: { 'numbered-0': named, 'numbered-1': {} } },
    });
    expect(Object.keys((await inspect(id)).NetworkSettings.Networks).sort()).toEqual(['numbered-0', 'numbered-1']);
    const link = (name: string): Promise<string> => inside(id, 'ip', '-o', 'addr', 'show', name);
    expect(await link('eth0')).toContain('10.88.1.2/24');
    expect(await link('eth1')).toContain('10.88.0.2/24');
    const join = (EndpointConfig: object) => engine.client.post('/networks/numbered-2/connect', { Container: id, EndpointConfig });
    expect((await join(named)).json.message).toMatch(/error renaming interface "\w+" to "eth1": file exists/);
    await join({});
    expect(await link('eth2')).toContain('10.88.2.2/24');
    for (const number of [1, 2]) await engine.client.post(`/networks/numbered-${number}/disconnect`, { Container: id });
    await join({});
    expect(await link('eth0')).toContain('10.88.2.2/24');
    await engine.client.delete(`/containers/${id}?force=1`);
    for (const number of [0, 1, 2]) await engine.client.delete(`/networks/numbered-${number}`);
  });

  it('IPv6 is asked for by an option, too, which the field of the request overrules', async () => {
    const [four, six] = ['com.docker.network.enable_ipv4', 'com.docker.network.enable_ipv6'];
    const made = async (request: Record<string, unknown>) => {
      await network({ Name: 'optional', ...request });
      const { EnableIPv4, EnableIPv6, Options } = (await engine.client.get('/networks/optional')).json;
      await engine.client.delete('/networks/optional');
      return { EnableIPv4, EnableIPv6, Options };
    };
    const Options = { [four]: 'false', [six]: 'true' };
    expect(await made({ Options })).toEqual({ EnableIPv4: false, EnableIPv6: true, Options });
    expect(await made({ Options, EnableIPv4: true })).toEqual({ EnableIPv4: true, EnableIPv6: true, Options: { [six]: 'true' } });
    const wrong = await engine.client.post('/networks/create', { Name: 'optional', Options: { [six]: 'maybe' } });
    expect(wrong).toMatchObject({ status: 400, json: { message: `driver-opt "${six}" is not a valid bool` } });
  });

  it('a link-local subnet has a default route', async () => {
    await network({ Name: 'near', EnableIPv6: true, ...pool('10.88.3.0/24', 'fe80::/64') });
    const id = await launch(engine.client, { Cmd: ['sleep', '100'], HostConfig: { NetworkMode: 'near' } });
    expect(await inside(id, 'ip', '-6', 'route')).toContain('default via fe80::1 dev eth0');
    await engine.client.delete(`/containers/${id}?force=1`);
    await engine.client.delete('/networks/near');
  });

  it('a network of two addresses that leads nowhere has both for containers', async () => {
    const Options = { 'com.docker.network.bridge.inhibit_ipv4': 'true' };
    await network({ Name: 'pair', Internal: true, Options, ...pool('10.88.4.0/31') });
    const config = { Cmd: ['sleep', '100'], HostConfig: { NetworkMode: 'pair' } };
    const ids = [await launch(engine.client, config), await launch(engine.client, config)];
    const third = await create(engine.client, config);
    expect((await engine.client.post(`/containers/${third}/start`)).json.message).toMatch(
      /^failed to set up container networking: no available IPv4 addresses/,
    );
    for (const id of [...ids, third]) await engine.client.delete(`/containers/${id}?force=1`);
    await engine.client.delete('/networks/pair');
  });
});
