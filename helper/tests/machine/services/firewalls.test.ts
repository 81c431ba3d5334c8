import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { baseImageArchive } from '../../base-image.ts';
import { podmanIn } from '../../beside.ts';
import { BASE, eventually, startEngine, type TestEngine } from '../../harness.ts';
import { Place, Wire } from '../../places.ts';
import { run } from '../../process.ts';
import { Traffic } from '../../traffic.ts';

/** Firewalls and engines as Debian's services on the machine itself, as its administrator has them; the peer is the world outside. */
describe('with the services of the machine', { timeout: 240_000 }, () => {
  let wire: Wire;
  let folder: string;
  let engine: TestEngine | undefined;
  let traffic: Traffic;
  let undo: (() => Promise<unknown>)[] = [];

  beforeEach(async () => {
    wire = new Wire('machine');
    folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-services-'));
    await wire.peer.serveTcp(70);
    traffic = new Traffic(wire, () => engine);
  });
  afterEach(async () => {
    traffic.close();
    try {
      await engine?.stop();
    } finally {
      engine = undefined;
      for (const step of undo.reverse()) await step();
      undo = [];
      wire.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }, 240_000);

  async function root(...command: string[]): Promise<string> {
    const { code, stdout, stderr } = await run(command[0] ?? '', command.slice(1));
    if (code !== 0) throw new Error(`${command.join(' ')}: ${stdout}${stderr}`);
    return stdout.trim();
  }
  /** Stopped again at the end. */
  async function service(name: string): Promise<void> {
    undo.push(() => root('systemctl', 'stop', name));
    await root('systemctl', 'start', name);
  }
  const image = async (): Promise<string> => {
    const archive = path.join(folder, 'base.tar');
    writeFileSync(archive, await baseImageArchive());
    return archive;
  };
  const removed = async (): Promise<void> => {
    await traffic.docker('rm', '-f', 'server', 'client');
    await traffic.docker('network', 'rm', 'net');
  };
  /** Without what counts packets or is of a moment. */
  const rules = async (): Promise<string> => (await root('nft', '-s', 'list', 'ruleset')).replace(/ # handle \d+/g, '');

  it('ufw that denies all, with dockerd: after reloads and its end, and what is theirs stays', async () => {
    await service('docker');
    undo.push(() => root('sh', '-c', 'ip link del docker0; nft flush ruleset; systemctl stop docker.socket containerd'));
    await root('docker', '-H', 'unix:///run/docker.sock', 'load', '-qi', await image());
    await root('docker', '-H', 'unix:///run/docker.sock', 'run', '-d', '--name', 'theirs', '-p', '9090:80', BASE, 'sleep', '6000');
    undo.push(() => root('docker', '-H', 'unix:///run/docker.sock', 'rm', '-f', 'theirs'));
    const place = new Place('-t', await root('docker', '-H', 'unix:///run/docker.sock', 'inspect', '-f', '{{.State.Pid}}', 'theirs'), '-n');
    undo.push(async () => place.close());
    await place.serveTcp(80);
    undo.push(() => root('ufw', '--force', 'reset'));
    await root(
      'sh',
      '-ec',
      'ufw default deny incoming; ufw default deny routed; ufw allow ssh; ufw allow from 198.51.100.2 to any port 70',
    );
    await root('ufw', '--force', 'enable');
    expect(await root('ufw', 'status', 'verbose')).toContain('deny (incoming), allow (outgoing), deny (routed)');
    const before = await root('iptables', '-S');

    engine = await startEngine();
    const { server, client } = await traffic.containers();
    const both = async (): Promise<void> => {
      await traffic.works(server, client);
      expect(await wire.peer.tcp(wire.hostAddress, 9090)).toBe(wire.peerAddress);
      expect(await place.tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
      expect(await place.tcp(traffic.serverAddress, 80)).toBe('no answer');
    };
    await both();
    // The firewall still is one: what is not published is not to be reached.
    await wire.host.serveTcp(71);
    expect(await wire.peer.tcp(wire.hostAddress, 71)).toBe('no answer');

    await root('ufw', 'reload');
    await both();
    await root('systemctl', 'restart', 'docker');
    await eventually('our chain is first again', async () => /-A FORWARD -j GANTRY/.test(await root('iptables', '-S')) || undefined);
    await traffic.works(server, client);
    await root('ufw', '--force', 'disable');
    await traffic.works(server, client);
    await root('ufw', '--force', 'enable');
    await eventually('our chain is there', async () => /-A FORWARD -j GANTRY/.test(await root('iptables', '-S')) || undefined);
    await traffic.works(server, client);

    await removed();
    await engine.quit();
    const chains = (text: string): string[] =>
      text
        .split('\n')
        .filter((line) => !/172\.17\.0\.\d+\/32/.test(line))
        .sort();
    expect(chains(await root('iptables', '-S'))).toEqual(chains(before));
    await engine.start();
  });

  it('firewalld, with Podman: after its reload, restart and end, and what is theirs stays', async () => {
    await service('firewalld');
    const podman = podmanIn(wire.host);
    undo.push(podman.close);
    await podman.call('load', '-qi', await image());
    await podman.call('run', '-d', '--name', 'theirs', '-p', '9091:80', BASE, 'sleep', '6000');
    const place = new Place('-t', await podman.call('inspect', '-f', '{{.State.Pid}}', 'theirs'), '-n');
    undo.push(async () => place.close());
    await place.serveTcp(80);
    engine = await startEngine();
    const { server, client } = await traffic.containers();
    const theirs = async (): Promise<void> => {
      expect(await wire.peer.tcp(wire.hostAddress, 9091)).toBe(wire.peerAddress);
      expect(await place.tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
    };
    const zone = async (): Promise<string[]> =>
      (await root('firewall-cmd', '--zone=trusted', '--list-interfaces'))
        .split(' ')
        .filter((name) => name.startsWith('br-') || name === bridge);
    const bridge = await traffic.docker('network', 'inspect', 'bridge', '-f', '{{index .Options "com.docker.network.bridge.name"}}');
    await traffic.works(server, client);
    await theirs();
    await wire.host.serveTcp(71);
    expect(await wire.peer.tcp(wire.hostAddress, 71)).toMatch(/EHOSTUNREACH|no answer|ECONNREFUSED/);
    for (const [verb, ...command] of [
      ['reload', 'firewall-cmd', '--reload'],
      ['restart', 'systemctl', 'restart', 'firewalld'],
    ]) {
      await root(...command);
      await eventually(`our links are in their zone after a ${verb}`, async () => (await zone()).length === 2 || undefined);
      await traffic.works(server, client);
    }
    await removed();
    expect(await zone()).toHaveLength(1);
    await engine.quit();
    expect(await zone()).toEqual([]);
    await engine.start();
    const again = await traffic.containers();
    await root('systemctl', 'stop', 'firewalld');
    await traffic.works(again.server, again.client);
  });

  it('nftables: its reload flushes all, and what is ours comes back by itself', async () => {
    await service('nftables');
    const before = await rules();
    engine = await startEngine();
    const { server, client } = await traffic.containers();
    await traffic.works(server, client);
    for (const verb of ['reload', 'restart']) {
      await root('systemctl', verb, 'nftables');
      await eventually('our table is back', async () => (await rules()).includes('gantry-') || undefined);
      await traffic.works(server, client);
    }
    await removed();
    await engine.quit();
    expect(await rules()).toBe(before);
    await engine.start();
  });
});
