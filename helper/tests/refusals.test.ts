import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, create, ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);
const docker = (...args: string[]) => engine.docker(args);

/** What the docker CLI prints and ends with, where it depends on the engine's words and on when it says them. */
describe(`refusals on ${ENGINE}`, { timeout: 60_000 }, () => {
  it.each<[string[], number, RegExp]>([
    [['--gpus', 'all', BASE, 'true'], 125, /could not select device driver "" with capabilities: \[\[gpu\]\]/],
    [['--tmpfs', '/x:bogus=1', BASE, 'true'], 125, /invalid tmpfs option \["bogus" "1"\]/],
    [['--storage-opt', 'bogus=1', BASE, 'true'], 125, /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/],
    [['--storage-opt', 'size=1G', BASE, 'true'], 125, /--storage-opt is supported only for overlay over xfs with 'pquota' mount option/],
    [['--log-opt', 'mode=bogus', BASE, 'true'], 125, /logger: logging mode not supported: bogus/],
    [['--log-driver', 'bogus', BASE, 'true'], 125, /error looking up logging plugin bogus: plugin "bogus" not found/],
    [['--sysctl', 'net.bogus=1', BASE, 'true'], 127, /open \/proc\/sys\/net\/bogus: no such file or directory/],
    [['--network', 'host', '--sysctl', 'net.ipv4.ip_forward=0', BASE, 'true'], 125, /"net.ipv4.ip_forward" not allowed in host network/],
    [['--device-read-bps', '/dev/none:1mb', BASE, 'true'], 127, /stat \/dev\/none: no such file or directory/],
    [['-e', 'PATH=/etc:/bin', BASE, 'not-executable'], 127, /exec: "not-executable": executable file not found in \$PATH/],
    [[BASE, '/etc/not-executable'], 126, /exec: "\/etc\/not-executable": permission denied/],
    [
      [BASE, '/etc/passwd/x'],
      125,
      /exec: "\/etc\/passwd\/x": stat \/etc\/passwd\/x: not a directory: .*Are you trying to mount a directory/,
    ],
    [['-w', '/etc/passwd', BASE, 'pwd'], 125, /Cannot mkdir: \/etc\/passwd is not a directory/],
    [[BASE, ''], 127, /exec: "": executable file not found in \$PATH/],
  ])('run %j ends with %d', async (args, code, words) => {
    const refused = await docker('run', '--rm', ...args);
    expect({ code: refused.code, stderr: refused.stderr }).toEqual({ code, stderr: expect.stringMatching(words) });
  });

  it('what only a start can find out is created', async () => {
    expect((await docker('create', '--name', 'unstartable', '--gpus', 'all', '--stop-signal', '99', BASE)).code).toBe(0);
    expect((await docker('create', '--log-opt', 'max-size=x', BASE)).code).toBe(0);
    expect((await docker('start', 'unstartable')).stderr).toContain('could not select device driver');
    expect((await docker('inspect', '-f', '{{.State.Status}} {{.State.ExitCode}}', 'unstartable')).stdout).toBe('created 128\n');
  });

  it('what is wrong with a container’s devices, rules and names is the start’s own failure, not the request’s', async () => {
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-devices-'));
    symlinkSync('/nowhere', path.join(folder, 'dangling'));
    writeFileSync(path.join(folder, 'plain'), '');
    const device = (PathOnHost: string) => ({
      HostConfig: { Devices: [{ PathOnHost, PathInContainer: '/dev/x', CgroupPermissions: 'r' }] },
    });
    const gathering = (file: string, why: string) => `error gathering device information while adding custom device "${file}": ${why}`;
    const at = (name: string) => path.join(folder, name);
    try {
      for (const [config, message] of [
        [device(at('none')), gathering(at('none'), 'no such file or directory')],
        [device(at('plain')), gathering(at('plain'), 'not a device node')],
        [device(at('plain/x')), gathering(at('plain/x'), 'not a directory')],
        [device(at('dangling')), gathering(at('dangling'), 'not a device node')],
        [device(folder), gathering(folder, 'not a device node')],
        [{ HostConfig: { DeviceCgroupRules: ['bad'] } }, "invalid device cgroup rule format: 'bad'"],
        [{ User: 'nobody-there' }, 'unable to find user nobody-there: no matching entries in passwd file'],
        [{ HostConfig: { GroupAdd: ['none'] } }, 'Unable to find group none: no matching entries in group file'],
      ] as const) {
        const id = await create(engine.client, config);
        expect(await engine.client.post(`/containers/${id}/start`)).toMatchObject({ status: 500, json: { message } });
        expect((await engine.client.get(`/containers/${id}/json`)).json.State).toMatchObject({ ExitCode: 128, Error: message });
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('a stop that is not due takes any signal, one that is only those that there are', async () => {
    await docker('run', '-d', '--name', 'stopped', BASE, 'sleep', '100');
    // dockerd 20.10 does not know the parameter.
    const stop = () => engine.client.post('/containers/stopped/stop?signal=BOGUS');
    if (onGantry) expect((await stop()).json.message).toBe('cannot stop container: stopped: invalid signal: BOGUS');
    expect((await docker('kill', '-s', '99', 'stopped')).stderr).toContain('he linux daemon does not support signal 99');
    await docker('stop', '-t', '0', 'stopped');
    expect((await stop()).status).toBe(304);
    const network = await docker('inspect', '-f', '{{(index .NetworkSettings.Networks "bridge").NetworkID}}', 'stopped');
    expect(network.stdout).toBe((await docker('network', 'inspect', '-f', '{{.Id}}', 'bridge')).stdout);
  });

  it('exec wants an absolute working directory, and a command', async () => {
    await docker('run', '-d', '--name', 'open', BASE, 'sleep', '100');
    expect(await docker('exec', '-w', 'rel', 'open', 'pwd')).toMatchObject({
      code: 126,
      stdout: expect.stringContaining('OCI runtime exec failed: exec failed: Cwd must be an absolute path'),
    });
    expect((await docker('exec', 'open', '')).stdout).toContain('exec: "": executable file not found in $PATH');
    for (const [args, code] of [
      [['-e', 'PATH=/etc:/bin', 'open', 'none'], 127],
      [['open', '/etc/not-executable'], 126],
      [['open', '/etc/passwd/x'], 127],
      [['-w', '/none', 'open', 'pwd'], 127],
      [['-u', 'none', 'open', 'id'], 126],
    ] as const) {
      // dockerd before 25 has one code for all of them.
      expect((await docker('exec', ...args)).code).toBe(onGantry ? code : 126);
    }
    await docker('rm', '-f', 'open');
  });

  it('volumes of another container come without a mode, and hold what the image has there', async () => {
    await docker('create', '--name', 'giver', '-v', 'given:/etc', BASE);
    await docker('create', '--name', 'taker', '--volumes-from', 'giver:ro', BASE);
    expect((await docker('inspect', '-f', '{{range .Mounts}}{{.Name}} [{{.Mode}}] {{.RW}}{{end}}', 'taker')).stdout).toBe(
      'given [] false\n',
    );
    const listed = await docker('run', '--rm', '-v', 'given:/given', BASE, 'ls', '/given');
    expect(listed.stdout.split('\n')).toEqual(expect.arrayContaining(['hostname', 'hosts', 'mtab', 'passwd', 'resolv.conf']));
  });

  it('a volume that can’t be mounted is told in the kernel’s words', async () => {
    await docker('volume', 'create', 'nowhere', '-o', 'type=none', '-o', 'device=/nowhere', '-o', 'o=bind');
    const refused = await docker('run', '--rm', '-v', 'nowhere:/x', BASE, 'true');
    expect(refused.code).toBe(127);
    expect(refused.stderr).toMatch(/failed to mount local volume: mount \/nowhere:\S+\/_data, flags: 0x1000: no such file or directory/);
  });

  it('ports that can’t be are no reason not to run: images have them', async () => {
    const ExposedPorts = { a: {}, '': {}, '80-82/tcp': {}, '99999': {}, '81/foo': {}, '90': {}, '7/icmp': {} };
    const id = await create(engine.client, { Cmd: ['sleep', '1000'], ExposedPorts });
    expect((await engine.client.post(`/containers/${id}/start`)).status).toBe(204);
    const { Config, NetworkSettings } = (await engine.client.get(`/containers/${id}/json`)).json;
    expect(Config.ExposedPorts).toEqual(ExposedPorts);
    expect(NetworkSettings.Ports).toEqual({ '0/0': null, '0/tcp': null, '7/icmp': null, '81/0': null, '90/tcp': null });
    for (const port of ['a/tcp', '99999/tcp', '-1/tcp', '80-81/tcp']) {
      const bound = await engine.client.post('/containers/create', { Image: BASE, HostConfig: { PortBindings: { [port]: [{}] } } });
      expect(bound.json.message).toBe(`invalid port specification: "${port.replace('/tcp', '')}"`);
    }
    expect(await docker('run', '--rm', '--expose', '0', '-p', '0', BASE, 'echo', 'ran')).toMatchObject({ stdout: 'ran\n', code: 0 });
  });

  it('a container that does not run can be meant for a network that is yet to come', async () => {
    await docker('create', '--name', 'early', BASE, 'true');
    expect((await docker('network', 'connect', 'later', 'early')).code).toBe(0);
    expect((await engine.client.get('/containers/early/json')).json.NetworkSettings.Networks).toHaveProperty('later');
    const started = await engine.client.post('/containers/early/start');
    expect(started.status).toBe(404);
    expect(started.json.message).toContain('network later not found');
    await docker('network', 'create', 'later');
    expect((await docker('start', '-a', 'early')).code).toBe(0);
    expect((await docker('network', 'rm', 'later')).code).toBe(0);
    expect((await docker('network', 'disconnect', 'later', 'early')).code).toBe(0);
    expect((await docker('network', 'disconnect', 'later', 'early')).stderr).toContain('is not connected to the network later');
    await docker('run', '-d', '--name', 'late', BASE, 'sleep', '1000');
    expect((await docker('network', 'connect', 'later', 'late')).stderr).toContain('network later not found');
    expect((await docker('network', 'disconnect', '-f', 'later', 'late')).stderr).toContain('is not connected to the network later');
  });

  it('a running container can leave all networks, join none, and come back', async () => {
    const networks = async () => Object.keys((await engine.client.get('/containers/hermit/json')).json.NetworkSettings.Networks);
    await docker('run', '-d', '--name', 'hermit', BASE, 'sleep', '1000');
    expect((await docker('network', 'disconnect', 'bridge', 'hermit')).code).toBe(0);
    expect(await docker('network', 'connect', 'none', 'hermit')).toMatchObject({ stderr: '', code: 0 });
    expect(await networks()).toEqual(['none']);
    expect((await docker('exec', 'hermit', 'ls', '/sys/class/net')).stdout).toBe('lo\n');
    expect((await docker('network', 'connect', 'bridge', 'hermit')).stderr).toContain('one of the networks in private (none) mode');
    expect((await docker('network', 'disconnect', 'none', 'hermit')).code).toBe(0);
    expect((await docker('network', 'connect', 'bridge', 'hermit')).code).toBe(0);
    expect(await networks()).toEqual(['bridge']);
    expect((await docker('exec', 'hermit', 'ls', '/sys/class/net')).stdout).toMatch(/^eth\d\nlo\n$/);
    expect((await docker('restart', '-t', '0', 'hermit')).code).toBe(0);
    await docker('rm', '-f', 'hermit');
  });

  it('an exec’s command is a list; what can’t be copied is told by the place in the container', async () => {
    await docker('run', '-d', '--name', 'here', BASE, 'sleep', '1000');
    const exec = await engine.client.post('/containers/here/exec', { Cmd: 'true' });
    expect(exec.status).toBe(400);
    expect(exec.json.message).toContain('cannot unmarshal string into Go struct field');
    // dockerd copies below the container's /proc, where nobody sees it.
    if (onGantry) expect((await docker('cp', '/bin/busybox', 'here:/proc/x')).stderr).toContain('open /proc/x: no such file or directory');
    await docker('rm', '-f', 'here');
  });

  it('an import says what kept it from its archive', async () => {
    const refused = await docker('import', 'http://127.0.0.1:1/archive.tar');
    expect(refused.stderr).toContain('Get "http://127.0.0.1:1/archive.tar": dial tcp 127.0.0.1:1: connect: connection refused');
  });
});
