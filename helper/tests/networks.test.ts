import { describe, expect, it } from 'vitest';
import { BASE, launch, onGantry } from './harness.ts';
import { wiredEngine } from './wired.ts';

/** Networks of our engine as the world sees them: the engine in a network namespace, a second host on its wire. */
describe.runIf(onGantry)('networks beside another host', () => {
  const wired = wiredEngine();
  const { docker, refused, inside, sleeper } = wired;
  const addressOf = (name: string, network: string): Promise<string> =>
    docker('inspect', '-f', `{{(index .NetworkSettings.Networks "${network}").IPAddress}}`, name);

  it('keep settings for others: config-only networks', async () => {
    const option = 'com.docker.network.driver.mtu=1400';
    await docker(
      'network',
      'create',
      '--config-only',
      '--subnet',
      '10.50.0.0/24',
      '--gateway',
      '10.50.0.9',
      '-o',
      option,
      '--label',
      'a=1',
      'cfg',
    );
    expect(JSON.parse(await docker('network', 'inspect', 'cfg'))).toMatchObject([
      {
        ...{ Driver: 'null', Scope: 'local', ConfigOnly: true, Options: { 'com.docker.network.driver.mtu': '1400' }, Labels: { a: '1' } },
        IPAM: { Config: [{ Subnet: '10.50.0.0/24', Gateway: '10.50.0.9' }] },
      },
    ]);
    expect(await refused('run', '--rm', '--network', 'cfg', BASE, 'true')).toContain(
      'cannot create endpoint on configuration-only network',
    );
    expect(await refused('network', 'create', '--config-from', 'nope', 'x')).toContain('configuration network "nope" does not exist');
    const both = ['network', 'create', '--config-from', 'cfg'];
    expect(await refused(...both, '--subnet', '10.51.0.0/24', 'x')).toContain('user-specified configurations are not supported');
    expect(await refused(...both, '-o', 'x=y', 'x')).toContain('network driver options are not supported');
    expect(await refused(...both, '--config-only', 'x')).toContain('a configuration network cannot depend on another');
    expect(await refused('network', 'create', '--config-only', '--internal', 'x')).toContain('Network operator fields like');
    await docker(...both, 'used');
    expect(JSON.parse(await docker('network', 'inspect', 'used'))).toMatchObject([
      {
        Driver: 'bridge',
        ConfigOnly: false,
        ConfigFrom: { Network: 'cfg' },
        IPAM: { Config: [{ Gateway: '10.50.0.9' }] },
        Labels: { a: '1' },
      },
    ]);
    expect(await docker('run', '--rm', '--network', 'used', BASE, 'ip', 'link', 'show', 'eth0')).toContain('mtu 1400');
    expect(await refused('network', 'rm', 'cfg')).toContain('configuration network "cfg" is in use');
    await docker('network', 'rm', 'used');
    expect(await docker('network', 'prune', '-f')).toBe('');
    await wired.engine.crash();
    await wired.engine.start();
    await docker('network', 'create', '--config-from', 'cfg', 'again');
    await docker('network', 'rm', 'again', 'cfg');
  });

  it('are listed by every filter, shown in full, and pruned', async () => {
    await docker('network', 'create', '--label', 'tier=front', '--label', 'old', '--attachable', '--internal', 'shop-a');
    await docker('network', 'create', '-d', 'macvlan', 'shop-b');
    await docker('run', '-d', '--name', 'in-a', '--network', 'shop-a', BASE, 'sleep', '600');
    const list = (...filters: string[]): Promise<string> =>
      docker('network', 'ls', '--format', '{{.Name}}', ...filters.flatMap((filter) => ['-f', filter])).then((text) =>
        text.replaceAll('\n', ' '),
      );
    const { json: shown } = await wired.engine.client.get('/networks/shop-a');
    const asked = async (query: string): Promise<unknown[]> => {
      const { status, json } = await wired.engine.client.get(`/networks/shop-a?${query}`);
      return [status, json.message ?? json.Name];
    };
    expect(await asked('scope=local&verbose=true')).toEqual([200, 'shop-a']);
    expect(await asked('scope=swarm')).toEqual([404, 'network shop-a not found']);
    expect(await asked('verbose=so')).toEqual([400, 'invalid value for verbose: so: strconv.ParseBool: parsing "so": invalid syntax']);
    expect(await list()).toBe('bridge host none shop-a shop-b');
    expect(await list('name=shop')).toBe('shop-a shop-b');
    expect(await list('name=^shop-a$')).toBe('shop-a');
    expect(await list(`id=${shown.Id.slice(0, 8)}`)).toBe('shop-a');
    expect(await list('driver=macvlan', 'driver=host')).toBe('host shop-b');
    expect(await list('type=custom')).toBe('shop-a shop-b');
    expect(await list('type=builtin', 'driver=bridge')).toBe('bridge');
    expect(await list('label=tier=front', 'label=old')).toBe('shop-a');
    expect(await list('label=tier=back')).toBe('');
    expect(await list('scope=local', 'name=shop-b')).toBe('shop-b');
    expect(await list('scope=swarm')).toBe('');
    expect(await list('dangling=true')).toBe('shop-b');
    expect(await list('dangling=false', 'type=custom')).toBe('shop-a');
    const endpoint = Object.values(shown.Containers)[0] as Record<string, string>;
    expect(shown).toMatchObject({
      ...{ Name: 'shop-a', Scope: 'local', Driver: 'bridge', EnableIPv4: true, EnableIPv6: false, Internal: true, Attachable: true },
      ...{ Ingress: false, ConfigFrom: { Network: '' }, ConfigOnly: false, Options: {}, Labels: { tier: 'front', old: '' } },
    });
    expect(endpoint).toEqual({
      ...{ Name: 'in-a', EndpointID: expect.stringMatching(/^[0-9a-f]{64}$/), IPv6Address: '' },
      ...{ MacAddress: expect.stringMatching(/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/), IPv4Address: expect.stringMatching(/^[0-9.]+\/\d+$/) },
    });
    expect(await refused('network', 'ls', '-f', 'nonsense=1')).toContain("invalid filter 'nonsense'");
    expect(await docker('network', 'prune', '-f', '--filter', 'label=tier=front')).toBe('');
    expect(await docker('network', 'prune', '-f', '--filter', 'until=1h')).toBe('');
    expect(await docker('network', 'prune', '-f', '--filter', 'label!=old')).toContain('shop-b');
    await docker('rm', '-f', 'in-a');
    expect(await docker('network', 'prune', '-f')).toContain('shop-a');
    expect(await list()).toBe('bridge host none');
  });

  it('are told with their containers by old lists, and by scope', async () => {
    await docker('network', 'create', 'scoped');
    await docker('run', '-d', '--name', 'in-scope', '--network', 'scoped', BASE, 'sleep', '100');
    const containers = async (version: string): Promise<string[]> => {
      const list: { Name: string; Containers: Record<string, { Name: string }> }[] = (await wired.engine.client.get(`${version}/networks`))
        .json;
      return Object.values(list.find(({ Name }) => Name === 'scoped')?.Containers ?? {}).map(({ Name }) => Name);
    };
    expect(await containers('//v1.27')).toEqual(['in-scope']);
    expect(await containers('//v1.28')).toEqual([]);
    expect((await wired.engine.client.get('/networks/scoped?scope=local')).json.Name).toBe('scoped');
    expect((await wired.engine.client.get('/networks/scoped?scope=swarm')).status).toBe(404);
    expect((await wired.engine.client.get('/networks/scoped?verbose=maybe')).status).toBe(400);
    await docker('rm', '-f', 'in-scope');
    await docker('network', 'rm', 'scoped');
  });

  it('may have IPv6 alone', async () => {
    // By the API, as all that the CLI of a stable distribution can't say.
    const alone = { EnableIPv4: false, EnableIPv6: true, IPAM: { Config: [{ Subnet: 'fd00:99::/64' }] } };
    expect((await wired.engine.client.post('/networks/create', { Name: 'six', ...alone })).status).toBe(201);
    const none = await wired.engine.client.post('/networks/create', { Name: 'none-at-all', EnableIPv4: false });
    expect(none).toMatchObject({ status: 400, json: { message: expect.stringContaining('IPv4 or IPv6 must be enabled') } });
    const place = await sleeper('six', '--network', 'six', '--ip6', 'fd00:99::42', '-p', '8086:80');
    await place.serveTcp(80);
    await wired.wire.peer.serveTcp(76);
    expect(await place.output('ip', '-4', '-o', 'addr', 'show', 'eth0')).toBe('');
    expect(await place.output('ip', '-6', '-o', 'addr', 'show', 'eth0')).toContain('fd00:99::42/64');
    expect(await place.tcp('fd00:db8::2', 76)).toBe('fd00:db8::1');
    expect(await wired.wire.peer.tcp('fd00:db8::1', 8086)).toBe('fd00:db8::2');
    expect(await wired.wire.host.tcp('::1', 8086)).toBe('fd00:99::1');
    await docker('rm', '-f', 'six');
    await docker('network', 'rm', 'six');
  });

  it('say what is wrong with an option', async () => {
    const create = (...args: string[]): Promise<string> => refused('network', 'create', ...args, 'wrong');
    const option = (name: string, value: string, ...more: string[]): Promise<string> =>
      create('-o', `com.docker.network.${name}=${value}`, ...more);
    expect(await option('bridge.enable_icc', 'maybe')).toContain(
      'failed to parse com.docker.network.bridge.enable_icc value: maybe (strconv.ParseBool: parsing "maybe": invalid syntax)',
    );
    expect(await option('driver.mtu', 'abc')).toContain('failed to parse com.docker.network.driver.mtu value: abc');
    expect(await option('bridge.host_binding_ipv4', 'bad')).toContain('value: bad (nil ip)');
    expect(await option('bridge.gateway_mode_ipv4', 'odd')).toContain('unknown gateway mode odd');
    expect(await option('bridge.gateway_mode_ipv4', 'isolated')).toContain("'isolated' can only be used for an internal network");
    expect(await option('advertise_addr_nmsgs', '4')).toContain('advertise_addr_nmsgs must be in the range 0 to 3');
    expect(await option('advertise_addr_nmsgs', 'all')).toContain('_nmsgs "all" must be an integer');
    expect(await option('advertise_addr_ms', '99', '-d', 'macvlan')).toContain('advertise_addr_ms must be in the range 100 to 2000');
    expect(await create('--ipam-driver', 'nope')).toContain('plugin "nope" not found');
    expect(await create('--scope', 'global')).toContain('This node is not a swarm manager');
    expect(await create('--ingress')).toContain('Ingress network can only be global scope network');
    expect(await create('--subnet', '10.61.0.0/24', '--gateway', '10.61.0.1', '--aux-address', 'x=10.61.0.1')).toContain(
      'failed to allocate secondary ip address (x:10.61.0.1): Address already in use',
    );
    expect(await create('-d', 'macvlan', '-o', 'parent=wire', '-o', 'macvlan_mode=odd')).toContain(
      "requested macvlan mode 'odd' is not valid",
    );
    expect(await create('-d', 'macvlan', '-o', 'parent=nope.5')).toContain('-o parent interface was not found on the host: nope');
    expect(await create('-d', 'macvlan', '-o', 'parent=wire.x')).toContain('unable to parse a valid vlan id from: x');
    expect(await create('-d', 'macvlan', '-o', 'parent=wire.4095')).toContain('vlan id must be between 1-4094, received: 4095');
    expect(await create('-d', 'ipvlan', '-o', 'ipvlan_mode=l9')).toContain("requested ipvlan mode 'l9' is not valid");
    await docker('network', 'create', 'plain');
    const run = (...args: string[]): Promise<string> => refused('run', '--rm', '--network', ...args, BASE, 'true');
    expect(await run('plain', '--link-local-ip', '10.7.7.8', '--ip', '10.7.7.9')).toContain(
      [
        'invalid config for network plain: invalid endpoint settings:',
        '* invalid link local IP address: 10.7.7.8',
        '* user specified IP address is supported only when connecting to networks with user configured subnets',
      ].join('\n'),
    );
    expect(await run('name=plain,driver-opt=com.docker.network.endpoint.sysctls=net.ipv4.conf.eth0.forwarding=1')).toContain(
      "unrecognised network interface sysctl 'net.ipv4.conf.eth0.forwarding=1'",
    );
    await docker('network', 'rm', 'plain');
  });

  it('give endpoints what was asked for: names, sysctls, link-local and MAC addresses, the gateway', async () => {
    await docker('network', 'create', '--subnet', '10.91.0.0/24', 'one');
    await docker('network', 'create', '--subnet', '10.92.0.0/24', '-o', 'com.docker.network.container_iface_prefix=lan', 'two');
    const one = {
      DriverOpts: { 'com.docker.network.endpoint.sysctls': 'net.ipv4.conf.IFNAME.log_martians=1' },
      MacAddress: '02:42:0a:00:00:11',
      IPAMConfig: { LinkLocalIPs: ['169.254.7.8'] },
    };
    await launch(wired.engine.client, {
      ...{ name: 'asked', Cmd: ['sleep', '600'], HostConfig: { NetworkMode: 'one' } },
      NetworkingConfig: { EndpointsConfig: { one, two: { GwPriority: 7 } } },
    });
    const place = await inside('asked');
    const addresses = await place.output('ip', '-o', '-4', 'addr');
    expect(addresses).toMatch(/eth0 +inet 10\.91\.0\.2\/24/);
    expect(addresses).toMatch(/eth0 +inet 169\.254\.7\.8\/16/);
    expect(addresses).toMatch(/lan0 +inet 10\.92\.0\.2\/24/);
    expect(await place.output('ip', 'link', 'show', 'eth0')).toContain('02:42:0a:00:00:11');
    expect(await docker('exec', 'asked', 'cat', '/proc/sys/net/ipv4/conf/eth0/log_martians')).toBe('1');
    expect(await place.output('ip', 'route')).toContain('default via 10.92.0.1 dev lan0');
    // A number that is free again is given again, as Docker 28 does.
    await docker('network', 'disconnect', 'one', 'asked');
    const preferred = { Container: 'asked', EndpointConfig: { GwPriority: 9 } };
    expect((await wired.engine.client.post('/networks/one/connect', preferred)).status).toBe(200);
    expect(await place.output('ip', 'route')).toContain('default via 10.91.0.1 dev eth0');
    await docker('network', 'disconnect', 'one', 'asked');
    await docker('network', 'connect', '--driver-opt', 'com.docker.network.endpoint.ifname=mine', 'one', 'asked');
    expect(await place.output('ip', 'link')).toContain(' mine@');
    await wired.engine.crash();
    await wired.engine.start();
    await docker('network', 'disconnect', 'two', 'asked');
    await docker('network', 'connect', 'two', 'asked');
    expect(await place.output('ip', 'link')).toMatch(/ (lan0|lan1)@/);
    await docker('rm', '-f', 'asked');
    await docker('network', 'rm', 'one', 'two');
  });

  it('leave the host under the address that was asked for', async () => {
    wired.wire.host.set('ip addr add 198.51.100.77/24 dev wire');
    await wired.wire.peer.serveTcp(71);
    const option = 'com.docker.network.host_ipv4=198.51.100.77';
    await docker('network', 'create', '--subnet', '10.97.0.0/24', '-o', option, 'source');
    await docker('network', 'create', '--subnet', '10.98.0.0/24', '-o', 'com.docker.network.bridge.enable_ip_masquerade=false', 'plain');
    wired.wire.routeTo('10.98.0.0/24');
    expect(await (await sleeper('sourced', '--network', 'source')).tcp(wired.wire.peerAddress, 71)).toBe('198.51.100.77');
    expect(await (await sleeper('bare', '--network', 'plain')).tcp(wired.wire.peerAddress, 71)).toBe('10.98.0.2');
    await docker('rm', '-f', 'sourced', 'bare');
    await docker('network', 'rm', 'source', 'plain');
  });

  it('have several subnets, ranges, auxiliary addresses and a gateway of their own', async () => {
    // Not by the docker CLI, which sends several subnets in any order.
    const second = {
      ...{ Subnet: '10.61.0.0/24', IPRange: '10.61.0.128/25', Gateway: '10.61.0.254' },
      AuxiliaryAddresses: { a: '10.61.0.128', DefaultGatewayIPv4: '10.61.0.9' },
    };
    const made = await wired.engine.client.post('/networks/create', {
      Name: 'wide',
      IPAM: { Config: [{ Subnet: '10.60.0.0/30' }, second] },
    });
    expect(made.status).toBe(201);
    for (const name of ['w1', 'w2', 'w3']) await sleeper(name, '--network', 'wide');
    // Three of the first subnet's four are the network's, the bridge's and the broadcast address.
    expect(await Promise.all(['w1', 'w2', 'w3'].map((name) => addressOf(name, 'wide')))).toEqual([
      '10.60.0.2',
      '10.61.0.129',
      '10.61.0.130',
    ]);
    expect(await (await inside('w2')).output('ip', 'route')).toContain('default via 10.61.0.9 ');
    await docker('rm', '-f', 'w1', 'w2', 'w3');
    await docker('network', 'rm', 'wide');
  });

  it('join macvlan networks on a link of the host, and keep passthru for one', async () => {
    await docker(
      'network',
      'create',
      '-d',
      'macvlan',
      '--subnet',
      '198.51.100.0/24',
      '--gateway',
      '198.51.100.2',
      '-o',
      'parent=wire',
      'lan',
    );
    await wired.wire.peer.serveTcp(72);
    const place = await sleeper('onlan', '--network', 'lan', '--ip', '198.51.100.50');
    expect(await place.tcp(wired.wire.peerAddress, 72)).toBe('198.51.100.50');
    expect(await wired.wire.host.output('ip', 'link', 'show', 'wire')).toContain('wire');
    const passthru = [
      'network',
      'create',
      '-d',
      'macvlan',
      '-o',
      'parent=wire',
      '-o',
      'macvlan_mode=passthru',
      '--subnet',
      '10.88.0.0/24',
      'alone',
    ];
    expect(await refused(...passthru)).toContain('cannot use mode passthru, macvlan network');
    for (const mode of ['private', 'vepa']) {
      await docker('network', 'create', '-d', 'macvlan', '-o', 'parent=wire', '-o', `macvlan_mode=${mode}`, `lan-${mode}`);
      const other = await sleeper(mode, '--network', `lan-${mode}`);
      expect(await other.output('ip', '-d', 'link', 'show', 'eth0')).toContain(`macvlan mode ${mode}`);
    }
    await docker('rm', '-f', 'onlan', 'private', 'vepa');
    await docker('network', 'rm', 'lan', 'lan-private', 'lan-vepa');
    await docker(...passthru);
    expect(await (await sleeper('through', '--network', 'alone')).output('ip', '-d', 'link', 'show', 'eth0')).toContain('mode passthru');
    await docker('rm', '-f', 'through');
    await docker('network', 'rm', 'alone');
    expect(await wired.wire.host.output('ip', 'addr', 'show', 'wire')).toContain(wired.wire.hostAddress);
  });
});
