import { homedir, hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { type Address, parseAddress } from './address.ts';
import { applyConfig, type ConfigNode, readConfigTree } from './config-tree.ts';

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
  passwordAllowed: boolean;
  interactiveAllowed: boolean;
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

/**
 * How to connect to what was typed.
 *
 * @throws Error with a sentence for the user if a setting makes no sense (a port that is none, a jump host that is no address)
 * Source: ssh_config(5)
 */
export function resolveHost(files: ConfigFiles, address: Address): HostConfig {
  const settings = new Map<string, string[]>();
  const first = (key: string) => settings.get(key)?.[0];
  const alias = address.host;
  if (address.user !== undefined) settings.set('user', [address.user]);
  if (address.port !== undefined) settings.set('port', [String(address.port)]);
  const { home, localUser, env } = files;
  const percent = (text: string, values: Record<string, string>) => text.replaceAll(/%(.)/g, (whole, letter) => values[letter] ?? whole);
  const hostName = () => percent(first('hostname') ?? alias, { '%': '%', h: alias, n: alias });
  applyConfig(files.nodes, { alias, hostName, user: () => first('user') ?? localUser, localUser }, (key, values) => {
    if (REPEATED.has(key)) settings.set(key, [...(settings.get(key) ?? []), ...values]);
    else if (!settings.has(key)) settings.set(key, values);
  });
  const port = Number(first('port') ?? 22);
  if (!Number.isInteger(port) || port < 1 || port > 65535)
    throw new Error(`The port of ${alias} in ~/.ssh/config is no port: ${first('port')}`);
  const user = first('user') ?? localUser;
  const tokens = {
    '%': '%',
    h: hostName(),
    n: alias,
    p: String(port),
    r: user,
    u: localUser,
    d: home,
    l: hostname(),
    L: hostname(),
    k: alias,
  };
  const path = (text: string) => {
    const expanded = percent(text, tokens).replaceAll(/\$\{(\w+)\}/g, (_, name: string) => env[name] ?? '');
    return expanded === '~' || expanded.startsWith('~/') ? join(home, expanded.slice(1)) : expanded;
  };
  const isNone = (text: string | undefined) => text?.toLowerCase() === 'none';
  const listed = (key: string) => (settings.get(key) ?? []).filter((text) => !isNone(text)).map(path);
  const yes = (key: string) => first(key)?.toLowerCase() === 'yes';
  const allowed = (key: string) => first(key)?.toLowerCase() !== 'no';
  const identityFiles = listed('identityfile');
  const seconds = Number(first('connecttimeout'));
  const command = settings.get('proxycommand')?.join(' ');
  return {
    alias,
    hostName: hostName(),
    port,
    user,
    identityFiles: identityFiles.length > 0 ? identityFiles : DEFAULT_KEYS.map((name) => join(home, '.ssh', name)),
    identitiesNamed: identityFiles.length > 0,
    certificateFiles: listed('certificatefile'),
    identitiesOnly: yes('identitiesonly'),
    agent: agentOf(first('identityagent'), path, env),
    proxyJump: isNone(first('proxyjump')) ? [] : jumpsOf(first('proxyjump')),
    proxyCommand: command === undefined || isNone(command) || first('proxyjump') !== undefined ? undefined : percent(command, tokens),
    userKnownHosts: settings.has('userknownhostsfile')
      ? listed('userknownhostsfile')
      : [join(home, '.ssh', 'known_hosts'), join(home, '.ssh', 'known_hosts2')],
    globalKnownHosts: settings.has('globalknownhostsfile')
      ? listed('globalknownhostsfile')
      : ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'],
    hashKnownHosts: yes('hashknownhosts'),
    newHostKeys: newKeys(first('stricthostkeychecking')),
    hostKeyAlias: first('hostkeyalias'),
    passwordAllowed: allowed('passwordauthentication'),
    interactiveAllowed: allowed('kbdinteractiveauthentication') && allowed('challengeresponseauthentication'),
    connectTimeoutMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined,
  };
}

function newKeys(setting = 'ask'): HostConfig['newHostKeys'] {
  const word = setting.toLowerCase();
  if (word === 'yes' || word === 'true') return 'refuse';
  // `no` takes changed keys, too, with ssh; here it does not.
  return ['accept-new', 'no', 'off', 'false'].includes(word) ? 'accept' : 'ask';
}

function agentOf(setting: string | undefined, path: (text: string) => string, env: NodeJS.ProcessEnv): string | undefined {
  if (setting === undefined || setting === 'SSH_AUTH_SOCK') return env.SSH_AUTH_SOCK || undefined;
  if (setting.toLowerCase() === 'none') return undefined;
  return setting.startsWith('$') && !setting.startsWith('${') ? env[setting.slice(1)] || undefined : path(setting);
}

function jumpsOf(setting: string | undefined): Address[] {
  return setting === undefined ? [] : setting.split(',').map((text) => parseAddress(text));
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
