import { parse } from 'shell-quote';
import type { ContainerCreateRequest, HostConfig, PortBinding } from '../../../helper/contract/docker/index.ts';
import { quoteWords } from '../../lib/words.ts';

/** What the run form edits: the part of a create request that a `docker run` line and the form share. All values as typed. */
export interface RunSpec {
  image: string;
  name: string;
  /** Arguments after the image. */
  command: string[];
  entrypoint: string;
  tty: boolean;
  interactive: boolean;
  autoRemove: boolean;
  ports: PortRow[];
  env: EnvRow[];
  mounts: MountRow[];
  restart: 'no' | 'always' | 'unless-stopped' | 'on-failure';
  /** As docker takes it: `512m`, `2g`; empty: no limit. */
  memory: string;
  /** `1.5`; empty: no limit. */
  cpus: string;
  workdir: string;
  user: string;
  hostname: string;
  network: string;
}
export interface PortRow {
  /** Host address, mostly empty. */
  ip: string;
  host: string;
  container: string;
  protocol: 'tcp' | 'udp' | 'sctp';
}
export interface EnvRow {
  name: string;
  value: string;
}
export interface MountRow {
  /** A host folder (begins with `/`) or a volume's name. */
  source: string;
  target: string;
  readOnly: boolean;
}

export const emptySpec: RunSpec = {
  image: '',
  name: '',
  command: [],
  entrypoint: '',
  tty: false,
  interactive: false,
  autoRemove: false,
  ports: [],
  env: [],
  mounts: [],
  restart: 'no',
  memory: '',
  cpus: '',
  workdir: '',
  user: '',
  hostname: '',
  network: '',
};

/**
 * The words of a shell line. Nothing is expanded: `$HOME` and `*` stay as they are written.
 * Source: POSIX shell quoting; shell-quote does it but for line continuations.
 */
export function splitWords(line: string): string[] {
  const joined = line.replace(/'[^']*'|\\\r?\n/g, (part) => (part.startsWith("'") ? part : ' '));
  const words: string[] = [];
  for (const token of parse(joined, (name) => `$${name}`)) {
    if (typeof token === 'string') words.push(token);
    else if ('pattern' in token) words.push(token.pattern);
    else if ('comment' in token) break;
    else break; // `;`, `&&`, `|`: what follows is another command
  }
  return words;
}

function portWord(port: PortRow): string {
  const ip = port.ip ? `${port.ip.includes(':') ? `[${port.ip}]` : port.ip}:` : '';
  const host = port.host || port.ip ? `${port.host}:` : '';
  return `${ip}${host}${port.container}${port.protocol === 'tcp' ? '' : `/${port.protocol}`}`;
}

/** The `docker run` line of a form, one option a line. Always detached: the app shows what would be seen. */
export function runLines(spec: RunSpec): string[] {
  const terminal = spec.interactive && spec.tty ? ['-it'] : spec.interactive ? ['-i'] : spec.tty ? ['-t'] : [];
  const lines: string[][] = [['docker', 'run', '-d', ...terminal, ...(spec.autoRemove ? ['--rm'] : [])]];
  if (spec.name) lines.push(['--name', spec.name]);
  if (spec.hostname) lines.push(['--hostname', spec.hostname]);
  for (const port of spec.ports) if (port.container) lines.push(['-p', portWord(port)]);
  for (const env of spec.env) if (env.name) lines.push(['-e', `${env.name}=${env.value}`]);
  for (const mount of spec.mounts) if (mount.target) lines.push(['-v', mountWord(mount)]);
  if (spec.restart !== 'no') lines.push(['--restart', spec.restart]);
  if (spec.memory) lines.push(['-m', spec.memory]);
  if (spec.cpus) lines.push(['--cpus', spec.cpus]);
  if (spec.user) lines.push(['-u', spec.user]);
  if (spec.workdir) lines.push(['-w', spec.workdir]);
  if (spec.network) lines.push(['--network', spec.network]);
  if (spec.entrypoint) lines.push(['--entrypoint', spec.entrypoint]);
  lines.push([spec.image || 'IMAGE', ...spec.command]);
  return lines.map(quoteWords);
}

function mountWord(mount: MountRow): string {
  if (!mount.source) return mount.target;
  return `${mount.source}:${mount.target}${mount.readOnly ? ':ro' : ''}`;
}

/** {@link runLines} as one line. */
export function formatRun(spec: RunSpec): string {
  return runLines(spec).join(' ');
}

export interface ParsedRun {
  spec: RunSpec;
  /** Options that the form has no field for; they are not taken over. */
  ignored: string[];
}

const shortFlags: Record<string, string> = {
  p: 'publish',
  e: 'env',
  v: 'volume',
  m: 'memory',
  u: 'user',
  w: 'workdir',
  h: 'hostname',
  l: 'label',
  c: 'cpu-shares',
  a: 'attach',
};
/** Options without a value. */
const switches = new Set([
  'detach',
  'interactive',
  'tty',
  'rm',
  'privileged',
  'publish-all',
  'read-only',
  'init',
  'no-healthcheck',
  'oom-kill-disable',
  'sig-proxy',
  'quiet',
  'disable-content-trust',
  'help',
]);

/**
 * Reads a `docker run …` line (or `podman run`, or `docker container run`, with or without `sudo`).
 * @throws SyntaxError when it is none
 */
export function parseRun(line: string): ParsedRun {
  const words = splitWords(line.trim().replace(/^\$\s+/, ''));
  const start = words.findIndex((word) => word === 'run' || word === 'create');
  if (start < 1 || !words.slice(0, start).some((w) => /(^|\/)(docker|podman|nerdctl)$/.test(w)))
    throw new SyntaxError('not a docker run line');
  const spec: RunSpec = structuredClone(emptySpec);
  const ignored: string[] = [];
  let i = start + 1;
  for (; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '--') {
      i++;
      break;
    }
    if (!word.startsWith('-') || word === '-') break;
    if (word.startsWith('--')) {
      const equals = word.indexOf('=');
      const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
      if (switches.has(name)) setSwitch(spec, ignored, name, equals < 0 || word.slice(equals + 1) !== 'false');
      else setOption(spec, ignored, name, equals < 0 ? (words[++i] ?? '') : word.slice(equals + 1));
      continue;
    }
    // Bundled short options: -dit, -p8080:80, -itp 80:80
    for (let c = 1; c < word.length; c++) {
      const letter = word[c] ?? '';
      const flag = { d: 'detach', i: 'interactive', t: 'tty', P: 'publish-all', q: 'quiet' }[letter];
      if (flag) {
        setSwitch(spec, ignored, flag, true);
        continue;
      }
      const rest = word.slice(c + 1).replace(/^=/, '');
      setOption(spec, ignored, shortFlags[letter] ?? letter, rest || (words[++i] ?? ''));
      break;
    }
  }
  spec.image = words[i] ?? '';
  spec.command = words.slice(i + 1);
  return { spec, ignored };
}

function setSwitch(spec: RunSpec, ignored: string[], name: string, on: boolean): void {
  if (name === 'interactive') spec.interactive = on;
  else if (name === 'tty') spec.tty = on;
  else if (name === 'rm') spec.autoRemove = on;
  else if (name !== 'detach' && on) ignored.push(`--${name}`);
}

function setOption(spec: RunSpec, ignored: string[], name: string, value: string): void {
  switch (name) {
    case 'name':
    case 'memory':
    case 'cpus':
    case 'user':
    case 'workdir':
    case 'hostname':
    case 'entrypoint':
    case 'network':
      spec[name] = value;
      return;
    case 'net':
      spec.network = value;
      return;
    case 'publish': {
      const port = parsePort(value);
      if (port) spec.ports.push(port);
      else ignored.push(`-p ${value}`);
      return;
    }
    case 'env': {
      const equals = value.indexOf('=');
      spec.env.push(equals < 0 ? { name: value, value: '' } : { name: value.slice(0, equals), value: value.slice(equals + 1) });
      return;
    }
    case 'volume':
    case 'mount': {
      const mount = name === 'volume' ? parseVolume(value) : parseMount(value);
      if (mount) spec.mounts.push(mount);
      else ignored.push(`--${name} ${value}`);
      return;
    }
    case 'restart': {
      const policy = value.split(':')[0];
      if (policy === 'no' || policy === 'always' || policy === 'unless-stopped' || policy === 'on-failure') spec.restart = policy;
      else ignored.push(`--restart ${value}`);
      return;
    }
    default:
      ignored.push(`--${name} ${value}`);
  }
}

/** `8080:80`, `127.0.0.1:8080:80/udp`, `[::1]:8080:80`, `80`. Ranges are not for the form. */
export function parsePort(text: string): PortRow | undefined {
  const found = /^(?:(\[[0-9a-fA-F:.]+\]|[0-9.]+|localhost):)?(?:(\d*):)?(\d+)(?:\/(tcp|udp|sctp))?$/.exec(text);
  if (!found) return undefined;
  // `8080:80` reads as address 8080 too: digits without dots are a port.
  const address = found[1] ?? '';
  const ambiguous = /^\d+$/.test(address);
  return {
    ip: ambiguous ? '' : address.replace(/^\[|\]$/g, ''),
    host: ambiguous ? address : (found[2] ?? ''),
    container: found[3] ?? '',
    protocol: (found[4] as PortRow['protocol'] | undefined) ?? 'tcp',
  };
}

function parseVolume(text: string): MountRow | undefined {
  const [source = '', target, options = ''] = text.split(':');
  if (target === undefined) return source ? { source: '', target: source, readOnly: false } : undefined;
  return { source, target, readOnly: options.split(',').includes('ro') };
}

function parseMount(text: string): MountRow | undefined {
  const fields = new Map(
    text.split(',').map((f) => [f.split('=')[0] ?? '', f.includes('=') ? f.slice(f.indexOf('=') + 1) : 'true'] as const),
  );
  const type = fields.get('type') ?? 'volume';
  const target = fields.get('target') ?? fields.get('dst') ?? fields.get('destination');
  if (!target || (type !== 'bind' && type !== 'volume')) return undefined;
  const readOnly = (fields.get('readonly') ?? fields.get('ro') ?? 'false') !== 'false';
  return { source: fields.get('source') ?? fields.get('src') ?? '', target, readOnly };
}

/** `512m`, `1.5g`, `512MiB`, `1073741824` → bytes; undefined for anything else. */
export function parseMemory(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*([bkmgt]?)(?:i?b)?$/i.exec(text.trim());
  if (!found) return undefined;
  const power = ['', 'k', 'm', 'g', 't'].indexOf((found[2] ?? '').toLowerCase().replace('b', ''));
  return Math.round(Number(found[1]) * 1024 ** power);
}

/** The body of `POST /containers/create`. */
export function createRequest(spec: RunSpec): ContainerCreateRequest {
  const bindings: Record<string, PortBinding[]> = {};
  const exposed: Record<string, Record<string, never>> = {};
  for (const port of spec.ports) {
    if (!port.container) continue;
    const key = `${port.container}/${port.protocol}`;
    exposed[key] = {};
    bindings[key] = [...(bindings[key] ?? []), { HostIp: port.ip, HostPort: port.host }];
  }
  const mounts = spec.mounts.filter((m) => m.target);
  const anonymous = mounts.filter((m) => !m.source);
  const hostConfig: HostConfig = {
    PortBindings: bindings,
    Binds: mounts.filter((m) => m.source).map((m) => `${m.source}:${m.target}${m.readOnly ? ':ro' : ''}`),
    RestartPolicy: { Name: spec.restart },
    AutoRemove: spec.autoRemove,
  };
  const memory = parseMemory(spec.memory);
  if (memory) hostConfig.Memory = memory;
  const cpus = Number(spec.cpus);
  if (cpus > 0) hostConfig.NanoCpus = Math.round(cpus * 1e9);
  if (spec.network) hostConfig.NetworkMode = spec.network;
  return {
    Image: spec.image,
    Tty: spec.tty,
    OpenStdin: spec.interactive,
    ...(spec.command.length > 0 ? { Cmd: spec.command } : {}),
    ...(spec.entrypoint ? { Entrypoint: splitWords(spec.entrypoint) } : {}),
    Env: spec.env.filter((e) => e.name).map((e) => `${e.name}=${e.value}`),
    ...(spec.workdir ? { WorkingDir: spec.workdir } : {}),
    ...(spec.user ? { User: spec.user } : {}),
    ...(spec.hostname ? { Hostname: spec.hostname } : {}),
    ...(anonymous.length > 0 ? { Volumes: Object.fromEntries(anonymous.map((m) => [m.target, {}])) } : {}),
    ExposedPorts: exposed,
    HostConfig: hostConfig,
  };
}
