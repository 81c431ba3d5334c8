import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BASE, startEngine, type TestEngine } from '../harness.ts';
import { Place, Wire } from '../places.ts';

/** Python speaks SCTP, Node does not: a server that tells its clients their address, and a client. */
const SCTP_SERVER = `
import socket
server = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
server.bind(('0.0.0.0', 9))
server.listen()
print('up', flush=True)
while True:
    client, (address, port) = server.accept()
    client.send(address.encode())
    client.close()
`;
const SCTP_CLIENT = `
import socket, sys
client = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP)
client.settimeout(10)
client.connect((sys.argv[1], int(sys.argv[2])))
print(client.recv(100).decode())
`;

/** What the kernels of distributions have, and that of a machine made for building may lack: ipvlan, VLANs, SCTP, NFS. */
describe('with the modules of a distribution', () => {
  let wire: Wire;
  let engine: TestEngine;
  const places: Place[] = [];

  beforeAll(async () => {
    wire = new Wire();
    engine = await startEngine({ wrap: wire.host.wrap });
  });
  afterAll(async () => {
    for (const place of places) place.close();
    try {
      await engine?.stop();
    } finally {
      wire?.close();
    }
  });

  async function docker(...args: string[]): Promise<string> {
    const { code, stdout, stderr } = await engine.docker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
    return stdout.trim();
  }
  /** A container that sleeps; its network namespace. */
  async function sleeper(name: string, ...args: string[]): Promise<Place> {
    await docker('run', '-d', '--name', name, ...args, BASE, 'sleep', '1000');
    const place = new Place('-t', await docker('inspect', '-f', '{{.State.Pid}}', name), '-n');
    places.push(place);
    return place;
  }
  const lan = (driver: string, name: string, subnet: string, ...options: string[]) =>
    docker('network', 'create', '-d', driver, '--subnet', subnet, ...options.flatMap((option) => ['-o', option]), name);

  it('ipvlan of layer 2: containers are neighbours of the other host, and of each other', async () => {
    await lan('ipvlan', 'l2', '198.51.100.0/24', 'parent=wire');
    await wire.peer.serveTcp(72);
    const one = await sleeper('one', '--network', 'l2', '--ip', '198.51.100.50');
    const two = await sleeper('two', '--network', 'l2', '--ip', '198.51.100.51');
    expect(await one.output('ip', '-d', 'link', 'show', 'eth0')).toContain('ipvlan  mode l2');
    expect(await one.tcp(wire.peerAddress, 72)).toBe('198.51.100.50');
    await two.serveTcp(73);
    expect(await one.tcp('198.51.100.51', 73)).toBe('198.51.100.50');
    expect(await wire.peer.tcp('198.51.100.51', 73)).toBe(wire.peerAddress);
    // They all have the address of the link below.
    const hardware = (place: Place, link: string) =>
      place.output('sh', '-c', `ip -o link show ${link} | sed 's/.*ether \\([^ ]*\\).*/\\1/'`);
    expect(await hardware(one, 'eth0')).toBe(await hardware(wire.host, 'wire'));
    expect(await docker('inspect', '-f', '{{.NetworkSettings.Networks.l2.MacAddress}}', 'one')).toBe('');
    const refused = await engine.docker(['run', '--rm', '--network', 'l2', '--mac-address', '02:42:00:00:00:01', BASE, 'true']);
    expect(refused.stderr).toContain('ipvlan interfaces do not support custom mac address assignment');
    await docker('rm', '-f', 'one', 'two');
    await docker('network', 'rm', 'l2');
  });

  it('ipvlan of layer 3: the host routes, without neighbours', async () => {
    await lan('ipvlan', 'l3', '10.71.0.0/24', 'parent=wire', 'ipvlan_mode=l3');
    wire.routeTo('10.71.0.0/24');
    await wire.peer.serveTcp(74);
    const routed = await sleeper('routed', '--network', 'l3');
    expect(await routed.output('ip', '-d', 'link', 'show', 'eth0')).toContain('ipvlan  mode l3');
    expect(await routed.output('ip', 'route')).toContain('default dev eth0');
    expect(await routed.tcp(wire.peerAddress, 74)).toBe('10.71.0.2');
    await docker('rm', '-f', 'routed');
    await docker('network', 'rm', 'l3');
    wire.peer.set('ip route del 10.71.0.0/24');
  });

  it.each(['macvlan', 'ipvlan'])('%s on a VLAN of a link: made for the network, gone with it', async (driver) => {
    wire.peer.set('ip link add link wire name wire.10 type vlan id 10; ip addr add 10.72.0.1/24 dev wire.10; ip link set wire.10 up');
    const server = await wire.peer.serveTcp(75, '10.72.0.1');
    await lan(driver, 'tagged', '10.72.0.0/24', 'parent=wire.10');
    expect(await wire.host.output('ip', '-d', 'link', 'show', 'wire.10')).toContain('vlan protocol 802.1Q id 10');
    const place = await sleeper('tag', '--network', 'tagged', '--ip', '10.72.0.9');
    expect(await place.tcp('10.72.0.1', 75)).toBe('10.72.0.9');
    await docker('rm', '-f', 'tag');
    await docker('network', 'rm', 'tagged');
    expect((await wire.host.run('ip', 'link', 'show', 'wire.10')).code).not.toBe(0);
    server.kill('SIGKILL');
    wire.peer.set('ip link del wire.10');
  });

  it('SCTP: published, translated with the source kept, the port held', async () => {
    const server = await sleeper('sctp', '-p', '7009:9/sctp', '--sysctl', 'net.ipv4.ip_unprivileged_port_start=0');
    await server.startProgram(/^up$/m, 'python3', '-c', SCTP_SERVER);
    expect(await docker('port', 'sctp')).toContain('9/sctp -> 0.0.0.0:7009');
    expect(await wire.peer.output('python3', '-c', SCTP_CLIENT, wire.hostAddress, '7009')).toBe(wire.peerAddress);
    const second = await engine.docker(['run', '--rm', '-p', '7009:9/sctp', BASE, 'true']);
    expect(second.code).toBe(125);
    expect(second.stderr).toMatch(/7009.*(already allocated|in use)/);
    await docker('rm', '-f', 'sctp');
    expect((await wire.peer.run('python3', '-c', SCTP_CLIENT, wire.hostAddress, '7009')).stderr).toMatch(/refused|timed out/i);
  });
});
