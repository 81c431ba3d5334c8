import { describe, expect, it } from 'vitest';
import { BASE, launch, onGantry } from './harness.ts';
import { wiredEngine } from './wired.ts';

/** Published ports as the world sees them: the engine in a network namespace, a second host on its wire. */
describe.runIf(onGantry)('published ports', () => {
  const wired = wiredEngine();
  const { docker, refused, inside, sleeper } = wired;
  const addressOf = (name: string, network: string): Promise<string> =>
    docker('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name);

  it('are reached by NAT, by routing or not at all: gateway modes', async () => {
    const mode = (family: 4 | 6, value: string): string[] => ['-o', `com.docker.network.bridge.gateway_mode_ipv${family}=${value}`];
    await docker('network', 'create', '--subnet', '10.93.0.0/24', '--ipv6', '--subnet', 'fd00:93::/64', 'nat');
    await docker('network', 'create', '--subnet', '10.94.0.0/24', ...mode(4, 'nat-unprotected'), 'open');
    await docker(
      'network',
      'create',
      '--subnet',
      '10.95.0.0/24',
      '--ipv6',
      '--subnet',
      'fd00:95::/64',
      ...mode(4, 'routed'),
      ...mode(6, 'routed'),
      'routed',
    );
    for (const subnet of ['10.93.0.0/24', '10.94.0.0/24', '10.95.0.0/24', 'fd00:93::/64', 'fd00:95::/64']) wired.wire.routeTo(subnet);
    for (const name of ['nat', 'open', 'routed']) {
      const place = await sleeper(`in-${name}`, '--network', name, '-p', '8080:80', '-p', '80');
      await place.serveTcp(80);
      await place.serveTcp(81);
      if (name !== 'routed') await docker('stop', '-t', '0', `in-${name}`);
    }
    await wired.wire.peer.serveTcp(70);
    const ping = async (address: string): Promise<boolean> =>
      (await wired.wire.peer.run('busybox', 'ping', '-c1', '-W1', address)).code === 0;
    // Routed: no port of the host, the container's published one by routing, ICMP, its own address outside.
    const { peer } = wired.wire;
    const routed = await inside('in-routed');
    expect(await peer.tcp(wired.wire.hostAddress, 8080)).toBe('ECONNREFUSED');
    expect(await peer.tcp('10.95.0.2', 80)).toBe(wired.wire.peerAddress);
    expect(await peer.tcp('fd00:95::2', 80)).toBe('fd00:db8::2');
    expect(await peer.tcp('10.95.0.2', 81)).toBe('no answer');
    expect(await ping('10.95.0.2')).toBe(true);
    expect(await routed.tcp(wired.wire.peerAddress, 70)).toBe('10.95.0.2');
    expect(await routed.tcp('fd00:db8::2', 70)).toBe('fd00:95::2');
    expect(JSON.parse(await docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', 'in-routed'))).toEqual({
      '80/tcp': [
        { HostIp: '0.0.0.0', HostPort: '' },
        { HostIp: '::', HostPort: '' },
      ],
    });
    await wired.engine.crash();
    await wired.engine.start();
    expect(await peer.tcp('10.95.0.2', 80)).toBe(wired.wire.peerAddress);
    await docker('stop', '-t', '0', 'in-routed');
    // NAT: published ports only, and nothing by routing.
    await docker('start', 'in-nat');
    const nat = await inside('in-nat');
    await nat.serveTcp(80);
    await nat.serveTcp(81);
    expect(await peer.tcp(wired.wire.hostAddress, 8080)).toBe(wired.wire.peerAddress);
    expect(await peer.tcp('fd00:db8::1', 8080)).toBe('fd00:db8::2');
    expect(await peer.tcp('10.93.0.2', 80)).toBe('no answer');
    expect(await peer.tcp('fd00:93::2', 80)).toBe('no answer');
    expect(await ping('10.93.0.2')).toBe(false);
    expect(await nat.tcp(wired.wire.peerAddress, 70)).toBe(wired.wire.hostAddress);
    expect(await nat.tcp('fd00:db8::2', 70)).toBe('fd00:db8::1');
    await docker('stop', '-t', '0', 'in-nat');
    // Unprotected: both.
    await docker('start', 'in-open');
    const open = await inside('in-open');
    await open.serveTcp(80);
    await open.serveTcp(81);
    expect(await peer.tcp(wired.wire.hostAddress, 8080)).toBe(wired.wire.peerAddress);
    expect(await peer.tcp('10.94.0.2', 81)).toBe(wired.wire.peerAddress);
    await docker('rm', '-f', 'in-nat', 'in-open', 'in-routed');
    await docker('network', 'rm', 'nat', 'open', 'routed');
    expect(await wired.wire.host.output('nft', 'list', 'ruleset')).not.toContain('10.95.0.2');

    await docker('network', 'create', '--internal', '--subnet', '10.96.0.0/24', ...mode(4, 'isolated'), 'isolated');
    expect(await docker('network', 'inspect', '-f', '{{json .IPAM.Config}}', 'isolated')).toBe('[{"Subnet":"10.96.0.0/24"}]');
    expect(await wired.wire.host.output('ip', '-4', 'addr')).not.toContain('10.96.0.');
    const alone = await sleeper('alone', '--network', 'isolated', '-p', '80');
    expect(await alone.output('ip', 'route')).not.toContain('default');
    await docker('rm', '-f', 'alone');
    await docker('network', 'rm', 'isolated');
  });

  it('are there as soon as a network that can is joined, and follow when it is left', async () => {
    await docker('network', 'create', '--internal', '--subnet', '10.81.0.0/24', 'quiet');
    await docker('network', 'create', '--subnet', '10.82.0.0/24', 'first');
    await docker('network', 'create', '--subnet', '10.83.0.0/24', 'second');
    const place = await sleeper('mover', '--network', 'quiet', '-p', '8082:80');
    await place.serveTcp(80);
    const { peer } = wired.wire;
    const ports = (): Promise<string> => docker('port', 'mover');
    expect(await ports()).toBe('');
    expect(await peer.tcp(wired.wire.hostAddress, 8082)).toBe('ECONNREFUSED');
    await docker('network', 'connect', 'first', 'mover');
    expect(await ports()).toContain('80/tcp -> 0.0.0.0:8082');
    expect(await peer.tcp(wired.wire.hostAddress, 8082)).toBe(wired.wire.peerAddress);
    const preferred = { Container: 'mover', EndpointConfig: { GwPriority: 3 } };
    expect((await wired.engine.client.post('/networks/second/connect', preferred)).status).toBe(200);
    expect(await peer.tcp(wired.wire.hostAddress, 8082)).toBe(wired.wire.peerAddress);
    expect(await wired.wire.host.output('nft', 'list', 'ruleset')).toContain('tcp . 8082 : 10.83.0.2 . 80');
    await docker('network', 'disconnect', 'second', 'mover');
    expect(await wired.wire.host.output('nft', 'list', 'ruleset')).toContain('tcp . 8082 : 10.82.0.2 . 80');
    await docker('network', 'disconnect', 'first', 'mover');
    expect(await ports()).toBe('');
    expect(await peer.tcp(wired.wire.hostAddress, 8082)).toBe('ECONNREFUSED');
    await docker('rm', '-f', 'mover');
    await docker('network', 'rm', 'quiet', 'first', 'second');
  });

  it('come in ranges, by protocol and host address, and keep the source', async () => {
    const { peer, host } = wired.wire;
    const server = await sleeper(
      'ports',
      ...['-p', '3000-3002:80-82', '-p', '127.0.0.1:4001:80', '-p', '198.51.100.1:4002:80', '-p', '[fd00:db8::1]:4003:80'],
      ...['-p', '5300:53/udp', '-p', '4100-4109:83', '-p', '80'],
    );
    for (const port of [80, 81, 82, 83]) await server.serveTcp(port);
    await server.serveUdp(53, 'first');
    for (const port of [3000, 3001, 3002, 4002]) expect(await peer.tcp(wired.wire.hostAddress, port)).toBe(wired.wire.peerAddress);
    expect(await peer.tcp(wired.wire.hostAddress, 4001)).toBe('ECONNREFUSED');
    expect(await host.tcp('127.0.0.1', 4001)).toMatch(/^172\./);
    expect(await peer.tcp('fd00:db8::1', 4003)).toMatch(/^172\./);
    expect(await peer.tcp(wired.wire.hostAddress, 4100)).toBe(wired.wire.peerAddress);
    expect(await peer.udp(wired.wire.hostAddress, 5300)).toBe(`first ${wired.wire.peerAddress}`);
    const random = Number((await docker('port', 'ports', '80/tcp')).split('\n')[0]?.split(':').at(-1));
    const { json } = await wired.engine.client.get('/containers/ports/json');
    const chosen = json.NetworkSettings.Ports['80/tcp'].map(({ HostPort }: { HostPort: string }) => Number(HostPort));
    const [low = 0, high = 0] = (await host.output('cat', '/proc/sys/net/ipv4/ip_local_port_range')).split(/\s+/).map(Number);
    expect([...chosen, random].some((port) => port >= low && port <= high)).toBe(true);
    // The first of a range is taken: the next one is given.
    await sleeper('more', '-p', '4100-4109:83');
    expect(await docker('port', 'more', '83/tcp')).toContain('0.0.0.0:4101');
    // Hairpin: the container itself, a neighbour and another network reach it by the host's address.
    await docker('network', 'create', 'far');
    const far = await sleeper('far', '--network', 'far');
    expect(await server.tcp(wired.wire.hostAddress, 3000)).toMatch(/^172\./);
    expect(await (await inside('more')).tcp(wired.wire.hostAddress, 3000)).toMatch(/^172\./);
    expect(await far.tcp(wired.wire.hostAddress, 3000)).toMatch(/^172\./);
    expect(await far.tcp(await addressOf('ports', 'bridge'), 80)).toBe('no answer');
    await docker('rm', '-f', 'ports', 'more', 'far');
    await docker('network', 'rm', 'far');
  });

  it('lead a UDP client that never stops to the next container: what the kernel remembers is forgotten', async () => {
    const { peer } = wired.wire;
    const first = await sleeper('udp1', '-p', '5301:53/udp');
    await first.serveUdp(53, 'one');
    const client = await peer.start(
      `const s=require('dgram').createSocket('udp4');s.bind(7777,()=>{console.log('up');setInterval(()=>s.send('?',5301,'${wired.wire.hostAddress}'),20)});s.on('message',m=>console.log(String(m)));s.on('error',()=>{})`,
    );
    let said = '';
    client.stdout?.on('data', (text) => (said += text));
    await expect.poll(() => said).toContain('one ');
    await docker('rm', '-f', 'udp1');
    await sleeper('filler');
    const second = await sleeper('udp2', '-p', '5301:53/udp');
    await second.serveUdp(53, 'two');
    await expect.poll(() => said, { timeout: 5000 }).toContain('two ');
    client.kill('SIGKILL');
    await docker('rm', '-f', 'udp2', 'filler');
  });

  it('are a neighbour’s, too, where neighbours are apart, whatever the host filters on its bridges', async () => {
    await docker('network', 'create', '--subnet', '10.87.0.0/24', '-o', 'com.docker.network.bridge.enable_icc=false', 'apart');
    const server = await sleeper('apart-1', '--network', 'apart', '-p', '8087:80');
    await server.serveTcp(80);
    const other = await sleeper('apart-2', '--network', 'apart');
    const settings = await wired.wire.host.run('sysctl', '-n', 'net.bridge.bridge-nf-call-iptables');
    for (const filtered of settings.code === 0 ? ['1', '0'] : ['']) {
      if (filtered) wired.wire.host.set(`sysctl -qw net.bridge.bridge-nf-call-iptables=${filtered}`);
      expect(await other.tcp('10.87.0.2', 80)).toMatch(/^(no answer|EHOSTUNREACH)$/);
      expect(await other.tcp(wired.wire.hostAddress, 8087)).toBe('10.87.0.1');
      expect(await wired.wire.peer.tcp(wired.wire.hostAddress, 8087)).toBe(wired.wire.peerAddress);
    }
    await docker('rm', '-f', 'apart-1', 'apart-2');
    await docker('network', 'rm', 'apart');
  });

  it('are open to links of the host that they trust, on published ports alone', async () => {
    const { peer } = wired.wire;
    const trusted = ['-o', 'com.docker.network.bridge.trusted_host_interfaces=other:wire'];
    expect(await refused('network', 'create', '-o', 'com.docker.network.bridge.trusted_host_interfaces=a b', 'x')).toContain(
      'invalid link "a b" in com.docker.network.bridge.trusted_host_interfaces',
    );
    await docker('network', 'create', '--ipv6', '--subnet', '10.88.0.0/24', '--subnet', 'fd00:88::/64', ...trusted, 'trusting');
    await docker('network', 'create', '--subnet', '10.89.0.0/24', 'wary');
    for (const subnet of ['10.88.0.0/24', '10.89.0.0/24', 'fd00:88::/64']) wired.wire.routeTo(subnet);
    const open = await sleeper('trusting', '--network', 'trusting', '-p', '8088:80', '-p', '8188:80');
    for (const port of [80, 81]) await open.serveTcp(port);
    await (await sleeper('wary', '--network', 'wary', '-p', '8089:80')).serveTcp(80);
    const reached = async (): Promise<string[]> => [
      await peer.tcp('10.88.0.2', 80),
      await peer.tcp('fd00:88::2', 80),
      await peer.tcp('10.88.0.2', 81),
      await peer.tcp('10.89.0.2', 80),
      await peer.tcp(wired.wire.hostAddress, 8088),
    ];
    const expected = [wired.wire.peerAddress, 'fd00:db8::2', 'no answer', 'no answer', wired.wire.peerAddress];
    expect(await reached()).toEqual(expected);
    await wired.engine.crash();
    await wired.engine.start();
    expect(await reached()).toEqual(expected);
    await docker('rm', '-f', 'trusting', 'wary');
    expect(await wired.wire.host.output('nft', 'list', 'ruleset')).not.toContain('10.88.0.2');
    await docker('network', 'rm', 'trusting', 'wary');
  });

  it('are told where they can be published only', async () => {
    await docker('network', 'create', '--internal', 'inner');
    for (const [mode, ports] of [
      ['host', '{}'],
      ['none', '{}'],
      ['inner', '{}'],
      ['bridge', '{"80/tcp":null}'],
    ] as const) {
      await docker('run', '-d', '--name', `exposes-${mode}`, '--network', mode, '--expose', '80', BASE, 'sleep', '600');
      expect(await docker('inspect', '-f', '{{json .NetworkSettings.Ports}}', `exposes-${mode}`)).toBe(ports);
      await docker('rm', '-f', `exposes-${mode}`);
    }
    await docker('network', 'rm', 'inner');
  });

  it('let a container see who called, and keep loopback of the host its own', async () => {
    const id = await launch(wired.engine.client, {
      Cmd: ['sleep', '600'],
      HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8081' }] } },
    });
    const server = await inside(id);
    await server.serveTcp(80);
    await wired.wire.host.serveTcp(6000, '127.0.0.1');
    expect(await wired.wire.host.tcp('127.0.0.1', 8081)).toMatch(/^172\.\d+\.0\.1$/);
    expect(await wired.wire.host.tcp('::1', 8081)).toMatch(/^172\./);
    // route_localnet opens the host's loopback to nobody.
    await server.run('ip', 'route', 'add', '127.0.0.1/32', 'via', (await server.output('ip', 'route')).split(' ')[2] ?? '');
    const gateway = (await server.output('ip', 'route', 'show', 'default')).split(' ')[2] ?? '';
    expect(await server.tcp(gateway, 6000)).toBe('ECONNREFUSED');
    await docker('rm', '-f', id);
  });
});
