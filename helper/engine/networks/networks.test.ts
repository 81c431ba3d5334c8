import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import dgram from 'node:dgram';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../config/index.ts';
import type { EngineContext } from '../context.ts';
import type { Events, Filters } from '../events/types.ts';
import { createNetworks, type Networks, type Sandbox, type SandboxRequest } from './index.ts';
import { worldOf } from './networks.ts';

const asRoot = process.getuid?.() === 0;
const instance = `gantry-${randomBytes(3).toString('hex')}`;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const seen: { action: string; attributes: Record<string, string> }[] = [];
const events = {
  publish: (type: string, action: string, _id: string, attributes: Record<string, string> = {}) =>
    void seen.push({ action: `${type} ${action}`, attributes }),
  observe: () => () => {},
  subscribe: async function* () {},
} as unknown as Events;
const none: Filters = new Map();
const children: ChildProcess[] = [];
const madeNetworks: string[] = [];
let root: string;
let networks: Networks;

async function open(): Promise<Networks> {
  const context: EngineContext = {
    paths: { data: path.join(root, 'data'), run: path.join(root, 'run') },
    config: resolveConfig().engine,
    log: quiet,
    instance,
  };
  const opened = createNetworks(context, events);
  await opened.start();
  return opened;
}

function request(name: string, more: Partial<SandboxRequest> = {}): SandboxRequest {
  const folder = path.join(root, name);
  mkdirSync(folder, { recursive: true });
  return {
    containerId: `${randomBytes(30).toString('hex')}0000`,
    name,
    hostname: `${name}-host`,
    domainname: '',
    networkMode: 'default',
    endpoints: { [more.networkMode ?? 'default']: {} },
    exposed: [],
    portBindings: {},
    publishAll: false,
    dns: [],
    dnsSearch: [],
    dnsOptions: [],
    extraHosts: [],
    links: [],
    folder,
    ...more,
  };
}

/** Runs a command in the sandbox; not synchronously, since this process serves the sandbox's names. */
const inside = async (sandbox: Sandbox, ...command: string[]): Promise<string> =>
  (await promisify(execFile)('nsenter', [`--net=${sandbox.netnsPath}`, ...command], { encoding: 'utf8', timeout: 10_000 })).stdout;

/** Answers every connection with what it hears, after the other side's end; says who connected. */
async function serve(sandbox: Sandbox, port: number, host = '0.0.0.0'): Promise<ChildProcess> {
  const script = `require('net').createServer({allowHalfOpen:true},s=>{let t='';s.on('data',d=>t+=d);s.on('end',()=>s.end(s.remoteAddress+' '+t))}).listen(${port},'${host}',()=>console.log('up'))`;
  const child = spawn('nsenter', [`--net=${sandbox.netnsPath}`, process.execPath, '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
  return child;
}

const say = (host: string, port: number | string, text = 'hello'): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = net.connect({ host, port: Number(port), timeout: 5000 });
    let heard = '';
    socket.setEncoding('utf8').on('data', (data) => {
      heard += data;
    });
    socket.on('end', () => resolve(heard));
    socket.on('error', reject);
    socket.on('timeout', () => reject(new Error('no answer')));
    socket.end(text);
  });

const node = async (sandbox: Sandbox, script: string): Promise<string> => (await inside(sandbox, process.execPath, '-e', script)).trim();

const sayInside = (sandbox: Sandbox, host: string, port: number | string): Promise<string> =>
  node(
    sandbox,
    `const s=require('net').connect(${port},'${host}');s.setTimeout(1000,()=>{console.log('no answer');process.exit()});
     s.on('error',e=>console.log(e.code));s.on('data',d=>process.stdout.write(d));s.end('hi')`,
  );

const query = (sandbox: Sandbox, name: string, type = 'resolve4'): Promise<string> =>
  node(
    sandbox,
    `const r=new (require('dns').Resolver)({timeout:1500,tries:1});r.setServers(['127.0.0.11']);
     r.${type}('${name}',(e,a)=>console.log(e?e.code:a.sort().join(' ')))`,
  );

/** Whether links of a kind can be made here: one of that kind, in a namespace that goes with the command. */
function kernelHas(kind: string): boolean {
  const tried = spawnSync('unshare', ['-n', 'sh', '-c', `ip link add v0 type veth peer name v1 && ip link add k0 link v0 type ${kind}`]);
  return tried.status === 0;
}

/** Closes the helper's sockets as the end of its process would. */
function crash(which: Networks): void {
  worldOf(which).firewall.close();
  for (const sandbox of worldOf(which).sandboxes.values()) {
    sandbox.closeDns?.();
    for (const port of sandbox.published) port.close();
  }
}

describe.runIf(asRoot)('networks', () => {
  beforeAll(async () => {
    root = mkdtempSync(path.join(os.tmpdir(), 'gantry-networks-'));
    networks = await open();
    await networks.adopt([]);
  });

  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL');
    for (const network of await networks.list(none)) {
      for (const id of Object.keys((await networks.inspect(network.Id)).Containers)) await networks.removeSandbox(id);
    }
    await networks.stop();
    expect(execFileSync('nft', ['list', 'ruleset'], { encoding: 'utf8', stdio: 'pipe' })).not.toContain(instance);
    expect(execFileSync('ip', ['-d', 'link'], { encoding: 'utf8' })).not.toContain(instance);
    rmSync(root, { recursive: true, force: true });
  });

  const create = async (body: Parameters<Networks['create']>[0]): Promise<string> => {
    const { Id } = await networks.create(body);
    madeNetworks.push(Id);
    return Id;
  };

  it('has the three default networks', async () => {
    const all = await networks.list(none);
    expect(all.map((network) => `${network.Name} ${network.Driver}`).sort()).toEqual(['bridge bridge', 'host host', 'none null']);
    await expect(networks.remove('bridge')).rejects.toThrow('bridge is a pre-defined network and cannot be removed');
    await expect(networks.inspect('nope')).rejects.toThrow('network nope not found');
  });

  it('gives a container of the default bridge an address, a route, its files and a published port', async () => {
    const wish = request('web', {
      portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] },
      exposed: ['80/tcp', '443/tcp'],
      extraHosts: ['db:10.1.2.3', 'me:host-gateway'],
    });
    const sandbox = await networks.createSandbox(wish);
    const bridge = await networks.inspect('bridge');
    const endpoint = sandbox.endpoints.bridge;
    const gateway = bridge.IPAM.Config?.[0]?.Gateway ?? '';
    expect(endpoint?.Gateway).toBe(gateway);
    expect(await inside(sandbox, 'ip', '-o', 'addr')).toContain(`${endpoint?.IPAddress}/${endpoint?.IPPrefixLen}`);
    expect(await inside(sandbox, 'ip', 'link', 'show', 'eth0')).toContain(endpoint?.MacAddress);
    expect(await inside(sandbox, 'ip', 'route')).toContain(`default via ${gateway} dev eth0`);
    expect(bridge.Containers[wish.containerId]?.IPv4Address).toBe(`${endpoint?.IPAddress}/${endpoint?.IPPrefixLen}`);
    const hosts = readFileSync(path.join(wish.folder, 'hosts'), 'utf8');
    expect(hosts).toContain('127.0.0.1\tlocalhost\n');
    expect(hosts).toContain(`10.1.2.3\tdb\n${gateway}\tme\n${endpoint?.IPAddress}\tweb-host\n`);
    expect(readFileSync(path.join(wish.folder, 'resolv.conf'), 'utf8')).toMatch(/^nameserver /m);
    expect(readFileSync(path.join(wish.folder, 'hostname'), 'utf8')).toBe('web-host\n');

    expect(Object.keys(sandbox.ports)).toEqual(['80/tcp', '443/tcp']);
    expect(sandbox.ports['443/tcp']).toBeNull();
    const [v4, v6] = sandbox.ports['80/tcp'] ?? [];
    expect([v4?.HostIp, v6?.HostIp, v6?.HostPort]).toEqual(['0.0.0.0', '::', v4?.HostPort]);
    await serve(sandbox, 80);
    const port = v4?.HostPort ?? '';
    // Over the packet filter (source: the bridge's own address), over the proxy, and from a neighbour and itself.
    expect(await say('127.0.0.1', port)).toBe(`${gateway} hello`);
    expect(await say(gateway, port)).toBe(`${gateway} hello`);
    expect(await say('::1', port)).toBe(`${gateway} hello`);
    expect(await sayInside(sandbox, gateway, port)).toBe(`${gateway} hi`);
    const neighbour = await networks.createSandbox(request('neighbour'));
    expect(await sayInside(neighbour, endpoint?.IPAddress ?? '', 80)).toBe(`${neighbour.endpoints.bridge?.IPAddress} hi`);
    expect(await sayInside(neighbour, gateway, port)).toBe(`${gateway} hi`);
    expect(await sayInside(neighbour, '127.0.0.1', port)).toBe('ECONNREFUSED');

    await expect(
      networks.createSandbox(request('second', { portBindings: { '80/tcp': [{ HostIp: '', HostPort: port }] } })),
    ).rejects.toThrow(
      new RegExp(
        `driver failed programming external connectivity on endpoint second \\([0-9a-f]{64}\\): Bind for 0.0.0.0:${port} failed: port is already allocated \\(by container web\\)`,
      ),
    );
    expect(seen.filter((event) => event.attributes.container === wish.containerId).map((event) => event.action)).toEqual([
      'network connect',
    ]);
    await networks.removeSandbox(wish.containerId);
    await networks.removeSandbox(wish.containerId);
    await expect(say('127.0.0.1', port)).rejects.toThrow('ECONNREFUSED');
    expect(execFileSync('nft', ['list', 'table', 'inet', instance], { encoding: 'utf8' })).not.toContain(` ${port} :`);
  });

  it('says which process holds a port', async () => {
    const server = net.createServer();
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
    const { port } = server.address() as net.AddressInfo;
    await expect(
      networks.createSandbox(request('blocked', { portBindings: { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] } })),
    ).rejects.toThrow(new RegExp(`failed to bind host port 127.0.0.1:${port}/tcp: address already in use \\(by .*pid ${process.pid}\\)`));
    server.close();
    expect(Object.values((await networks.inspect('bridge')).Containers).map((entry) => entry.Name)).not.toContain('blocked');
  });

  it('gives none a namespace with loopback only and host the host’s', async () => {
    const alone = await networks.createSandbox(request('alone', { networkMode: 'none' }));
    expect((await inside(alone, 'ip', '-o', 'link')).trim().split('\n')).toHaveLength(1);
    const host = await networks.createSandbox(request('hosted', { networkMode: 'host' }));
    expect(host.netnsPath).toBeUndefined();
    expect(readFileSync(path.join(root, 'hosted', 'resolv.conf'), 'utf8')).toBe(readFileSync('/etc/resolv.conf', 'utf8'));
  });

  it('resolves names in user-defined networks, isolates them, connects and disconnects', async () => {
    await create({ Name: 'front', Labels: { a: '1' } });
    await create({ Name: 'back', Internal: true });
    await expect(networks.create({ Name: 'front' })).rejects.toThrow('network with name front already exists');
    const one = request('one', { networkMode: 'front', endpoints: { front: { Aliases: ['uno', 'both'] } } });
    const two = request('two', { networkMode: 'front', endpoints: { front: { Aliases: ['both'] } } });
    const far = request('far', { networkMode: 'back' });
    const [a, b, c] = await Promise.all([one, two, far].map((wish) => networks.createSandbox(wish)));
    if (!a || !b || !c) throw new Error('no sandboxes');
    const address = a.endpoints.front?.IPAddress ?? '';
    expect(readFileSync(path.join(one.folder, 'resolv.conf'), 'utf8')).toMatch(/nameserver 127\.0\.0\.11\n(search .*\n)?options ndots:0/);
    expect(a.endpoints.front?.DNSNames).toEqual(['one', 'uno', 'both', one.containerId.slice(0, 12), 'one-host']);
    for (const name of ['one', 'UNO', 'one.front', one.containerId.slice(0, 12), 'one-host']) expect(await query(b, name)).toBe(address);
    expect((await query(b, 'both')).split(' ')).toHaveLength(2);
    expect(await query(b, 'one', 'resolve6')).toBe('ENODATA');
    expect(await query(b, address, 'reverse')).toBe('one.front');
    // Nobody outside is asked for those of an internal network, and that is no answer about the name: moby's libnetwork/resolver.go.
    expect(await query(c, 'one')).toBe('ESERVFAIL');
    await serve(a, 80);
    expect(await sayInside(b, address, 80)).toBe(`${b.endpoints.front?.IPAddress} hi`);
    expect(await sayInside(c, address, 80)).toBe('ENETUNREACH');

    const joined = await networks.connect('front', far.containerId, { Aliases: ['late'] });
    expect(await query(b, 'late')).toBe(joined.IPAddress);
    expect(await query(c, 'uno')).toBe(address);
    expect(await sayInside(c, address, 80)).toBe(`${joined.IPAddress} hi`);
    expect(await inside(c, 'ip', 'route')).toContain(`default via ${joined.Gateway} dev eth1`);
    await expect(networks.remove('front')).rejects.toThrow(
      /error while removing network: network front id [0-9a-f]{64} has active endpoints/,
    );
    await networks.disconnect('front', far.containerId);
    expect(await sayInside(c, address, 80)).toBe('ENETUNREACH');
    expect(await query(b, 'late')).not.toBe(joined.IPAddress);
    networks.renamed(one.containerId, 'uno-the-first');
    expect(await query(b, 'uno-the-first')).toBe(address);
    expect((await networks.list(new Map([['label', ['a=1']]]))).map((network) => network.Name)).toEqual(['front']);
  });

  it('keeps networks apart but for published ports', async () => {
    await create({ Name: 'left' });
    await create({ Name: 'right' });
    const server = await networks.createSandbox(
      request('left-server', { networkMode: 'left', portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } }),
    );
    const client = await networks.createSandbox(request('right-client', { networkMode: 'right' }));
    await serve(server, 80);
    await serve(server, 81);
    const { IPAddress = '', Gateway = '' } = server.endpoints.left ?? {};
    expect(await sayInside(client, IPAddress, 81)).toBe('no answer');
    expect(await sayInside(client, Gateway, server.ports['80/tcp']?.[0]?.HostPort ?? '')).toBe(`${Gateway} hi`);
  });

  it('assigns addresses as asked: ranges, static addresses, IPv6, refused subnets', async () => {
    const Config = [
      { Subnet: '10.213.0.0/16', IPRange: '10.213.7.0/24', AuxiliaryAddresses: { router: '10.213.7.0' } },
      { Subnet: 'fd13:213::/64' },
    ];
    await create({
      Name: 'planned',
      EnableIPv6: true,
      IPAM: { Driver: 'default', Config },
      Options: { 'com.docker.network.bridge.enable_icc': 'false' },
    });
    await expect(networks.create({ Name: 'again', IPAM: { Config: [{ Subnet: '10.213.9.0/24' }] } })).rejects.toThrow(
      'Pool overlaps with other one on this address space',
    );
    await expect(networks.create({ Name: 'odd', IPAM: { Config: [{ Subnet: '10.214.0.1/16' }] } })).rejects.toThrow(
      'invalid network config:\ninvalid subnet 10.214.0.1/16: it should be 10.214.0.0/16',
    );
    const a = await networks.createSandbox(
      request('p1', { networkMode: 'planned', portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } }),
    );
    const b = await networks.createSandbox(
      request('p2', { networkMode: 'planned', endpoints: { planned: { IPAMConfig: { IPv4Address: '10.213.9.9' } } } }),
    );
    expect(a.endpoints.planned).toMatchObject({
      IPAddress: '10.213.7.1',
      Gateway: '10.213.0.1',
      GlobalIPv6Address: 'fd13:213::2',
      IPv6Gateway: 'fd13:213::1',
    });
    expect(b.endpoints.planned?.IPAddress).toBe('10.213.9.9');
    await expect(
      networks.createSandbox(
        request('p3', { networkMode: 'planned', endpoints: { planned: { IPAMConfig: { IPv4Address: '10.213.9.9' } } } }),
      ),
    ).rejects.toThrow('Address already in use');
    await serve(a, 80, '::');
    expect(await say('::1', a.ports['80/tcp']?.[1]?.HostPort ?? '')).toMatch(/^fd13:213::1 hello$/);
    // enable_icc=false: neighbours don't reach each other, the gateway they do.
    expect(await sayInside(b, '10.213.7.1', 80)).toMatch(/no answer|EHOSTUNREACH/);
  });

  it('makes its table again when a firewall flushes the rule set', async () => {
    const sandbox = await networks.createSandbox(request('flushed', { portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } }));
    const port = sandbox.ports['80/tcp']?.[0]?.HostPort ?? '';
    await serve(sandbox, 80);
    execFileSync('nft', ['delete', 'table', 'inet', instance]);
    // By the proxy meanwhile.
    expect(await say('127.0.0.1', port)).toMatch(/ hello$/);
    await expect
      .poll(() => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' }), { timeout: 5000 })
      .toContain(`inet ${instance}\n`);
    expect(execFileSync('nft', ['list', 'table', 'inet', instance], { encoding: 'utf8' })).toContain(`tcp . ${port} : `);
  });

  it('sends a UDP client on to the next container that publishes the port', async () => {
    const udp = dgram.createSocket('udp4');
    const answer = (): Promise<string> =>
      new Promise((resolve) => {
        const timer = setTimeout(() => resolve('no answer'), 1000);
        udp.once('message', (message) => {
          clearTimeout(timer);
          resolve(message.toString());
        });
      });
    for (const name of ['udp1', 'udp2']) {
      const filler = name === 'udp2' ? await networks.createSandbox(request('filler')) : undefined;
      const wish = request(name, { portBindings: { '53/udp': [{ HostIp: '127.0.0.1', HostPort: '45353' }] } });
      const sandbox = await networks.createSandbox(wish);
      const script = `const s=require('dgram').createSocket('udp4');s.on('message',(m,r)=>s.send('${name}',r.port,r.address));s.bind(53,()=>console.log('up'))`;
      const child = spawn('nsenter', [`--net=${sandbox.netnsPath}`, process.execPath, '-e', script], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      children.push(child);
      await new Promise<void>((resolve) => child.stdout?.once('data', () => resolve()));
      const heard = answer();
      udp.send('?', 45353, '127.0.0.1');
      expect(await heard).toBe(name);
      child.kill('SIGKILL');
      await networks.removeSandbox(wish.containerId);
      void filler;
    }
    udp.close();
  });

  it('joins macvlan networks on a link of its own', async () => {
    await create({ Name: 'mac', Driver: 'macvlan', IPAM: { Config: [{ Subnet: '10.231.0.0/24', Gateway: '10.231.0.9' }] } });
    const a = await networks.createSandbox(request('m1', { networkMode: 'mac' }));
    const b = await networks.createSandbox(request('m2', { networkMode: 'mac' }));
    await serve(a, 80);
    expect(await sayInside(b, a.endpoints.mac?.IPAddress ?? '', 80)).toBe(`${b.endpoints.mac?.IPAddress} hi`);
    expect(await query(b, 'm1')).toBe(a.endpoints.mac?.IPAddress);
    // There is nothing behind it: the gateway is the network's, no endpoint's.
    expect(a.endpoints.mac?.Gateway).toBe('');
    expect(await inside(a, 'ip', 'route')).not.toContain('default');
  });

  it('joins ipvlan networks, or says that the kernel has none', async () => {
    await create({ Name: 'ipv', Driver: 'ipvlan', IPAM: { Config: [{ Subnet: '10.232.0.0/24' }] }, Options: { ipvlan_mode: 'l3' } });
    const wish = request('i1', { endpoints: { default: {}, ipv: {} } });
    if (kernelHas('ipvlan')) {
      const sandbox = await networks.createSandbox(wish);
      expect(await inside(sandbox, 'ip', '-d', 'link', 'show', 'eth1')).toContain('ipvlan  mode l3');
    } else {
      await expect(networks.createSandbox(wish)).rejects.toThrow('the kernel of this host has no ipvlan: load its module');
      expect(Object.keys((await networks.inspect('bridge')).Containers)).not.toContain(wish.containerId);
    }
  });

  it('links containers of the default bridge by their hosts files', async () => {
    const target = request('database');
    const { endpoints } = await networks.createSandbox(target);
    const wish = request('client', { links: [{ containerId: target.containerId, alias: 'db' }] });
    await networks.createSandbox(wish);
    expect(readFileSync(path.join(wish.folder, 'hosts'), 'utf8')).toContain(`${endpoints.bridge?.IPAddress}\tdb database-host database\n`);
  });

  it('takes up what runs after a restart of the helper, and removes the rest', async () => {
    const wish = request('stays', { networkMode: 'front', portBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } });
    const gone = request('gone', { portBindings: { '80/tcp': [{ HostIp: '', HostPort: '0' }] } });
    const sandbox = await networks.createSandbox(wish);
    const lost = await networks.createSandbox(gone);
    const server = await serve(sandbox, 80);
    const port = sandbox.ports['80/tcp']?.[0]?.HostPort ?? '';
    execFileSync('umount', [sandbox.netnsPath ?? '']);
    // As a crash: sockets close, nothing is tidied up.
    crash(networks);

    const again = await open();
    await again.adopt([{ request: wish, sandbox, pid: server.pid ?? 0 }]);
    expect(await say('127.0.0.1', port)).toMatch(/ hello$/);
    expect(await say('::1', port)).toMatch(/ hello$/);
    expect(await query(sandbox, 'stays')).toBe(sandbox.endpoints.front?.IPAddress);
    expect(Object.values((await again.inspect('front')).Containers).map((entry) => entry.Name)).toEqual(['stays']);
    await expect(say('127.0.0.1', lost.ports['80/tcp']?.[0]?.HostPort ?? 0)).rejects.toThrow('ECONNREFUSED');
    const other = await again.createSandbox(request('other', { networkMode: 'front' }));
    expect(other.endpoints.front?.IPAddress).not.toBe(sandbox.endpoints.front?.IPAddress);
    await again.removeSandbox(wish.containerId);
    networks = again;
  });
});
