import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { isDeepStrictEqual } from 'node:util';
import { parseBytes } from '../engine/bytes.ts';
import { checkLogConfig, checkLogValues } from '../engine/containers/log-options.ts';
import { rlimits } from '../engine/containers/spec/resources.ts';
import type { DaemonConfig } from '../engine/context.ts';
import { Failure, messageOf } from '../engine/failure.ts';
import { checkOptions } from '../engine/networks/options.ts';
import { type HostAddress, isLoopback, parseHost } from './hosts.ts';
import type { File, Key } from './keys.ts';

/** What the program, not the engine in it, needs to know. */
export interface Settings {
  engine: DaemonConfig;
  /** Empty: the default socket. */
  hosts: HostAddress[];
  group: string | undefined;
  /** TLS of TCP listeners; undefined: in the clear, which is for loopback only. `ca` undefined: clients need no certificate. */
  tls: { ca: string | undefined; cert: string; key: string } | undefined;
  dataRoot: string | undefined;
  execRoot: string | undefined;
  pidfile: string | undefined;
  metrics: { host: string; port: number } | undefined;
  proxies: { http?: string; https?: string; no?: string };
}

const DEFAULT_TLS = '/etc/gantry/tls';
export const DEFAULT_SOCKET = '/run/gantry/gantry.sock';
const GIB = 1024 ** 3;

/**
 * Defaults filled in, values checked as far as their key alone tells.
 * @param usualRuntime the OCI runtime where the file names none
 * @throws Failure invalidParameter that names the key
 */
export function resolveConfig(file: File = {}, usualRuntime = 'crun'): Settings {
  const level = file['log-level'] ?? 'info';
  return {
    engine: {
      registryMirrors: (file['registry-mirrors'] ?? []).map(mirror),
      insecureRegistries: (file['insecure-registries'] ?? []).map(insecure),
      ...(file.bip ? { bip: cidr('bip', file.bip, 4) } : {}),
      ...(file.bip6 ? { bip6: cidr('bip6', file.bip6, 6) } : {}),
      ...(file['fixed-cidr'] ? { fixedCidr: cidr('fixed-cidr', file['fixed-cidr'], 4) } : {}),
      ...(file['fixed-cidr-v6'] ? { fixedCidrV6: cidr('fixed-cidr-v6', file['fixed-cidr-v6'], 6) } : {}),
      dns: (file.dns ?? []).map((text) => address('dns', text)),
      dnsSearch: (file['dns-search'] ?? []).map(searchDomain),
      dnsOptions: file['dns-opts'] ?? [],
      logLevel: file.debug ? 'debug' : LEVELS[level],
      logFormat: file['log-format'] ?? 'text',
      ...logging(file),
      defaultAddressPools: pools(file['default-address-pools'] ?? []),
      defaultNetworkOpts: networkOptions(file['default-network-opts'] ?? {}),
      maxConcurrentDownloads: file['max-concurrent-downloads'] || 6,
      maxConcurrentUploads: file['max-concurrent-uploads'] || 5,
      maxDownloadAttempts: file['max-download-attempts'] || 5,
      defaultRuntime: defaultRuntime(file, usualRuntime),
      runtimes: runtimes(file.runtimes ?? {}),
      init: file.init ?? false,
      cgroupParent: file['cgroup-parent'] ?? '',
      ...(file['default-cgroupns-mode'] ? { cgroupnsMode: file['default-cgroupns-mode'] } : {}),
      ipcMode: file['default-ipc-mode'] ?? 'private',
      defaultShmSize: bytes('default-shm-size', file['default-shm-size']) || 64 * 1024 * 1024,
      ...storageOptions(file['storage-opts'] ?? []),
      defaultUlimits: ulimits(file['default-ulimits'] ?? {}),
      noNewPrivileges: file['no-new-privileges'] ?? false,
      seccompProfile: seccompProfile(file['seccomp-profile']),
      shutdownTimeout: file['shutdown-timeout'] ?? 15,
      liveRestore: file['live-restore'] ?? true,
      ipv6: file.ipv6 ?? false,
      icc: file.icc ?? true,
      publishAddress: file.ip ? address('ip', file.ip) : '0.0.0.0',
      mtu: file.mtu || 1500,
      ipMasq: file['ip-masq'] ?? true,
      iptables: file.iptables ?? true,
      ip6tables: (file.iptables ?? true) && (file.ip6tables ?? true),
      userlandProxy: file['userland-proxy'] ?? true,
      ...bridge(file),
      ...(file['default-gateway'] ? { defaultGateway: address('default-gateway', file['default-gateway'], 4) } : {}),
      ...(file['default-gateway-v6'] ? { defaultGatewayV6: address('default-gateway-v6', file['default-gateway-v6'], 6) } : {}),
      ipForward: file['ip-forward'] ?? true,
      allowDirectRouting: file['allow-direct-routing'] ?? false,
      hostGatewayIps: [...(file['host-gateway-ips'] ?? []), ...(file['host-gateway-ip'] ? [file['host-gateway-ip']] : [])].map((text) =>
        address('host-gateway-ips', text),
      ),
      labels: labels(file.labels ?? []),
      debug: file.debug ?? false,
      experimental: file.experimental ?? false,
      features: file.features ?? {},
      cdiSpecDirs: cdiSpecDirs(file),
      statistics: file.statistics !== false,
      statisticsInterval: typeof file.statistics === 'object' ? file.statistics['interval-seconds'] : 30,
      bin: {
        containers: file.bin?.containers ?? false,
        volumes: file.bin?.volumes ?? false,
        maxBytes: bytes('bin.max-size', file.bin?.['max-size']) ?? 10 * GIB,
        keepDays: file.bin?.['keep-days'] ?? 30,
      },
    },
    ...listening(file),
    group: file.group || undefined,
    dataRoot: folder('data-root', file['data-root']),
    execRoot: folder('exec-root', file['exec-root']),
    pidfile: file.pidfile || undefined,
    metrics: metricsAddress(file['metrics-addr']),
    proxies: proxies(file.proxies ?? {}),
  };
}

/** As dockerd: one empty name leaves none, and only the switch takes the driver away. */
function cdiSpecDirs({ features, 'cdi-spec-dirs': folders = ['/etc/cdi', '/var/run/cdi'] }: File): string[] | undefined {
  if (features?.cdi === false) return undefined;
  return folders.length === 1 && folders[0] === '' ? [] : folders;
}

const LEVELS = { trace: 'debug', debug: 'debug', info: 'info', warn: 'warn', error: 'error', fatal: 'fatal', panic: 'fatal' } as const;

function wrong(key: Key | `${Key}.${string}`, why: string): Failure {
  return new Failure('invalidParameter', `${key}: ${why}`);
}

/** Where to listen. Whoever reaches the API is root here: TCP needs certificates on both sides, or loopback and a clear word. */
function listening(file: File): Pick<Settings, 'hosts' | 'tls'> {
  const verify = file.tlsverify ?? false;
  const encrypted = verify || (file.tls ?? false);
  const hosts = (file.hosts ?? []).map((text) => {
    try {
      return parseHost(text, { tls: encrypted, socket: DEFAULT_SOCKET });
    } catch (error) {
      throw wrong('hosts', messageOf(error));
    }
  });
  const twice = hosts.findIndex((host, at) => hosts.slice(0, at).some((other) => isDeepStrictEqual(other, host)));
  if (twice >= 0) throw wrong('hosts', `${file.hosts?.[twice]} is there twice`);
  for (const host of hosts) {
    if (host.kind !== 'tcp' || verify) continue;
    const where = `tcp://${host.host.includes(':') ? `[${host.host}]` : host.host}:${host.port}`;
    const remedy = 'set "tlsverify" with "tlscacert", "tlscert" and "tlskey"';
    if (!isLoopback(host.host)) throw wrong('hosts', `whoever reaches ${where} is root on this machine: ${remedy}`);
    if (file.tls === undefined) {
      throw wrong('hosts', `every program on this machine that reaches ${where} is root: ${remedy}, or allow it with "tls": false`);
    }
  }
  return {
    hosts,
    tls: encrypted
      ? {
          ca: verify ? file.tlscacert || `${DEFAULT_TLS}/ca.pem` : undefined,
          cert: file.tlscert || `${DEFAULT_TLS}/cert.pem`,
          key: file.tlskey || `${DEFAULT_TLS}/key.pem`,
        }
      : undefined,
  };
}

function metricsAddress(text: string | undefined): Settings['metrics'] {
  if (!text) return undefined;
  try {
    const host = parseHost(text, { tls: false, socket: '' });
    if (host.kind === 'tcp' && /:\d+$/.test(text)) return host;
  } catch (error) {
    throw wrong('metrics-addr', messageOf(error));
  }
  throw wrong('metrics-addr', `should be ADDRESS:PORT: ${text}`);
}

/** The last of several with one key and value; dockerd's text for those that contradict each other. */
function labels(list: string[]): string[] {
  const known = new Map<string, string>();
  for (const label of list) {
    const at = label.indexOf('=');
    if (at < 1) throw wrong('labels', `bad attribute format: ${label}`);
    const [key, value] = [label.slice(0, at), label.slice(at + 1)];
    const other = known.get(key);
    if (other !== undefined && other !== value) throw wrong('labels', `conflict labels for ${label} and ${key}=${other}`);
    known.set(key, value);
  }
  return [...known].map(([key, value]) => `${key}=${value}`);
}

function mirror(text: string): string {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('registry-mirrors', `invalid mirror: "${text}" is not a valid URI`);
  }
  if (!/^https?:$/.test(url.protocol)) {
    throw wrong('registry-mirrors', `invalid mirror: unsupported scheme "${url.protocol.slice(0, -1)}" in "${text}"`);
  }
  if (url.search || url.hash) throw wrong('registry-mirrors', `invalid mirror: query or fragment at end of the URI "${text}"`);
  if (url.username || url.password) throw wrong('registry-mirrors', 'invalid mirror: username/password not allowed in URI');
  return text;
}

/** As dockerd takes it: a URL's scheme is left out. */
function insecure(text: string): string {
  const entry = text.replace(/^https?:\/\//i, '');
  if (entry.includes('://')) throw wrong('insecure-registries', `insecure registry ${text} should not contain '://'`);
  const valid = entry.includes('/') ? isCidr(entry, 4) || isCidr(entry, 6) : /^(\[[0-9a-f:.]+\]|[\w.-]+|[0-9a-f:.]+)(:\d+)?$/i.test(entry);
  if (!valid) throw wrong('insecure-registries', `insecure registry ${text} is not valid: should be HOST, HOST:PORT or a subnet`);
  return entry;
}

/** Each network would be refused for them otherwise. */
function networkOptions(byDriver: Record<string, Record<string, string>>): DaemonConfig['defaultNetworkOpts'] {
  for (const [driver, Options] of Object.entries(byDriver)) {
    if (!DRIVERS.includes(driver)) throw wrong('default-network-opts', `there is no driver ${driver}: it is one of ${DRIVERS.join(', ')}`);
    if (driver !== 'bridge' && driver !== 'macvlan' && driver !== 'ipvlan') continue;
    try {
      checkOptions(driver, { Name: '', Internal: true, Options });
    } catch (error) {
      throw wrong('default-network-opts', `${driver}: ${messageOf(error)}`);
    }
  }
  return byDriver;
}
/** Docker's; those that this engine has not are left alone in a file that was dockerd's. */
const DRIVERS = ['bridge', 'macvlan', 'ipvlan', 'overlay', 'host', 'null'];

function ulimits(given: NonNullable<File['default-ulimits']>): DaemonConfig['defaultUlimits'] {
  const limits = Object.entries(given).map(([name, limit]) => [name, { ...limit, Name: limit.Name ?? name }] as const);
  try {
    rlimits(limits.map(([, limit]) => limit));
  } catch (error) {
    throw wrong('default-ulimits', messageOf(error));
  }
  return Object.fromEntries(limits);
}

/** @throws Failure invalidParameter when it shall be one link and be made by another's rules */
function bridge(file: File): { bridge?: string } {
  const name = file.bridge;
  if (!name) return {};
  for (const key of ['bip', 'bip6'] as const) {
    if (file[key]) throw wrong('bridge', `"bridge" and "${key}" are mutually exclusive: the bridge has its address already`);
  }
  if (!/^[^\s/:]{1,15}$/.test(name)) throw wrong('bridge', `not a link's name: ${name}`);
  return { bridge: name };
}

/** @throws Failure invalidParameter */
function pools(list: NonNullable<File['default-address-pools']>): { base: string; size: number }[] {
  for (const { base, size } of list) {
    const family = base.includes(':') ? 6 : 4;
    const length = Number(cidr('default-address-pools', base, family).split('/')[1]);
    if (size < length || size > (family === 4 ? 32 : 128)) {
      throw wrong('default-address-pools', `invalid size ${size} for ${base}: from ${length} to ${family === 4 ? 32 : 128}`);
    }
  }
  return list;
}

function address(key: Key, text: string, family?: 4 | 6): string {
  if (!isIP(text.trim()) || (family && isIP(text.trim()) !== family)) throw wrong(key, `${text} is not an ip address`);
  return text.trim();
}

function cidr(key: Key, text: string, family: 4 | 6): string {
  if (!isCidr(text, family)) throw wrong(key, `invalid CIDR address: ${text}`);
  return text;
}

function isCidr(text: string, family: 4 | 6): boolean {
  const [base = '', prefix = '', more] = text.split('/');
  return isIP(base) === family && more === undefined && /^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128);
}

function searchDomain(text: string): string {
  const domain = text.trim();
  if (domain === '.' || /^[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?$/i.test(domain)) return domain;
  throw wrong('dns-search', `${text} is not a valid domain`);
}

function folder(key: Key, text: string | undefined): string | undefined {
  if (!text) return undefined;
  if (!text.startsWith('/')) throw wrong(key, `needs an absolute path: ${text}`);
  return text;
}

function runtimes(given: NonNullable<File['runtimes']>): DaemonConfig['runtimes'] {
  const reserved = Object.keys(given).find((name) => name === 'crun' || name === 'runc');
  if (reserved) throw wrong('runtimes', `runtime name '${reserved}' is reserved`);
  return Object.fromEntries(Object.entries(given).map(([name, { path, runtimeArgs = [] }]) => [name, { path, args: runtimeArgs }]));
}

function defaultRuntime(file: File, usual: string): string {
  const name = file['default-runtime'] || usual;
  if (name === 'crun' || name === 'runc' || Object.hasOwn(file.runtimes ?? {}, name)) return name;
  throw wrong('default-runtime', `specified default runtime '${name}' does not exist`);
}

/** What containers get that ask for no driver: said here, not by each of them. */
function logging(file: File): Pick<DaemonConfig, 'logDriver' | 'logOpts'> {
  const [logDriver, logOpts] = [file['log-driver'] || 'json-file', file['log-opts'] ?? {}];
  const check = (key: Key, Config: Record<string, string>): void => {
    try {
      (key === 'log-driver' ? checkLogConfig : checkLogValues)({ LogConfig: { Type: logDriver, Config } });
    } catch (error) {
      throw wrong(key, messageOf(error));
    }
  };
  check('log-driver', {});
  check('log-opts', logOpts);
  return { logDriver, logOpts };
}

/** Undefined for the built-in one. */
function seccompProfile(file: string | undefined): DaemonConfig['seccompProfile'] {
  if (!file || file === 'builtin') return undefined;
  if (file === 'unconfined') return { name: file, text: file };
  try {
    const text = readFileSync(file, 'utf8');
    JSON.parse(text);
    return { name: file, text };
  } catch (error) {
    throw wrong('seccomp-profile', `opening seccomp profile (${file}) failed: ${messageOf(error)}`);
  }
}

function proxies(given: NonNullable<File['proxies']>): Settings['proxies'] {
  for (const key of ['http-proxy', 'https-proxy'] as const) {
    const value = given[key];
    if (value && !URL.canParse(value)) throw wrong(`proxies.${key}`, 'is not a URL');
  }
  return {
    ...(given['http-proxy'] ? { http: given['http-proxy'] } : {}),
    ...(given['https-proxy'] ? { https: given['https-proxy'] } : {}),
    ...(given['no-proxy'] ? { no: given['no-proxy'] } : {}),
  };
}

/** Those of overlay2, all of them: what a new kernel does anyway, and a size. */
function storageOptions(options: readonly string[]): Pick<DaemonConfig, 'storageSize'> {
  let storageSize: number | undefined;
  for (const option of options) {
    const [, name = option, value = ''] = /^([^=]*)=(.*)$/s.exec(option) ?? [];
    if (/^overlay2?\.override_kernel_check$/i.test(name)) continue;
    if (!/^overlay2?\.size$/i.test(name)) throw wrong('storage-opts', `overlay2: unknown option ${name}`);
    storageSize = bytes('storage-opts', value);
  }
  return storageSize ? { storageSize } : {};
}

/** `64M`, `1g`, `67108864` */
function bytes(key: Key | `${Key}.${string}`, value: string | number | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value) && value >= 0) return value;
    throw wrong(key, `invalid size: ${value}: a whole number of bytes, not negative`);
  }
  const size = parseBytes(value.trim());
  if (size === undefined) throw wrong(key, `invalid size: '${value}'`);
  return size;
}
