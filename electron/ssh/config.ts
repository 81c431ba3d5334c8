import { createHash } from 'node:crypto';
import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Address, parseAddress } from './address.ts';
import { type Algorithms, algorithmsOf } from './algorithms.ts';
import { applyConfig, type ConfigNode, readConfigTree, wantsFinal } from './config-tree.ts';

/** All that decides how one machine is connected to: what was typed, over ~/.ssh/config, over /etc/ssh/ssh_config, over defaults. */
export interface HostConfig {
  /** As typed: what Host patterns are compared with. */
  alias: string;
  hostName: string;
  port: number;
  user: string;
  identityFiles: string[];
  /** False: these are the default names, of which most do not exist. */
  identitiesNamed: boolean;
  certificateFiles: string[];
  identitiesOnly: boolean;
  /** Path of the agent's socket. */
  agent: string | undefined;
  /** Hosts on the way, the first one first. */
  proxyJump: Address[];
  /** Runs in the user's shell; its stdin and stdout are the connection. */
  proxyCommand: string | undefined;
  /** The first takes new keys. Empty: new keys are not kept. */
  userKnownHosts: string[];
  globalKnownHosts: string[];
  hashKnownHosts: boolean;
  /** StrictHostKeyChecking: what becomes of keys that are not known. Changed ones are never taken. */
  newHostKeys: 'ask' | 'refuse' | 'accept';
  /** Under what name the host's key is looked up, if not its own. */
  hostKeyAlias: string | undefined;
  /** Ways to sign in, the preferred first. */
  methods: ('publickey' | 'keyboard-interactive' | 'password')[];
  /** How often a password, or a question of the machine, is tried. */
  passwordPrompts: number;
  algorithms: Algorithms;
  /** Of the addresses of a name; 0: any. */
  family: 0 | 4 | 6;
  /** Of this machine. */
  bindAddress: string | undefined;
  connectTimeoutMs: number | undefined;
}

export interface ConfigFiles {
  nodes: ConfigNode[];
  problems: string[];
  home: string;
  localUser: string;
  env: NodeJS.ProcessEnv;
}

/** Reads the user's and the system's configuration. What could not be read is in `problems`. */
export async function readConfigFiles(
  options: { home?: string; system?: string; env?: NodeJS.ProcessEnv; localUser?: string } = {},
): Promise<ConfigFiles> {
  const { home = homedir(), system = '/etc/ssh/ssh_config', env = process.env, localUser = userInfo().username } = options;
  const trees = [await readConfigTree(join(home, '.ssh', 'config'), home), await readConfigTree(system, home)];
  return { nodes: trees.flatMap(({ nodes }) => nodes), problems: trees.flatMap(({ problems }) => problems), home, localUser, env };
}

const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ed25519'];
/** These may stand several times and all count; of the others the first. */
const REPEATED = new Set(['identityfile', 'certificatefile']);
const METHODS = ['publickey', 'keyboard-interactive', 'password'] as const;
const PROMPTS = 3;
const PROMPTS_LIMIT = 10;

/** What the files say of one machine, before defaults. */
interface Settings {
  get(key: string): string[] | undefined;
  hostName: string;
  user: string;
}

/**
 * How to connect to what was typed.
 *
 * @param exec whether a command of `Match exec` ends well; by default none is run, and none does
 * @throws Error with a sentence for the user if a setting makes no sense (a port that is none, a jump host that is no address)
 * Source: ssh_config(5); compared with `ssh -G` in config-as-ssh.test.ts
 */
export function resolveHost(files: ConfigFiles, address: Address, exec: (command: string) => boolean = () => false): HostConfig {
  const settings = settingsOf(files, address, exec);
  const { hostName, user } = settings;
  const { home, env } = files;
  const alias = address.host;
  const first = (key: string) => settings.get(key)?.[0];
  const port = portOf(first('port'), alias);
  const jumps = isNone(first('proxyjump')) ? undefined : first('proxyjump');
  const tokens = tokensOf(files, { alias, hostName, port, user, jumps: jumps ?? '', hostKeyAlias: first('hostkeyalias') });
  const path = (text: string) => {
    const expanded = percent(text, tokens).replaceAll(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '');
    return expanded === '~' || expanded.startsWith('~/') ? join(home, expanded.slice(1)) : expanded;
  };
  const listed = (key: string) => [...new Set((settings.get(key) ?? []).filter((text) => !isNone(text)).map(path))];
  const yes = (key: string) => isYes(first(key));
  const near = pick(tokens, ['%', 'h', 'n', 'p', 'r']);
  const command = first('proxycommand');
  return {
    alias,
    hostName,
    port,
    user,
    identityFiles: settings.get('identityfile') ? listed('identityfile') : DEFAULT_KEYS.map((name) => join(home, '.ssh', name)),
    identitiesNamed: settings.get('identityfile') !== undefined,
    certificateFiles: listed('certificatefile'),
    identitiesOnly: yes('identitiesonly'),
    agent: agentOf(first('identityagent'), path, env),
    proxyJump:
      jumps === undefined
        ? []
        : percent(jumps, near)
            .split(',')
            .map((text) => parseAddress(text)),
    proxyCommand: command === undefined || isNone(command) ? undefined : percent(command, near),
    userKnownHosts: settings.get('userknownhostsfile')
      ? listed('userknownhostsfile')
      : [join(home, '.ssh', 'known_hosts'), join(home, '.ssh', 'known_hosts2')],
    globalKnownHosts: settings.get('globalknownhostsfile')
      ? listed('globalknownhostsfile')
      : ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    hashKnownHosts: yes('hashknownhosts'),
    newHostKeys: newKeys(first('stricthostkeychecking')),
    hostKeyAlias: first('hostkeyalias'),
    methods: methodsOf(first),
    passwordPrompts: promptsOf(first('numberofpasswordprompts')),
    algorithms: algorithmsOf(first),
    family: familyOf(first('addressfamily')),
    bindAddress: first('bindaddress'),
    connectTimeoutMs: timeOf(first('connecttimeout')),
  };
}

/** The first value of each keyword that counts for this machine. */
function settingsOf({ nodes, localUser, home }: ConfigFiles, address: Address, exec: (command: string) => boolean): Settings {
  const settings = new Map<string, string[]>();
  const typed = address.host;
  const first = (key: string) => settings.get(key)?.[0];
  if (address.user !== undefined) settings.set('user', [address.user]);
  if (address.port !== undefined) settings.set('port', [String(address.port)]);
  const user = () => first('user') ?? localUser;
  let found: string | undefined;
  const hostName = () => found ?? percent(first('hostname') ?? typed.replaceAll('%', '%%'), { '%': '%', h: typed });
  const give = (key: string, values: string[]) => {
    // Whichever of these two comes first.
    if (key === 'proxycommand' && settings.has('proxyjump') && !isNone(first('proxyjump'))) return;
    if (key === 'proxyjump' && settings.has('proxycommand')) return;
    if (REPEATED.has(key)) settings.set(key, [...(settings.get(key) ?? []), ...values.slice(0, 1)]);
    else if (!settings.has(key)) settings.set(key, values);
  };
  const run = (command: string) => {
    const port = Number(first('port') ?? 22);
    const facts = { alias: typed, hostName: hostName(), port, user: user(), jumps: '', hostKeyAlias: first('hostkeyalias') };
    return exec(percent(command, tokensOf({ home, localUser }, facts)));
  };
  const pass = (host: string, isFinal: boolean) => applyConfig(nodes, { host, typed, hostName, user, localUser, isFinal, exec: run }, give);
  pass(typed, false);
  if (wantsFinal(nodes)) {
    found = hostName().toLowerCase();
    pass(found, true);
  }
  return { get: (key) => settings.get(key), hostName: hostName().toLowerCase(), user: user() };
}

/** `%%`, `%h` … @throws Error for a letter that means nothing there, as ssh does */
function percent(text: string, values: Record<string, string>): string {
  return text.replaceAll(/%(.?)/gs, (whole, letter: string) => {
    const value = Object.hasOwn(values, letter) ? values[letter] : undefined;
    if (value === undefined) throw new Error(`In “${text}” of ~/.ssh/config ${whole} stands for no host, user or address`);
    return value;
  });
}

interface TokenFacts {
  alias: string;
  hostName: string;
  port: number;
  user: string;
  jumps: string;
  hostKeyAlias: string | undefined;
}

function tokensOf({ home, localUser }: Pick<ConfigFiles, 'home' | 'localUser'>, facts: TokenFacts): Record<string, string> {
  const { alias, hostName: h, port, user: r, jumps: j, hostKeyAlias = alias } = facts;
  const l = hostname();
  const p = String(port);
  const C = createHash('sha1').update(`${l}${h}${p}${r}${j}`).digest('hex');
  const i = String(process.getuid?.() ?? '');
  return { '%': '%', C, L: l.replace(/\..*/, ''), d: home, h, i, j, k: hostKeyAlias, l, n: alias, p, r, u: localUser };
}

const pick = (values: Record<string, string>, names: string[]): Record<string, string> =>
  Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));

const isNone = (text: string | undefined): boolean => text?.toLowerCase() === 'none';
const isYes = (text: string | undefined): boolean => ['yes', 'true'].includes(text?.toLowerCase() ?? '');
const isNo = (text: string | undefined): boolean => ['no', 'false'].includes(text?.toLowerCase() ?? '');

function portOf(setting = '22', alias: string): number {
  const port = Number(setting);
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw new Error(`The port of ${alias} in ~/.ssh/config is no port: ${setting}`);
  return port;
}

/** In the order of PreferredAuthentications, without what is switched off. */
function methodsOf(first: (key: string) => string | undefined): HostConfig['methods'] {
  const preferred = first('preferredauthentications')?.split(',') ?? [...METHODS];
  const off = {
    publickey: isNo(first('pubkeyauthentication')),
    'keyboard-interactive': isNo(first('kbdinteractiveauthentication')) || isNo(first('challengeresponseauthentication')),
    password: isNo(first('passwordauthentication')),
  };
  return preferred.flatMap((name) => METHODS.filter((method) => method === name && !off[method]));
}

function promptsOf(setting: string | undefined): number {
  const prompts = Number(setting);
  return setting === undefined || !Number.isInteger(prompts) || prompts < 0 ? PROMPTS : Math.min(prompts, PROMPTS_LIMIT);
}

const familyOf = (setting = 'any'): HostConfig['family'] => ({ inet: 4 as const, inet6: 6 as const })[setting.toLowerCase()] ?? 0;

/** `90`, `1m30s`. Source: sshd_config(5), TIME FORMATS */
function timeOf(setting = ''): number | undefined {
  if (!/^(\d{1,6}[smhdw]?)+$/i.test(setting)) return undefined;
  const units: Record<string, number> = { '': 1, s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
  let seconds = 0;
  for (const [, count = '0', unit = ''] of setting.matchAll(/(\d+)([smhdw]?)/gi))
    seconds += Number(count) * (units[unit.toLowerCase()] ?? 1);
  // No timer takes more than 2^31 ms.
  return seconds > 0 ? Math.min(seconds, 86_400) * 1000 : undefined;
}

function newKeys(setting = 'ask'): HostConfig['newHostKeys'] {
  const word = setting.toLowerCase();
  if (isYes(word)) return 'refuse';
  // `no` takes changed keys, too, with ssh; here it does not.
  return ['accept-new', 'off'].includes(word) || isNo(word) ? 'accept' : 'ask';
}

function agentOf(setting: string | undefined, path: (text: string) => string, env: NodeJS.ProcessEnv): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined;
  if (isNone(setting)) return undefined;
  return setting.startsWith('$') && !setting.startsWith('${') ? env[setting.slice(1)] || undefined : path(setting);
}

export interface Alias {
  alias: string;
  user: string;
  hostName: string;
  port: number;
}
const ALIASES_LIMIT = 500;

/** The hosts that ~/.ssh/config names without wildcards, for suggestions. */
export function aliasesOf(files: ConfigFiles): Alias[] {
  const names = new Set<string>();
  const collect = (nodes: readonly ConfigNode[]) => {
    for (const node of nodes) {
      if (node.kind === 'host') for (const pattern of node.patterns) if (!/[*?!]/.test(pattern)) names.add(pattern);
      if (node.kind !== 'value') collect(node.body);
    }
  };
  collect(files.nodes);
  return [...names].slice(0, ALIASES_LIMIT).flatMap((alias) => {
    try {
      const { user, hostName, port } = resolveHost(files, parseAddress(alias));
      return [{ alias, user, hostName, port }];
    } catch {
      return [];
    }
  });
}
