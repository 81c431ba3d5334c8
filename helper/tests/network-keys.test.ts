import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, onGantry, startEngine, type TestEngine } from './harness.ts';
import { Place, Wire } from './places.ts';

/** Keys of daemon.json that shape networks, each by what it does on the wire. */
describe.runIf(onGantry)('daemon.json', () => {
  let wire: Wire;
  const places: Place[] = [];

  beforeAll(async () => {
    wire = new Wire();
    await wire.peer.serveTcp(70);
  });
  afterAll(() => {
    for (const place of places) place.close();
    wire?.close();
  });

  /** Runs `work` on an engine with these keys. */
  async function withKeys(config: Record<string, unknown>, work: (engine: TestEngine) => Promise<void>): Promise<void> {
    const engine = await startEngine({ wrap: wire.host.wrap, config });
    try {
      await work(engine);
    } finally {
      await engine.stop();
    }
  }
  async function docker(engine: TestEngine, ...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await engine.docker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }
  async function sleeper(engine: TestEngine, ...args: string[]): Promise<Place> {
    const id = await docker(engine, 'run', '-d', ...args, BASE, 'sleep', '600');
    const place = new Place('-t', await docker(engine, 'inspect', '-f', '{{.State.Pid}}', id), '-n');
    places.push(place);
    return place;
  }
  const mtuOf = async (place: Place, link: string): Promise<number> =>
    JSON.parse(await place.output('ip', '-j', 'link', 'show', link))[0].mtu;
  /** How an engine with these keys fails to start. */
  const failure = (config: Record<string, unknown>): Promise<string> =>
    startEngine({ wrap: wire.host.wrap, config, image: false }).then(
      async (engine) => {
        await engine.stop();
        return 'it started';
      },
      (error: Error) => error.message,
    );

  it('bridge: none leaves containers that ask for no network without one', async () => {
    await withKeys({ bridge: 'none' }, async (engine) => {
      expect(await docker(engine, 'network', 'ls', '--format', '{{.Name}}')).toBe('host\nnone');
      for (const network of ['default', 'bridge']) {
        expect((await docker(engine, 'run', '--rm', '--network', network, BASE, 'ip', '-o', 'link')).split('\n')).toHaveLength(1);
      }
      expect((await engine.docker(['network', 'create', 'bridge'])).stderr).toContain(
        'operation is not permitted on predefined bridge network',
      );
      await docker(engine, 'network', 'create', 'own');
      expect(await docker(engine, 'run', '--rm', '--network', 'own', BASE, 'ip', '-o', 'link')).toContain('eth0');
      await docker(engine, 'network', 'rm', 'own');
      expect(await wire.host.output('ip', 'link')).not.toMatch(/gtr-|gantry0/);
    });
  });

  it('bridge: a link of the administrator’s, with fixed-cidr and default-gateway', async () => {
    wire.host.set('ip link add own0 type bridge; ip addr add 203.0.113.1/24 dev own0; ip link set own0 up');
    wire.host.set('for n in 3 4; do ip addr add fd00:20$n::1/64 dev own0 nodad; done');
    const v4 = { 'fixed-cidr': '203.0.113.128/25', 'default-gateway': '203.0.113.9' };
    const keys = { bridge: 'own0', ...v4, ipv6: true, 'fixed-cidr-v6': 'fd00:204::100/120' };
    await withKeys(keys, async (engine) => {
      expect(JSON.parse(await docker(engine, 'network', 'inspect', 'bridge', '-f', '{{json .IPAM.Config}}'))).toEqual([
        {
          ...{ Subnet: '203.0.113.0/24', IPRange: '203.0.113.128/25', Gateway: '203.0.113.1' },
          AuxiliaryAddresses: { DefaultGatewayIPv4: '203.0.113.9' },
        },
        { Subnet: 'fd00:204::/64', IPRange: 'fd00:204::100/120', Gateway: 'fd00:204::1' },
      ]);
      const place = await sleeper(engine);
      expect(await place.output('ip', 'route')).toMatch(/default via 203\.0\.113\.9 dev eth0[\s\S]*src 203\.0\.113\.128/);
    });
    expect(await wire.host.output('ip', 'addr', 'show', 'own0')).toContain('203.0.113.1/24');
    wire.host.set('ip link del own0');
    expect(await failure({ bridge: 'own0' })).toContain('bridge device with non default name own0 must be created manually');
    expect(await failure({ bridge: 'own0', bip: '10.0.0.1/24' })).toContain('mutually exclusive');
    expect(await failure({ bridge: 'own0', bip6: 'fd00:203::1/64' })).toContain('"bridge" and "bip6" are mutually exclusive');
    expect(await failure({ ipv6: true, bip6: 'fd00:203::1/64', 'fixed-cidr-v6': 'fd00:204::/80' })).toContain(
      'fixed-cidr-v6: fd00:204::/80 is not within the default bridge',
    );
    expect(await failure({ bip: '10.200.0.1/24', 'default-gateway': '10.9.9.9' })).toContain(
      'default-gateway: auxiliary address: (DefaultGatewayIPv4:10.9.9.9) must belong to the master pool: 10.200.0.0/24',
    );
  });

  it('iptables: false writes no rule; the proxy publishes, the rest is the administrator’s', async () => {
    await withKeys({ iptables: false, bip: '10.201.0.1/24' }, async (engine) => {
      const server = await sleeper(engine, '-p', '8080:80');
      await server.serveTcp(80);
      expect(await wire.host.output('nft', 'list', 'ruleset')).toBe('');
      expect(await wire.peer.tcp(wire.hostAddress, 8080)).toBe('10.201.0.1');
      expect(await wire.host.tcp('127.0.0.1', 8080)).toBe('10.201.0.1');
      // Without masquerading the peer has no way back, until it is told one.
      expect(await server.tcp(wire.peerAddress, 70)).toBe('no answer');
      wire.routeTo('10.201.0.0/24');
      expect(await server.tcp(wire.peerAddress, 70)).toBe('10.201.0.2');
      const link = (await wire.host.output('ip', '-o', 'link')).match(/(gtr-[^:]+):/)?.[1];
      expect(await wire.host.output('cat', `/proc/sys/net/ipv4/conf/${link}/route_localnet`)).toBe('0');
    });
  });

  it('fixed-cidr alone is the subnet, with bip6 a part of it', async () => {
    const v6 = { ipv6: true, bip6: 'fd00:205::9/64', 'fixed-cidr-v6': 'fd00:205::8000/113' };
    await withKeys({ 'fixed-cidr': '10.205.0.0/24', ...v6 }, async (engine) => {
      expect(JSON.parse(await docker(engine, 'network', 'inspect', 'bridge', '-f', '{{json .IPAM.Config}}'))).toEqual([
        { Subnet: '10.205.0.0/24', IPRange: '10.205.0.0/24', Gateway: '10.205.0.1' },
        { Subnet: 'fd00:205::/64', IPRange: 'fd00:205::8000/113', Gateway: 'fd00:205::9' },
      ]);
      const place = await sleeper(engine);
      expect(await place.output('ip', 'addr', 'show', 'eth0')).toMatch(/10\.205\.0\.2\/24[\s\S]*fd00:205::8000\/64/);
      expect(await place.output('ip', '-6', 'route', 'show', 'default')).toContain('via fd00:205::9 ');
    });
  });

  it('ip6tables: false leaves IPv6 alone, and IPv4 as it is', async () => {
    await withKeys({ ip6tables: false, ipv6: true, 'fixed-cidr-v6': 'fd00:202::/64', bip: '10.202.0.1/24' }, async (engine) => {
      const server = await sleeper(engine, '-p', '8080:80');
      await server.serveTcp(80);
      wire.routeTo('fd00:202::/64');
      wire.routeTo('10.202.0.0/24');
      expect(await wire.peer.tcp(wire.hostAddress, 8080)).toBe(wire.peerAddress);
      expect(await wire.peer.tcp('10.202.0.2', 80)).toBe('no answer');
      expect(await wire.peer.tcp('fd00:202::2', 80)).toBe('fd00:db8::2');
      expect(await wire.peer.tcp('fd00:db8::1', 8080)).toMatch(/^fd00:202::1$/);
      expect(await server.tcp('fd00:db8::2', 70)).toBe('fd00:202::2');
    });
  });

  it('allow-direct-routing opens published ports at the containers’ own addresses, and no others', async () => {
    await withKeys({ 'allow-direct-routing': true, bip: '10.206.0.1/24' }, async (engine) => {
      const server = await sleeper(engine, '--name', 'server', '-p', '8080:80');
      for (const port of [80, 81]) await server.serveTcp(port);
      wire.routeTo('10.206.0.0/24');
      const reached = async () => [await wire.peer.tcp('10.206.0.2', 80), await wire.peer.tcp('10.206.0.2', 81)];
      expect(await reached()).toEqual([wire.peerAddress, 'no answer']);
      await engine.crash();
      await engine.start();
      expect(await reached()).toEqual([wire.peerAddress, 'no answer']);
      await docker(engine, 'rm', '-f', 'server');
      expect(await wire.host.output('nft', 'list', 'ruleset')).not.toContain('10.206.0.2');
    });
  });

  it('userland-proxy: false holds published ports and serves them by the packet filter alone', async () => {
    await withKeys({ 'userland-proxy': false, bip: '10.203.0.1/24' }, async (engine) => {
      const server = await sleeper(engine, '--name', 'server', '-p', '8080:80');
      await server.serveTcp(80);
      expect(await docker(engine, 'port', 'server')).toBe('80/tcp -> 0.0.0.0:8080');
      expect(await wire.peer.tcp(wire.hostAddress, 8080)).toBe(wire.peerAddress);
      expect(await wire.host.tcp('127.0.0.1', 8080)).toBe('10.203.0.1');
      expect(await wire.host.tcp('::1', 8080)).toBe('ECONNREFUSED');
      expect(await server.tcp('10.203.0.1', 8080)).toMatch(/^10\.203\.0\./);
      await expect(wire.host.serveTcp(8080, '0.0.0.0')).rejects.toThrow('EADDRINUSE');
      expect((await engine.docker(['run', '--rm', '-p', '8080:80', BASE, 'true'])).stderr).toContain('port is already allocated');
    });
  });

  it('ip, icc, ip-masq, mtu, ipv6 and default-address-pools', async () => {
    const pools = [
      { base: '10.210.0.0/16', size: 24 },
      { base: 'fd00:210::/48', size: 64 },
    ];
    const keys = { ip: '127.0.0.1', icc: false, 'ip-masq': false, mtu: 1400, ipv6: true, 'default-address-pools': pools };
    await withKeys(keys, async (engine) => {
      const one = await sleeper(engine, '--name', 'one', '-p', '8080:80');
      const two = await sleeper(engine, '--name', 'two');
      await one.serveTcp(80);
      expect(await docker(engine, 'port', 'one')).toBe('80/tcp -> 127.0.0.1:8080');
      expect(await wire.peer.tcp(wire.hostAddress, 8080)).toBe('ECONNREFUSED');
      expect(await two.tcp('10.210.0.2', 80)).toMatch(/no answer|EHOSTUNREACH/);
      wire.routeTo('10.210.0.0/24');
      expect(await one.tcp(wire.peerAddress, 70)).toBe('10.210.0.2');
      expect(await one.output('ip', 'addr', 'show', 'eth0')).toMatch(/mtu 1400[\s\S]*10\.210\.0\.2\/24[\s\S]*fd00:210::2\/64/);
      await docker(engine, 'network', 'create', '--ipv6', 'next');
      expect(await docker(engine, 'network', 'inspect', 'next', '-f', '{{range .IPAM.Config}}{{.Subnet}} {{end}}')).toBe(
        '10.210.1.0/24 fd00:210:0:1::/64',
      );
      // A user's network has NAT of its own mind.
      expect(await (await sleeper(engine, '--network', 'next')).tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
      await docker(engine, 'rm', '-f', ...(await docker(engine, 'ps', '-q')).split('\n'));
      await docker(engine, 'network', 'rm', 'next');
    });
    expect(await failure({ 'default-address-pools': [{ base: '10.0.0.0/16', size: 8 }] })).toContain(
      'default-address-pools: invalid size 8',
    );
  });

  it('mtu is the default bridge’s own, too, with containers and without, and follows when it is changed', async () => {
    const keys = { bip: '10.206.0.1/24', mtu: 9000, 'default-network-opts': { bridge: { 'com.docker.network.driver.mtu': '1300' } } };
    const bridgeOf = (gateway: string): Promise<string> =>
      wire.host.output('sh', '-ec', `ip -o addr | awk '/ ${gateway}\\// { print $2 }'`);
    await withKeys(keys, async (engine) => {
      const bridge = await bridgeOf('10.206.0.1');
      expect(await mtuOf(wire.host, bridge)).toBe(9000);
      await docker(engine, 'network', 'create', '--subnet', '10.207.0.0/24', 'own');
      const [one, other] = [await sleeper(engine, '--name', 'one'), await sleeper(engine, '--network', 'own')];
      expect([await mtuOf(one, 'eth0'), await mtuOf(wire.host, bridge)]).toEqual([9000, 9000]);
      expect([await mtuOf(other, 'eth0'), await mtuOf(wire.host, await bridgeOf('10.207.0.1'))]).toEqual([1300, 1300]);
      await engine.quit();
      writeFileSync(path.join(engine.folder, 'daemon.json'), JSON.stringify({ ...keys, mtu: 1400 }));
      await engine.start();
      expect([await mtuOf(one, 'eth0'), await mtuOf(wire.host, bridge)]).toEqual([9000, 1400]);
      expect(await mtuOf(await sleeper(engine), 'eth0')).toBe(1400);
      await docker(engine, 'rm', '-f', ...(await docker(engine, 'ps', '-q')).split('\n'));
      expect([await mtuOf(wire.host, bridge), await mtuOf(wire.host, await bridgeOf('10.207.0.1'))]).toEqual([1400, 1300]);
      await docker(engine, 'network', 'rm', 'own');
      const before = await wire.host.output('ip', '-o', 'link');
      const refused = await engine.docker(['network', 'create', '-o', 'com.docker.network.driver.mtu=10', 'narrow']);
      expect([refused.code, (await wire.host.output('ip', '-o', 'link')).split('\n').length]).toEqual([1, before.split('\n').length]);
    });
  });

  it('mtu of an administrator’s bridge stays where the configuration says nothing', async () => {
    wire.host.set('ip link add own0 type bridge; ip link set own0 mtu 8000 up; ip addr add 10.208.0.1/24 dev own0');
    await withKeys({ bridge: 'own0' }, async () => expect(await mtuOf(wire.host, 'own0')).toBe(8000));
    await withKeys({ bridge: 'own0', mtu: 1400 }, async () => expect(await mtuOf(wire.host, 'own0')).toBe(1400));
    wire.host.set('ip link del own0');
  });

  it('default-gateway-v6: containers leave by it, and the bridge keeps its own address', async () => {
    const keys = { ipv6: true, bip6: 'fd00:206::1/64', 'default-gateway-v6': 'fd00:206::9' };
    await withKeys(keys, async (engine) => {
      const place = await sleeper(engine);
      expect(await place.output('ip', '-6', 'route', 'show', 'default')).toMatch(/^default via fd00:206::9 dev eth0/);
      expect(await place.output('ip', '-6', '-o', 'addr', 'show', 'eth0', 'scope', 'global')).toMatch(/fd00:206::(?!1\/|9\/)/);
      expect(await wire.host.output('ip', '-6', '-o', 'addr')).toContain('fd00:206::1/64');
    });
    expect(await failure({ ...keys, 'default-gateway-v6': 'fd00:999::9' })).toContain(
      'default-gateway-v6: auxiliary address: (DefaultGatewayIPv6:fd00:999::9) must belong to the master pool: fd00:206::/64',
    );
  });

  it('ip-forward: false leaves the host’s switch as it is; true turns it on', async () => {
    const isOn = (): Promise<string> => wire.host.output('cat', '/proc/sys/net/ipv4/ip_forward');
    wire.host.set('echo 0 >/proc/sys/net/ipv4/ip_forward');
    await withKeys({ 'ip-forward': false }, async (engine) => {
      expect((await engine.client.get('/info')).json.Warnings).toContain('WARNING: IPv4 forwarding is disabled');
      expect(await isOn()).toBe('0');
      const place = await sleeper(engine);
      expect(await place.tcp(wire.peerAddress, 70)).toMatch(/no answer|EHOSTUNREACH|ENETUNREACH/);
    });
    await withKeys({}, async (engine) => {
      expect(await isOn()).toBe('1');
      expect(await (await sleeper(engine)).tcp(wire.peerAddress, 70)).toBe(wire.hostAddress);
    });
  });

  it('subnets are chosen beside the host’s routes and name servers, and given up when the host comes to reach them', async () => {
    wire.host.set('ip route add 172.17.0.0/16 via 198.51.100.2; ip route add 172.18.128.0/17 via 198.51.100.2');
    await withKeys({}, async (engine) => {
      const subnet = (): Promise<string> => docker(engine, 'network', 'inspect', 'bridge', '-f', '{{(index .IPAM.Config 0).Subnet}}');
      expect(await subnet()).toMatch(/^172\.(19|2\d)\./);
      const [, second] = /^172\.(\d+)\./.exec(await subnet()) ?? [];
      await engine.quit();
      wire.host.set(`ip route add 172.${second}.0.0/24 via 198.51.100.2`);
      await engine.start();
      expect(await subnet()).not.toContain(`172.${second}.`);
    });
  });
});
