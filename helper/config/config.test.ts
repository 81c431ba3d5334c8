import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { parseHost } from './hosts.ts';
import { type File, mergeFlags, readConfigFile, resolveConfig } from './index.ts';
import { needRestart, reloadAttributes, takeOver } from './reload.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'gantry-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const name = path.join(folder, `${Math.random()}.json`);
  writeFileSync(name, text);
  return name;
}
const read = (text: string) => readConfigFile(file(text));

describe('the configuration file', () => {
  it('takes daemon.json keys and fills in the defaults', () => {
    const { engine: config } = resolveConfig(
      read('{"bip":"172.30.0.1/16","default-shm-size":"128M","registry-mirrors":["http://127.0.0.1:5000"]}'),
    );
    expect(config.bip).toBe('172.30.0.1/16');
    expect(config.defaultShmSize).toBe(128 * 1024 * 1024);
    expect(config.registryMirrors).toEqual(['http://127.0.0.1:5000']);
    expect(config.logDriver).toBe('json-file');
  });
  it('may be empty, and may begin with a byte order mark', () => {
    expect(read(' \n')).toEqual({});
    expect(read('\uFEFF{"debug":true}')).toEqual({ debug: true });
  });
  it('names all unknown keys', () => {
    expect(() => read('{"colour":"blue","debug":1,"size":2}')).toThrow(
      "the following directives don't match any configuration option: colour, size",
    );
  });
  it.each([
    ['{"dns":"1.1.1.1"}', /: dns: Invalid type: Expected Array/],
    ['{"dns":[1]}', /: dns\.0: /],
    ['{"log-level":"loud"}', /: log-level: invalid logging level: loud/],
    ['{"log-format":"xml"}', /: log-format: invalid log format: xml/],
    ['{"mtu":-1,"debug":"x"}', /: debug: .*; mtu: must not be negative/],
    ['{"mtu":10}', /: mtu: from 68 to 65535, or 0 for the default/],
    ['{"mtu":65536}', /: mtu: from 68 to 65535/],
    ['{"default-ipc-mode":"host"}', /: default-ipc-mode: use "shareable" or "private"/],
    ['{"runtimes":{"x":{}}}', /: runtimes\.x\.path: /],
    ['{"bin":{"size":1}}', /: bin\.size: there is no such option/],
    ['{"authorization-plugins":["a"]}', /: authorization-plugins: this engine has no plugins/],
    ['{"userns-remap":"default"}', /: userns-remap: /],
    ['[]', /holds no JSON object/],
    ['{', /invalid JSON/],
  ])('says what is wrong with %s', (text, expected) => {
    expect(() => read(text)).toThrow(expected);
  });
  it('takes what daemon.json files often have though it does nothing here', () => {
    expect(read('{"features":{"buildkit":true},"exec-opts":["native.cgroupdriver=systemd"],"storage-driver":"overlay2"}')).toBeDefined();
  });
  it('is named when it is not there', () => {
    expect(() => readConfigFile(path.join(folder, 'none.json'))).toThrow(
      /unable to configure the Docker daemon with file .*none.json: ENOENT/,
    );
  });
});

describe('values', () => {
  it.each<[File, string]>([
    [{ dns: ['x'] }, 'dns: x is not an ip address'],
    [{ 'storage-opts': ['overlay2.colour=blue'] }, 'storage-opts: overlay2: unknown option overlay2.colour'],
    [{ 'storage-opts': ['overlay2.size=much'] }, "storage-opts: invalid size: 'much'"],
    [{ labels: ['a'] }, 'labels: bad attribute format: a'],
    [{ labels: ['a=1', 'a=2'] }, 'labels: conflict labels for a=2 and a=1'],
    [{ bip: '10.0.0.1' }, 'bip: invalid CIDR address: 10.0.0.1'],
    [{ hosts: ['foo://x'] }, "hosts: invalid bind address (foo://x): unsupported proto 'foo'"],
    [{ 'registry-mirrors': ['x'] }, 'registry-mirrors: invalid mirror: "x" is not a valid URI'],
    [{ 'registry-mirrors': ['ftp://x'] }, 'registry-mirrors: invalid mirror: unsupported scheme "ftp" in "ftp://x"'],
    [{ 'default-shm-size': 'big' }, "default-shm-size: invalid size: 'big'"],
    [{ runtimes: { crun: { path: '/x' } } }, "runtimes: runtime name 'crun' is reserved"],
    [{ 'data-root': 'here' }, 'data-root: needs an absolute path: here'],
    [{ 'metrics-addr': 'unix:///x' }, 'metrics-addr: should be ADDRESS:PORT: unix:///x'],
    [{ 'metrics-addr': 'x' }, 'metrics-addr: should be ADDRESS:PORT: x'],
    [{ 'log-driver': 'syslog' }, 'log-driver: error looking up logging plugin syslog: plugin "syslog" not found'],
    [{ 'log-opts': { bogus: '1' } }, "log-opts: unknown log opt 'bogus' for json-file log driver"],
    [{ 'log-opts': { 'max-size': '10q' } }, "log-opts: failed to initialize logging driver: invalid suffix: 'q'"],
    [
      { 'default-network-opts': { bridge: { 'com.docker.network.bridge.enable_icc': 'maybe' } } },
      'default-network-opts: bridge: failed to parse com.docker.network.bridge.enable_icc value: maybe',
    ],
    [{ 'default-network-opts': { brigde: {} } }, 'default-network-opts: there is no driver brigde: it is one of bridge, macvlan'],
    [{ 'default-ulimits': { nofiles: { Soft: 1, Hard: 1 } } }, 'default-ulimits: invalid ulimit type: nofiles'],
    [{ 'default-ulimits': { nofile: { Soft: 2, Hard: 1 } } }, 'default-ulimits: ulimit soft limit must be less than or equal'],
    [{ 'insecure-registries': ['ftp://x'] }, "insecure-registries: insecure registry ftp://x should not contain '://'"],
    [{ 'insecure-registries': ['10.0.0.0/40'] }, 'insecure-registries: insecure registry 10.0.0.0/40 is not valid: should be HOST'],
    [{ 'insecure-registries': ['a b'] }, 'insecure-registries: insecure registry a b is not valid'],
    [{ 'default-shm-size': -1 }, 'default-shm-size: invalid size: -1: a whole number of bytes'],
    [{ bin: { 'max-size': 1.5 } }, 'bin.max-size: invalid size: 1.5'],
    [{ hosts: ['unix:///a', 'unix:///b', 'unix:///a'] }, 'hosts: unix:///a is there twice'],
    [{ hosts: [`unix:///${'a'.repeat(107)}`] }, 'hosts: invalid bind address (unix:///aaa'],
    [{ 'default-runtime': 'nope' }, "default-runtime: specified default runtime 'nope' does not exist"],
    [{ 'seccomp-profile': '/none.json' }, 'seccomp-profile: opening seccomp profile (/none.json) failed: ENOENT'],
  ])('%j is refused with its key', (given, expected) => {
    expect(() => resolveConfig(given)).toThrow(expected);
  });
});

it('a registry may be named by its URL', () => {
  const all = ['http://a:5000', 'b', '10.0.0.0/8', 'a_b.c-d', '[::1]:5000', '::1', 'fd00::/8'];
  expect(resolveConfig({ 'insecure-registries': all }).engine.insecureRegistries).toEqual(['a:5000', ...all.slice(1)]);
});

describe('a flag and a key', () => {
  it('of the same name are refused, as dockerd does it', () => {
    expect(() => mergeFlags({ debug: true, labels: ['a=b'] }, { debug: false, labels: ['c=d'] }, '/etc/x')).toThrow(
      'the following directives are specified both as a flag and in the configuration file: debug: (from flag: true, from file: false), labels: (from flag: [a=b], from file: [c=d])',
    );
  });
  it('of different names are merged, runtimes one by one', () => {
    expect(mergeFlags({ debug: true, runtimes: { a: { path: '/a' } } }, { runtimes: { b: { path: '/b' } }, mtu: 1400 }, '')).toEqual({
      debug: true,
      mtu: 1400,
      runtimes: { a: { path: '/a' }, b: { path: '/b' } },
    });
  });
});

describe('hosts', () => {
  it.each([
    ['unix:///a/b.sock', { kind: 'unix', path: '/a/b.sock' }],
    ['unix://', { kind: 'unix', path: '/default' }],
    [`unix:///${'a'.repeat(106)}`, { kind: 'unix', path: `/${'a'.repeat(106)}` }],
    ['fd://', { kind: 'fd', which: '' }],
    ['fd://*', { kind: 'fd', which: '' }],
    ['fd://api', { kind: 'fd', which: 'api' }],
    ['tcp://0.0.0.0:1234', { kind: 'tcp', host: '0.0.0.0', port: 1234 }],
    ['tcp://', { kind: 'tcp', host: 'localhost', port: 2376 }],
    ['tcp://:7', { kind: 'tcp', host: 'localhost', port: 7 }],
    ['127.0.0.1:80', { kind: 'tcp', host: '127.0.0.1', port: 80 }],
    ['tcp://[::1]:80', { kind: 'tcp', host: '::1', port: 80 }],
  ])('%s', (text, expected) => {
    expect(parseHost(text, { tls: true, socket: '/default' })).toEqual(expected);
  });
  it('by an empty text means the default', () => {
    expect(parseHost('', { tls: false, socket: '/default' })).toEqual({ kind: 'unix', path: '/default' });
    expect(parseHost('', { tls: true, socket: '/default' })).toMatchObject({ kind: 'tcp' });
  });
  it.each(['unix://a', 'tcp://a:99999', 'tcp://::1:80', 'tcp://a/b', 'tcp://u@h:1'])('%s is refused', (text) => {
    expect(() => parseHost(text, { tls: false, socket: '' })).toThrow(`invalid bind address (${text})`);
  });

  it('on TCP need TLS with client certificates', () => {
    const hosts = ['tcp://0.0.0.0:2376'];
    const remedy = 'set "tlsverify" with "tlscacert", "tlscert" and "tlskey"';
    expect(() => resolveConfig({ hosts })).toThrow(`hosts: whoever reaches tcp://0.0.0.0:2376 is root on this machine: ${remedy}`);
    expect(() => resolveConfig({ hosts, tls: false })).toThrow(remedy);
    expect(() => resolveConfig({ hosts, tls: true })).toThrow(remedy);
    expect(resolveConfig({ hosts, tlsverify: true, tlscert: '/c' }).tls).toEqual({
      ca: '/etc/gantry/tls/ca.pem',
      cert: '/c',
      key: '/etc/gantry/tls/key.pem',
    });
  });
  it('on loopback may be in the clear when someone says so', () => {
    const hosts = ['tcp://127.0.0.1:2375', 'tcp://[::1]:2375', 'tcp://localhost:1'];
    expect(() => resolveConfig({ hosts })).toThrow('or allow it with "tls": false');
    expect(resolveConfig({ hosts, tls: false })).toMatchObject({ hosts: [{ port: 2375 }, {}, {}], tls: undefined });
  });
});

describe('reading again', () => {
  it('takes over what can change while the engine runs, and names what waits', () => {
    const before: File = { labels: ['a=1'], mtu: 1500, 'live-restore': true, builder: {} };
    const after: File = { labels: ['b=2'], mtu: 1400, hosts: ['fd://'], features: { x: true } };
    const config = resolveConfig(before).engine;
    takeOver(config, resolveConfig(after).engine);
    expect(config).toMatchObject({ labels: ['b=2'], mtu: 1500, liveRestore: true, features: { x: true } });
    expect(needRestart(before, after)).toEqual(['hosts', 'mtu']);
    expect(reloadAttributes(config, [{ name: 'crun', path: '/bin/crun' }], 2)).toMatchObject({
      labels: '["b=2"]',
      features: 'map[x:true]',
      'live-restore': 'true',
      'default-cgroupns-mode': 'private',
      'default-shm-size': '67108864',
      runtimes: 'crun:/bin/crun',
    });
  });
});
