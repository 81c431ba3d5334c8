import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { BASE, eventually, helperBundle, launch, onGantry, startEngine, type TestEngine } from './harness.ts';
import { removeCgroup } from './leftovers.ts';
import { run } from './process.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-daemon-'));
const configFile = path.join(folder, 'daemon.json');
const configure = (config: object | string) => writeFileSync(configFile, typeof config === 'string' ? config : JSON.stringify(config));
afterAll(() => {
  rmSync(folder, { recursive: true });
  removeCgroup('gantry-test-parent');
});

let engine: TestEngine | undefined;
afterEach(async () => {
  await engine?.stop();
  engine = undefined;
});

describe.runIf(onGantry)('gantryd', () => {
  const gantryd = async (...args: string[]) => run(process.execPath, [await helperBundle(), ...args]);

  it('checks a configuration without starting: 0 or 1, and what is wrong', async () => {
    configure({ labels: ['a=b'] });
    expect(await gantryd('--check-config', '--config', configFile)).toMatchObject({ code: 0, stdout: 'configuration OK\n' });
    configure({ colour: 1 });
    const wrong = await gantryd('--validate', '--config-file', configFile);
    expect(wrong).toMatchObject({ code: 1, stdout: '' });
    expect(wrong.stderr).toContain(`with file ${configFile}: the following directives don't match any configuration option: colour`);
    configure({ hosts: ['tcp://0.0.0.0:1'] });
    expect((await gantryd('--check-config', '--config', configFile)).stderr).toContain('hosts: whoever reaches tcp://0.0.0.0:1 is root');
  });

  it('says its version, its options, and which of them it does not know', async () => {
    expect((await gantryd('--version')).stdout).toMatch(/^Gantry version \d+\.\d+\.\d+/);
    expect((await gantryd('--help')).stdout).toContain('--registry-mirror');
    expect(await gantryd('--colour')).toMatchObject({ code: 2, stderr: "gantryd: unknown flag: --colour\nSee 'gantryd --help'.\n" });
  });

  it('has its folders for itself, and says which of them it can’t use', async () => {
    engine = await startEngine({ image: false });
    const at = (name: string) => path.join(engine?.folder ?? '', name);
    const other = async (data: string, run: string) =>
      (await gantryd('--socket', path.join(folder, 'other.sock'), '--data', data, '--run', run)).stderr;
    const held = `another engine is running on ${at('data')}: stop it first`;
    expect(await other(at('data'), path.join(folder, 'run'))).toContain(`data-root: ${held}`);
    expect(await other(path.join(folder, 'data'), at('run'))).toContain(`exec-root: another engine is running on ${at('run')}`);
    writeFileSync(path.join(folder, 'file'), '');
    expect(await other(path.join(folder, 'file'), at('run'))).toContain(`data-root: ${path.join(folder, 'file')} is no folder`);
    expect(await other('/proc/gantry/data', at('run'))).toContain("data-root: can't make the folder: ENOENT");
    const more = async (...args: string[]) =>
      (await gantryd('--data', path.join(folder, 'data'), '--run', path.join(folder, 'run'), ...args)).stderr;
    expect(await more('--socket', '/proc/gantry/a.sock')).toContain("hosts: can't make the folder: ENOENT");
    expect(await more('--socket', path.join(folder, 'o.sock'), '--pidfile', '/proc/gantry/pid')).toContain(
      "pidfile: can't make the folder",
    );
    expect(await more('--socket', path.join(folder, 'o.sock'), '--pidfile', folder)).toContain('pidfile: EISDIR');
    expect(await more('--socket', path.join(folder, 'o.sock'), '--add-runtime', `x=${path.join(folder, 'file')}`)).toContain(
      'runtimes.x: spawn',
    );
    expect(await other('/proc/self', path.join(folder, 'run'))).toContain("data-root: can't write to the folder: ENOENT");
  });

  it('says who could replace its data', async () => {
    engine = await startEngine({ image: false, before: 'mkdir -m 777 -p "$FOLDER/data"; chown 1:1 "$FOLDER/data"' });
    expect(engine.log()).toMatch(/data-root: others than root can write to .*\(mode 777\)/);
    expect(engine.log()).toMatch(/data-root: .* belongs to user 1, who can replace/);
  });

  it('runs containers by runc where there is no crun, and says what to install where there is neither', async () => {
    const programs = path.join(folder, 'programs');
    mkdirSync(programs);
    for (const name of new Set(['/usr/sbin', '/usr/bin'].flatMap((from) => readdirSync(from)))) {
      const from = ['/usr/sbin', '/usr/bin'].find((at) => existsSync(path.join(at, name)));
      if (from && name !== 'crun') symlinkSync(path.join(from, name), path.join(programs, name));
    }
    engine = await startEngine({ env: { PATH: programs } });
    expect((await engine.client.get('/info')).json.DefaultRuntime).toBe('runc');
    expect((await engine.docker(['run', '--rm', BASE, 'echo', 'by runc'])).stdout).toBe('by runc\n');
    rmSync(path.join(programs, 'runc'));
    await expect(startEngine({ env: { PATH: programs }, image: false })).rejects.toThrow(
      'the OCI runtime crun is not installed: install the package "crun"',
    );
  }, 30_000);

  it('takes the configuration over on SIGHUP and says so in an event; a broken one changes nothing', async () => {
    configure({ labels: ['place=here'], 'max-concurrent-downloads': 2 });
    engine = await startEngine({ image: false, args: ['--config', configFile, '--pidfile', path.join(folder, 'pid')] });
    const { client } = engine;
    expect((await client.get('/info')).json).toMatchObject({ Labels: ['place=here'], Debug: false });
    expect(Number(readFileSync(path.join(folder, 'pid'), 'utf8'))).toBeGreaterThan(1);
    configure({
      ...{ labels: ['place=there'], debug: true, 'registry-mirrors': ['http://127.0.0.1:1'], 'insecure-registries': ['10.0.0.0/8'] },
      ...{ 'live-restore': false, 'default-runtime': 'runc', mtu: 1400, features: { x: true } },
    });
    engine.signal('SIGHUP');
    await eventually('the labels are new', async () => (await client.get('/info')).json.Labels[0] === 'place=there');
    // One that was asked for afterwards: the one before may have been put together in the midst of it.
    const info = (await client.get('/info')).json;
    expect(info).toMatchObject({ Debug: true, LiveRestoreEnabled: false, DefaultRuntime: 'runc' });
    expect(info.RegistryConfig).toMatchObject({ Mirrors: ['http://127.0.0.1:1/'] });
    expect(info.RegistryConfig.InsecureRegistryCIDRs).toContain('10.0.0.0/8');
    const events = await client.get(`/events?since=1&until=${Date.now() / 1000 + 1}&filters={"type":["daemon"]}`);
    expect(events.json).toMatchObject({
      Type: 'daemon',
      Action: 'reload',
      Actor: {
        ID: info.ID,
        Attributes: { name: info.Name, labels: '["place=there"]', 'max-concurrent-downloads': '6', debug: 'true', features: 'map[x:true]' },
      },
    });
    expect(engine.log()).toContain('changed options that take effect at the next start options=mtu');
    configure({ labels: 'none' });
    engine.signal('SIGHUP');
    await eventually('the log complains', () => engine?.log().includes('the configuration was not taken over'));
    expect(engine.log()).toContain('labels: Invalid type');
    expect((await client.get('/info')).json.Labels).toEqual(['place=there']);
  }, 30_000);

  it('obeys signals that come while it starts, when it has started', async () => {
    const signalling = path.join(folder, 'signalling');
    const sends = (signal: string) =>
      writeFileSync(signalling, `#!/bin/sh\n[ "$1" != --version ] || kill -${signal} $PPID\nexec crun "$@"\n`, { mode: 0o755 });
    configure({ runtimes: { signalling: { path: signalling } } });
    sends('HUP');
    engine = await startEngine({ image: false, args: ['--config', configFile] });
    await eventually('it has reloaded', () => engine?.log().includes('Reloaded configuration'));
    await engine.quit();
    sends('TERM');
    const at = (name: string) => path.join(engine?.folder ?? '', name);
    const stopped = await gantryd('--config', configFile, '--socket', at('s.sock'), '--data', at('data'), '--run', at('run'));
    expect(stopped).toMatchObject({ code: 0 });
    expect(stopped.stderr).toMatch(/Processing signal 'terminated'.*the engine is ready/s);
    sends('CONT');
    await engine.start();
  });

  it('without live-restore stops containers in their own time, and its next start resumes their policies', async () => {
    configure({ 'live-restore': false, 'shutdown-timeout': 0 });
    engine = await startEngine({ args: ['--config', configFile] });
    const { client } = engine;
    const slow = await launch(client, { Cmd: ['sh', '-c', 'trap "sleep 1; exit 3" TERM; echo ready; while :; do sleep 0.05; done'] });
    const again = await launch(client, {
      Cmd: ['sleep', '1000'],
      StopSignal: 'KILL',
      HostConfig: { RestartPolicy: { Name: 'unless-stopped' } },
    });
    await eventually('it is ready', async () => (await client.get(`/containers/${slow}/logs?stdout=1`)).text.includes('ready'));
    expect(await engine.quit()).toBe(0);
    await engine.start();
    expect((await client.get(`/containers/${slow}/json`)).json.State).toMatchObject({ Status: 'exited', ExitCode: 3 });
    expect((await client.get(`/gantry/v1/containers/${slow}/stops`)).json).toMatchObject([
      { Cause: 'shutdown', By: 'engine', ExitCode: 3, Forced: false, LastLines: [{ Text: 'ready' }] },
    ]);
    await eventually('the policy has started it', async () => (await client.get(`/containers/${again}/json`)).json.State.Running);
  }, 30_000);

  it('without live-restore ends at its start what it left when it was killed', async () => {
    configure({ 'live-restore': false });
    engine = await startEngine({ args: ['--config', configFile] });
    const { client } = engine;
    const config = { Cmd: ['sleep', '1000'], StopSignal: 'KILL' };
    const left = await launch(client, config);
    const again = await launch(client, { ...config, HostConfig: { RestartPolicy: { Name: 'always' } } });
    const removed = await launch(client, { ...config, HostConfig: { AutoRemove: true } });
    const { StartedAt } = (await client.get(`/containers/${again}/json`)).json.State;
    await engine.crash();
    await engine.start();
    expect((await client.get(`/containers/${left}/json`)).json).toMatchObject({
      State: { Status: 'exited' },
      NetworkSettings: { SandboxID: '', Ports: {} },
    });
    expect((await client.get(`/containers/${removed}/json`)).status).toBe(404);
    await eventually('the policy has started it', async () => {
      const { State } = (await client.get(`/containers/${again}/json`)).json;
      return State.Running && State.StartedAt !== StartedAt;
    });
  }, 30_000);

  it('with live-restore leaves containers running, and finds them again', async () => {
    engine = await startEngine();
    const id = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const { Pid } = (await engine.client.get(`/containers/${id}/json`)).json.State;
    await engine.quit();
    process.kill(Pid, 0);
    await engine.start();
    expect((await engine.client.get(`/containers/${id}/json`)).json.State).toMatchObject({ Running: true, Pid });
  }, 30_000);

  it('has units that systemd understands', async () => {
    const units = path.join(import.meta.dirname, '../../assets/systemd');
    for (const name of ['gantry.service', 'gantry.socket']) {
      const text = readFileSync(path.join(units, name), 'utf8').replace('/usr/bin/node', process.execPath);
      writeFileSync(path.join(folder, name), text);
    }
    const verified = await run('systemd-analyze', ['verify', path.join(folder, 'gantry.service'), path.join(folder, 'gantry.socket')]);
    expect(verified).toEqual({ code: 0, stdout: '', stderr: '' });
  });

  it('logs as JSON with the fields of dockerd’s log', async () => {
    engine = await startEngine({ image: false, args: ['--log-format', 'json'] });
    // It listens before it says so.
    const log = await eventually('it is ready', () => (engine?.log().includes('the engine is ready') ? engine.log() : undefined));
    const lines = log
      .slice(0, log.lastIndexOf('\n'))
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toContainEqual({
      level: 'info',
      msg: 'the engine is ready',
      time: expect.stringMatching(/Z$/),
      version: expect.any(String),
      instance: expect.any(String),
    });
  });

  it('takes runtimes, defaults of containers and the default bridge from its configuration', async () => {
    const wrapper = path.join(folder, 'wrapper');
    writeFileSync(wrapper, '#!/bin/sh\nexec crun "$@"\n', { mode: 0o755 });
    configure({
      ...{ runtimes: { own: { path: wrapper, runtimeArgs: ['--cgroup-manager=cgroupfs'] } }, 'no-new-privileges': true, init: true },
      ...{ bip: '10.213.7.1/24', 'fixed-cidr': '10.213.7.128/25', mtu: 1400, ip: '127.0.0.1', 'cgroup-parent': '/gantry-test-parent' },
      ...{ 'default-ulimits': { nofile: { Name: 'nofile', Soft: 99, Hard: 100 } }, 'default-shm-size': '32m' },
      ...{ 'default-network-opts': { bridge: { 'com.docker.network.driver.mtu': '1300' } }, 'host-gateway-ips': ['192.0.2.9'] },
    });
    engine = await startEngine({ args: ['--config', configFile] });
    const { client, docker } = engine;
    expect((await client.get('/info')).json.Runtimes.own).toEqual({ path: wrapper, runtimeArgs: ['--cgroup-manager=cgroupfs'] });
    const script =
      'grep NoNewPrivs /proc/self/status; ulimit -n; df -k /dev/shm | tail -1; cat /sys/class/net/eth0/mtu; ip -4 -o addr show eth0; cat /proc/1/comm; grep gw /etc/hosts; grep -E "pids|^0:" /proc/self/cgroup';
    const ran = await docker([
      'run',
      '--rm',
      '--runtime',
      'own',
      '--cgroupns',
      'host',
      '--add-host',
      'gw:host-gateway',
      BASE,
      'sh',
      '-c',
      script,
    ]);
    expect(ran.stderr).toBe('');
    for (const line of [
      /NoNewPrivs:\s1/,
      /^99$/m,
      /shm\s+32768/,
      /^1400$/m,
      /10\.213\.7\.(12[89]|1[3-9]\d|2\d\d)\/24/,
      /192\.0\.2\.9\s+gw/,
    ]) {
      expect(ran.stdout).toMatch(line);
    }
    expect(ran.stdout).toMatch(/init|tini|catatonit/);
    expect(ran.stdout).toContain('gantry-test-parent');
    await docker(['network', 'create', 'own']);
    expect((await client.get('/networks/own')).json.Options).toEqual({ 'com.docker.network.driver.mtu': '1300' });
    expect((await docker(['network', 'inspect', 'bridge', '-f', '{{json .IPAM.Config}}'])).stdout).toContain('"IPRange":"10.213.7.128/25"');
    expect(statSync(engine.socketPath).mode & 0o777).toBe(0o660);
    await docker(['network', 'rm', 'own']);
  }, 30_000);

  it('takes from it what containers get of names, logs, IPC and system calls', async () => {
    const profile = path.join(folder, 'seccomp.json');
    const denied = { names: ['mkdir', 'mkdirat'], action: 'SCMP_ACT_ERRNO' };
    writeFileSync(profile, JSON.stringify({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [denied] }));
    configure({
      ...{ 'seccomp-profile': profile, 'default-ipc-mode': 'shareable', 'default-cgroupns-mode': 'private', experimental: true },
      ...{ 'log-opts': { 'max-size': '1m' }, dns: ['192.0.2.1'], 'dns-opts': ['ndots:7'], 'host-gateway-ip': '192.0.2.8' },
    });
    engine = await startEngine({ args: ['--config', configFile] });
    const { client, docker } = engine;
    const info = (await client.get('/info')).json;
    expect(info).toMatchObject({ ExperimentalBuild: true, SecurityOptions: expect.arrayContaining([`name=seccomp,profile=${profile}`]) });
    expect(info.Warnings).toContain('WARNING: daemon is not using the default seccomp profile');
    const script = 'readlink /proc/self/ns/cgroup; cat /etc/resolv.conf; grep gw /etc/hosts; mkdir /made 2>&1';
    const ran = await docker(['run', '--name', 'configured', '--add-host', 'gw:host-gateway', BASE, 'sh', '-c', script]);
    expect(ran.stdout).toMatch(/nameserver 192\.0\.2\.1\n(.*\n)*.*ndots:7/);
    expect(ran.stdout).toMatch(/192\.0\.2\.8\s+gw/);
    expect(ran.stdout).toMatch(/can't create directory|not permitted/);
    expect(ran.stdout).not.toContain(readlinkSync('/proc/self/ns/cgroup'));
    const { HostConfig } = (await client.get('/containers/configured/json')).json;
    expect(HostConfig).toMatchObject({ IpcMode: 'shareable', CgroupnsMode: 'private', LogConfig: { Config: { 'max-size': '1m' } } });
  }, 30_000);
});
