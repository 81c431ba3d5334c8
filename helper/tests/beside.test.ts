import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { baseImageArchive } from './base-image.ts';
import { firewalldFiles, podmanIn, startDockerd, startFirewalld } from './beside.ts';
import { BASE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { Place, Wire } from './places.ts';
import { run } from './process.ts';
import { Traffic } from './traffic.ts';

const has = (program: string): boolean => {
  try {
    execFileSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
};

/** Who else writes packet filter rules on a host, and what becomes of both. Each in a network namespace of its own. */
describe.runIf(onGantry)('beside', () => {
  let wire: Wire;
  let folder: string;
  let engine: TestEngine | undefined;
  let places: Place[] = [];
  let traffic: Traffic;

  beforeEach(async () => {
    wire = new Wire();
    folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-beside-'));
    await wire.peer.serveTcp(70);
    traffic = new Traffic(wire, () => engine);
  });
  afterEach(async () => {
    for (const place of places) place.close();
    places = [];
    traffic.close();
    try {
      await engine?.stop();
    } finally {
      engine = undefined;
      wire.close();
      rmSync(folder, { recursive: true, force: true });
    }
  });

  const docker = (...args: string[]): Promise<string> => traffic.docker(...args);
  const inside = (name: string): Promise<Place> => traffic.inside(name);
  const containers = (): Promise<{ server: Place; client: Place }> => traffic.containers();
  const works = (server: Place, client: Place): Promise<void> => traffic.works(server, client);
  const rules = (program: string): Promise<string> => wire.host.output(program, '-S');

  for (const kind of ['nft', 'legacy']) {
    it.runIf(has(`iptables-${kind}`))(`iptables-${kind} with a FORWARD policy of drop, before and after the engine's start`, async () => {
      // As ufw has it: its chains, and drops as policies.
      const drop = (): void =>
        wire.host.set(`iptables-${kind} -N ufw-before-forward; iptables-${kind} -A FORWARD -j ufw-before-forward
          iptables-${kind} -A ufw-before-forward -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
          iptables-${kind} -P FORWARD DROP`);
      drop();
      const before = await rules(`iptables-${kind}`);
      engine = await startEngine({ wrap: wire.host.wrap });
      const { server, client } = await containers();
      await works(server, client);
      // A reload: all is taken away and made again. iptables-legacy tells nobody: what happens next brings it back.
      wire.host.set(`iptables-${kind} -F; iptables-${kind} -X`);
      drop();
      if (kind === 'legacy') await docker('network', 'create', 'next');
      await eventually('our chain is back', async () => /-A FORWARD -j GANTRY/.test(await rules(`iptables-${kind}`)) || undefined);
      await works(server, client);
      await docker('rm', '-f', 'server', 'client');
      await docker('network', 'prune', '-f');
      await engine.quit();
      expect(await rules(`iptables-${kind}`)).toBe(before);
      await engine.start();
    });
  }

  it.runIf(has('dockerd'))(
    'dockerd: both publish, both lead out, neither reaches into the other, and ours leaves its rules alone',
    async () => {
      engine = await startEngine({ wrap: wire.host.wrap });
      const { server, client } = await containers();
      const other = await startDockerd(wire.host, folder);
      try {
        const theirs = async (...args: string[]): Promise<string> => {
          const { code, stdout, stderr } = await run('docker', ['-H', `unix://${other.socket}`, ...args]);
          if (code !== 0) throw new Error(stderr);
          return stdout.trim();
        };
        const archive = path.join(folder, 'base.tar');
        writeFileSync(archive, await baseImageArchive());
        await theirs('load', '-qi', archive);
        await theirs('run', '-d', '--name', 'theirs', '-p', '9090:80', BASE, 'sleep', '6000');
        const place = new Place('-t', await theirs('inspect', '-f', '{{.State.Pid}}', 'theirs'), '-n');
        places.push(place);
        await place.serveTcp(80);
        const both = async (): Promise<void> => {
          await works(server, client);
          expect(await wire.peer.tcp(wire.hostAddress, 9090)).toBe(wire.peerAddress);
          expect(await place.tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
          expect(await place.tcp(wire.hostAddress, 8080)).toMatch(/^172\./);
          expect(await place.tcp(traffic.serverAddress, 80)).toBe('no answer');
        };
        await eventually('our bridges are let through', async () => (await rules('iptables')).includes('GANTRY') || undefined);
        await both();
        const subnets = await Promise.all(
          [docker, theirs].map((on) => on('network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Subnet}}')),
        );
        expect(subnets[0]).not.toBe(subnets[1]);
        // Ports are shared out between the two.
        expect((await engine.docker(['run', '--rm', '-p', '9090:80', BASE, 'true'])).stderr).toMatch(
          /address already in use \(by docker-proxy, pid \d+\)/,
        );
        await engine.crash();
        await engine.start();
        await both();
        await docker('rm', '-f', 'server', 'client');
        await docker('network', 'prune', '-f');
        await engine.quit();
        expect(await rules('iptables')).not.toContain('GANTRY');
        expect(await wire.peer.tcp(wire.hostAddress, 9090)).toBe(wire.peerAddress);
        await engine.start();
      } finally {
        const { stdout } = await run('docker', ['-H', `unix://${other.socket}`, 'ps', '-aq']);
        await run('docker', ['-H', `unix://${other.socket}`, 'rm', '-f', ...stdout.trim().split('\n')]);
        await other.stop();
      }
    },
  );

  it.runIf(has('podman') && has('runc'))('Podman: both publish, both lead out, and a stop of either leaves the other', async () => {
    const podman = podmanIn(wire.host);
    try {
      const archive = path.join(folder, 'base.tar');
      writeFileSync(archive, await baseImageArchive());
      await podman.call('load', '-qi', archive);
      // It raises limits that not every machine lets it raise.
      const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024'];
      await podman.call('run', '-d', ...limits, '--name', 'theirs', '-p', '9091:80', BASE, 'sleep', '6000');
      const place = new Place('-t', await podman.call('inspect', '-f', '{{.State.Pid}}', 'theirs'), '-n');
      places.push(place);
      await place.serveTcp(80);
      engine = await startEngine({ wrap: wire.host.wrap });
      const { server, client } = await containers();
      const theirs = async (): Promise<void> => {
        expect(await wire.peer.tcp(wire.hostAddress, 9091)).toBe(wire.peerAddress);
        expect(await place.tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
      };
      await works(server, client);
      await theirs();
      expect(await place.tcp(traffic.serverAddress, 80)).toBe('no answer');
      await docker('rm', '-f', 'server', 'client');
      await docker('network', 'prune', '-f');
      await engine.quit();
      await theirs();
      await engine.start();
      const again = await containers();
      await podman.call('rm', '-f', '-t', '0', 'theirs');
      await works(again.server, again.client);
    } finally {
      await podman.close();
    }
  });

  const files = firewalldFiles();
  it('firewalld: lets our networks through, after its reload too, and forgets us when we stop', async ({ skip }) => {
    skip(files === undefined, 'firewalld can’t be had: it wants python3-dbus, python3-gi and a Debian mirror');
    const firewall = await startFirewalld(wire.host, files ?? '', folder);
    // Another zone than links have that nobody told it of: between zones firewalld rejects.
    await firewall.command('--zone=work', '--add-interface=wire');
    engine = await startEngine({ wrap: wire.host.wrap, env: { PATH: `${folder}/bin:${process.env.PATH}` } });
    const { server, client } = await containers();
    await works(server, client);
    expect((await firewall.command('--zone=trusted', '--list-interfaces')).split(' ')).toHaveLength(2);
    await firewall.command('--reload');
    await firewall.command('--zone=work', '--change-interface=wire');
    await eventually('our links are in their zone', async () => {
      return (await firewall.command('--zone=trusted', '--list-interfaces')).split(' ').length === 2 || undefined;
    });
    await works(server, client);
    await docker('rm', '-f', 'server', 'client');
    await docker('network', 'rm', 'net');
    expect((await firewall.command('--zone=trusted', '--list-interfaces')).split(' ')).toHaveLength(1);
    await engine.quit();
    expect(await firewall.command('--zone=trusted', '--list-interfaces')).toBe('');
    await engine.start();
  });

  it('nft flush ruleset, kill -9 and both at once', async () => {
    engine = await startEngine({ wrap: wire.host.wrap });
    const { server, client } = await containers();
    const table = (): Promise<true | undefined> =>
      wire.host.output('nft', 'list', 'ruleset').then((text) => text.includes('gantry-') || undefined);
    wire.host.set('nft flush ruleset');
    await eventually('our table is back', table);
    await works(server, client);
    await engine.crash();
    await works(server, client);
    wire.host.set('nft flush ruleset');
    await engine.start();
    await works(server, client);
    // Links that an administrator took away are made again at the next start.
    const link = await docker('network', 'inspect', '-f', '{{slice .Id 0 12}}', 'net');
    await engine.crash();
    wire.host.set(`ip link del br-${link}`);
    await engine.start();
    await docker('restart', '-t', '0', 'server');
    const again = await inside('server');
    await again.serveTcp(80);
    await works(again, client);
  });

  it('a reboot: links, rules, namespaces and run-time files are gone, restart policies bring back what ran', async () => {
    const boot = (id: string): void => writeFileSync(path.join(folder, 'boot_id'), `${id}-0000-4000-8000-000000000000\n`);
    boot('11111111');
    engine = await startEngine({ wrap: wire.host.wrap, before: `mount --bind ${folder}/boot_id /proc/sys/kernel/random/boot_id` });
    await containers();
    await docker('network', 'create', '--internal', 'quiet');
    const pids = await docker('inspect', '-f', '{{.State.Pid}}', 'server', 'client');
    // What a power cut finds on the disk, which is a moment behind.
    const records = path.join(engine.folder, 'data/containers');
    await eventually('that they run is on the disk', () =>
      readdirSync(records)
        .filter((name) => !name.startsWith('.'))
        .every((name) => /"status":\s*"running"/.test(readFileSync(path.join(records, name, 'container.json'), 'utf8'))),
    );
    await engine.crash();
    for (const pid of pids.split('\n')) process.kill(Number(pid), 'SIGKILL');
    const running = path.join(engine.folder, 'run');
    await eventually('their monitors are gone', () => {
      return !execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' }).includes(`${running}/`) || undefined;
    });
    execFileSync('sh', ['-ec', `findmnt -rno TARGET | grep '^${engine.folder}/' | sort -r | xargs -r umount -l; rm -rf ${running}`]);
    wire.host.set(
      `nft flush ruleset; for link in $(ip -o link show type bridge | sed 's/^[0-9]*: \\([^:@]*\\).*/\\1/'); do ip link del $link; done`,
    );
    boot('22222222');
    await engine.start();
    await eventually(
      'the server runs',
      async () => (await docker('inspect', '-f', '{{.State.Running}}', 'server')) === 'true' || undefined,
    );
    expect(await docker('inspect', '-f', '{{.State.Status}}', 'client')).toBe('exited');
    await docker('start', 'client');
    const server = await inside('server');
    await server.serveTcp(80);
    await works(server, await inside('client'));
    expect(await docker('network', 'inspect', '-f', '{{.Internal}}', 'quiet')).toBe('true');
  });
});
