import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { EngineClient } from '../engine-client/index.ts';
import { dialNet } from '../hosts/dial-net.ts';
import { unixDialer } from '../hosts/dial-unix.ts';
import type { Host, OpenedTunnel, Tunnel, TunnelTrouble } from '../ipc/contract.ts';
import { ChannelRefused } from '../ssh/index.ts';
import { JsonFile } from '../store/json-file.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { tunnelsFileSchema } from './records.ts';
import { type InspectedNetworks, targetsOf } from './target.ts';
import { Tunnels } from './tunnels.ts';

const ID = 'c0ffee'.repeat(8);
const networks = (more: Partial<InspectedNetworks['NetworkSettings']> = {}, mode = 'bridge'): InspectedNetworks => ({
  Id: ID,
  State: { Running: true },
  HostConfig: { NetworkMode: mode },
  NetworkSettings: { Ports: {}, Networks: {}, ...more },
});

describe('where a port is', () => {
  test('a published port first, then the addresses in the networks, IPv6 last', () => {
    const bound = [
      { HostIp: '0.0.0.0', HostPort: '8080' },
      { HostIp: '::', HostPort: '8080' },
      { HostIp: '10.1.2.3', HostPort: '81' },
    ];
    const inspect = networks({
      Ports: { '80/tcp': bound, '53/udp': [{ HostIp: '', HostPort: '53' }] },
      Networks: {
        a: { IPAddress: '172.17.0.2', GlobalIPv6Address: 'fd00::2' },
        b: { IPAddress: '172.18.0.2', GlobalIPv6Address: '' },
        c: null,
      },
    });
    expect(targetsOf(inspect, 80).map(({ address, port }) => `${address} ${port}`)).toEqual([
      '127.0.0.1 8080',
      '::1 8080',
      '10.1.2.3 81',
      '172.17.0.2 80',
      '172.18.0.2 80',
      'fd00::2 80',
    ]);
    expect(targetsOf(inspect, 53)).toHaveLength(3);
  });

  test('the network of the host; no network', () => {
    expect(targetsOf(networks({}, 'host'), 80)).toEqual([{ address: '127.0.0.1', port: 80 }]);
    expect(targetsOf(networks({}, 'none'), 80)).toEqual([]);
  });

  test('names and nonsense of a hostile engine are no targets', () => {
    const bad = {
      '80/tcp': [
        { HostIp: 'example.org', HostPort: '80' },
        { HostIp: '', HostPort: '0x50000' },
        { HostIp: '', HostPort: '-1' },
      ],
    };
    expect(targetsOf(networks({ Ports: bad, Networks: { a: { IPAddress: 'localhost', GlobalIPv6Address: '::x' } } }), 80)).toEqual([]);
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`n${i}`, { IPAddress: `10.0.0.${i}`, GlobalIPv6Address: '' }]));
    expect(targetsOf(networks({ Networks: many }), 80)).toHaveLength(8);
  });
});

let engine: FakeEngine;
let client: EngineClient;
let folder: string;
let tunnels: Tunnels;
let container: InspectedNetworks;
let service: Server;
let servicePort: number;
let dial: (address: string, port: number, signal: AbortSignal) => Promise<Socket>;
const sockets = new Set<Socket>();

/** Answers each line with itself, and ends when the other side has ended. */
const echo = (socket: Socket) => {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('data', (data) => socket.write(data));
  socket.on('end', () => socket.end('bye'));
};
const listen = (server: Server, port = 0) =>
  new Promise<number>((resolve) => {
    server.listen(port, '127.0.0.1', () => {
      const bound = server.address();
      resolve(typeof bound === 'object' && bound !== null ? bound.port : 0);
    });
  });
const host = (state: Host['state'], kind: Host['kind'] = 'ssh'): Host => ({ id: 'h1', name: 'nas', colour: 'blue', kind, state });
const connected: Host['state'] = {
  status: 'connected',
  engine: { product: 'Gantry', version: '1', apiVersion: '1.47', os: 'linux', arch: 'amd64' },
  since: 0,
};
const lost = (code: 'ssh-lost' | 'timeout' | 'closed'): Host['state'] => ({
  status: 'reconnecting',
  error: { code, message: code },
  retryAt: 0,
  attempt: 1,
});
const make = () =>
  new Tunnels({
    file: new JsonFile(join(folder, 'tunnels.json'), tunnelsFileSchema),
    client: () => client,
    dial: (_, address, port, signal) => dial(address, port, signal),
    onChange: () => {},
    log: () => {},
  });

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gantry-tunnels-'));
  engine = await FakeEngine.create();
  client = new EngineClient(unixDialer(engine.socketPath));
  service = createServer({ allowHalfOpen: true }, echo);
  servicePort = await listen(service);
  container = networks({ Networks: { bridge: { IPAddress: '172.17.0.2', GlobalIPv6Address: '' } } });
  const answer = (_: unknown, response: { end: (text: string) => void }) => response.end(JSON.stringify(container));
  engine.routes.set(`GET /containers/${ID}/json`, answer);
  dial = (_, __, signal) => dialNet({ host: '127.0.0.1', port: servicePort, allowHalfOpen: true }, signal);
  tunnels = make();
  await tunnels.load();
  tunnels.onHosts([host(connected)]);
});
afterEach(async () => {
  await tunnels.closeAll();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  service.close();
  client.close();
  await engine.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const open = (port = servicePort, name = 'web') => tunnels.open({ hostId: 'h1', containerId: ID, containerName: name, port });
async function opened(port?: number): Promise<Tunnel> {
  const result: OpenedTunnel = await open(port);
  if ('trouble' in result) throw new Error(JSON.stringify(result.trouble));
  return result.tunnel;
}
/** Sends a line, ends its half; resolves with all that came. */
function talk(port: number, text: string, address = '127.0.0.1'): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = '';
    const socket = connect({ host: address, port });
    socket.on('error', reject);
    socket.on('data', (data) => (got += data));
    socket.on('close', () => resolve(got));
    socket.end(text);
  });
}

test('leads to the container and back, half-closed and all, and on the loopback only', async () => {
  const { localPort, state } = await opened();
  expect(state).toBe('open');
  expect(await talk(localPort, 'hello\n')).toBe('hello\nbye');
  expect(await Promise.all(Array.from({ length: 20 }, (_, i) => talk(localPort, `${i}`)))).toEqual(
    Array.from({ length: 20 }, (_, i) => `${i}bye`),
  );
  const listening = readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .filter((line) => new RegExp(`:${localPort.toString(16).toUpperCase().padStart(4, '0')} 0{8}:0000 0A`).test(line))
    .map((line) => line.trim().split(/\s+/)[1]?.split(':')[0]);
  expect(listening).toEqual(['0100007F']);
});

test('the same number if it is free, else the next; the one that leads there already is taken', async () => {
  // servicePort itself is held by the service.
  const first = await opened();
  expect(first.localPort).toBeGreaterThan(servicePort);
  expect((await opened()).id).toBe(first.id);
  const free = createServer();
  const port = await listen(free);
  await new Promise((resolve) => free.close(resolve));
  expect((await opened(port)).localPort).toBe(port);
  expect(tunnels.list()).toHaveLength(2);
});

test('what a large answer needs of memory is bounded: the container waits for a slow reader', async () => {
  let sent = 0;
  service.removeAllListeners('connection');
  service.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    const more = () => {
      do sent += 65536;
      while (socket.write(Buffer.alloc(65536)) && sent < 1e9);
    };
    socket.on('drain', more);
    more();
  });
  const { localPort } = await opened();
  const slow = connect({ host: '127.0.0.1', port: localPort });
  slow.pause();
  let before = -1;
  await vi.waitFor(
    () => {
      const now = sent;
      const quiet = now === before && now > 0;
      before = now;
      expect(quiet).toBe(true);
    },
    { timeout: 10_000, interval: 200 },
  );
  expect(sent).toBeLessThan(64 * 1024 * 1024);
  slow.destroy();
  await vi.waitFor(() => expect([...sockets].every(({ destroyed }) => destroyed)).toBe(true));
});

test('stopping cuts what goes through, frees the port and forgets', async () => {
  const { id, localPort } = await opened();
  const socket = connect({ host: '127.0.0.1', port: localPort });
  await new Promise((resolve) => socket.once('connect', resolve));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  await tunnels.stop(id);
  await closed;
  await expect(talk(localPort, '')).rejects.toThrow(/ECONNREFUSED/);
  expect(tunnels.list()).toEqual([]);
  await expect(tunnels.reopen(id)).rejects.toThrow(/stopped/);
});

describe('why there is no way', () => {
  const trouble = async (): Promise<TunnelTrouble['code'] | undefined> => {
    const result = await open();
    return 'trouble' in result ? result.trouble.code : result.tunnel.trouble?.code;
  };
  const refusing = (reason: number, words: string) => {
    dial = async () => {
      throw new ChannelRefused(words, reason);
    };
  };

  test('the container is gone, does not run, is in no network', async () => {
    container = { ...container, State: { Running: false } };
    expect(await trouble()).toBe('not-running');
    container = networks();
    expect(await trouble()).toBe('no-network');
    engine.routes.delete(`GET /containers/${ID}/json`);
    expect(await trouble()).toBe('gone');
    expect(tunnels.list()).toEqual([]);
  });

  test('the server forwards nothing; nothing answers at the address', async () => {
    refusing(1, 'administratively prohibited: open failed');
    expect(await trouble()).toBe('forwarding');
    refusing(2, 'Connect failed: No route to host');
    expect(await trouble()).toBe('unreachable');
    expect(tunnels.list()).toEqual([]);
  });

  test('nothing serves the port yet: it is open all the same, says so, and works once something does', async () => {
    refusing(2, 'Connect failed: Connection refused');
    expect(await trouble()).toBe('refused');
    expect(tunnels.list()[0]).toMatchObject({ state: 'open' });
    dial = (_, __, signal) => dialNet({ host: '127.0.0.1', port: servicePort, allowHalfOpen: true }, signal);
    expect(await talk(tunnels.list()[0]?.localPort ?? 0, 'now')).toBe('nowbye');
    expect(tunnels.list()[0]?.trouble).toBeUndefined();
  });

  test('the container stops: said at the next connection, over when it runs again', async () => {
    const { localPort } = await opened();
    const dialed: string[] = [];
    const before = dial;
    dial = (address, port, signal) => {
      dialed.push(`${address}:${port}`);
      return before(address, port, signal);
    };
    container = { ...container, State: { Running: false } };
    tunnels.onEvents([{ hostId: 'h1', message: { Type: 'container', Action: 'die', Actor: { ID } } }]);
    await talk(localPort, 'x').catch(() => '');
    await vi.waitFor(() => expect(tunnels.list()[0]?.trouble?.code).toBe('not-running'));
    // Another container may have its old address by now.
    expect(dialed).toEqual([]);
    container = networks({ Networks: { bridge: { IPAddress: '172.17.0.9', GlobalIPv6Address: '' } } });
    tunnels.onEvents([{ hostId: 'h1', message: { Type: 'container', Action: 'start', Actor: { ID } } }]);
    expect(tunnels.list()[0]?.trouble).toBeUndefined();
    expect(await talk(localPort, 'x')).toBe('xbye');
    expect(dialed).toEqual([`172.17.0.9:${servicePort}`]);
  });
});

test('made anew under its name, the container is found again', async () => {
  const { localPort } = await opened();
  engine.routes.delete(`GET /containers/${ID}/json`);
  const next = 'beef'.repeat(16);
  engine.routes.set('GET /containers/web/json', (_, response) => response.end(JSON.stringify({ ...container, Id: next })));
  tunnels.onEvents([{ hostId: 'h1', message: { Type: 'container', Action: 'destroy', Actor: { ID } } }]);
  expect(await talk(localPort, 'x')).toBe('xbye');
  expect(tunnels.list()[0]?.containerId).toBe(next);
});

describe('asked again, not opened by itself', () => {
  test.each(['ssh-lost', 'timeout'] as const)(
    'after the machine was lost (%s); an engine that restarts takes no tunnel away',
    async (code) => {
      const { id, localPort } = await opened();
      tunnels.onHosts([host(lost('closed'))]);
      tunnels.onHosts([host(connected)]);
      expect(tunnels.list()[0]).toMatchObject({ state: 'open', offered: false });
      tunnels.onHosts([host(lost(code))]);
      expect(tunnels.list()[0]).toMatchObject({ state: 'closed', offered: true });
      await expect(talk(localPort, '')).rejects.toThrow(/ECONNREFUSED/);
      tunnels.onHosts([host(connected)]);
      expect(tunnels.list()[0]).toMatchObject({ state: 'closed', offered: true });
      expect(await tunnels.reopen(id)).toMatchObject({ tunnel: { localPort, state: 'open', offered: false } });
      expect(await talk(localPort, 'x')).toBe('xbye');
    },
  );

  test('after a new start of the app; a no is remembered', async () => {
    const { id, localPort } = await opened();
    await tunnels.closeAll();
    tunnels = make();
    await tunnels.load();
    tunnels.onHosts([host(connected)]);
    expect(tunnels.list()).toEqual([
      { id, hostId: 'h1', containerId: ID, containerName: 'web', port: servicePort, localPort, state: 'closed', offered: true },
    ]);
    await tunnels.notNow('h1');
    await tunnels.closeAll();
    tunnels = make();
    await tunnels.load();
    expect(tunnels.list()[0]).toMatchObject({ state: 'closed', offered: false });
    expect(await tunnels.reopen(id)).toMatchObject({ tunnel: { state: 'open' } });
  });

  test('a host that is removed takes its tunnels along', async () => {
    await opened();
    tunnels.onHosts([]);
    expect(tunnels.list()).toEqual([]);
    await vi.waitFor(() => expect(JSON.parse(readFileSync(join(folder, 'tunnels.json'), 'utf8')).tunnels).toEqual([]));
  });
});
