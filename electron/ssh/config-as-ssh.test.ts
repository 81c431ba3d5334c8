import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseAddress } from './address.ts';
import { type HostConfig, readConfigFiles } from './config.ts';
import { resolveRunning } from './match-exec.ts';

/** The same files read by ssh and by Gantry: `ssh -G` says what it would do. */
let home: string;
const include = (name: string) => join(home, '.ssh', name);
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'gantry-as-ssh-'));
  mkdirSync(join(home, '.ssh'));
  writeFileSync(include('inc1'), 'Host nas\n  User fromInc\n');
  writeFileSync(include('inc2'), 'User fromInc2\nHost x\n User xx\n');
});
afterAll(() => rmSync(home, { recursive: true, force: true }));

const yesNo = (is: boolean) => (is ? 'yes' : 'no');
const FIELDS: Record<string, (config: HostConfig) => string | undefined> = {
  hostname: ({ hostName }) => hostName,
  user: ({ user }) => user,
  port: ({ port }) => String(port),
  identityfile: ({ identityFiles, identitiesNamed }) => (identitiesNamed ? identityFiles.join(' | ') || 'none' : undefined),
  certificatefile: ({ certificateFiles }) => certificateFiles.join(' | ') || undefined,
  identitiesonly: ({ identitiesOnly }) => yesNo(identitiesOnly),
  identityagent: ({ agent }) => (agent === '/env/agent' ? undefined : (agent ?? 'none')),
  proxyjump: ({ proxyJump }) =>
    proxyJump.map(({ user, host, port }) => `${user ? `${user}@` : ''}${host}${port ? `:${port}` : ''}`).join(',') || undefined,
  proxycommand: ({ proxyCommand }) => proxyCommand,
  userknownhostsfile: ({ userKnownHosts }) => userKnownHosts.join(' ').replaceAll(home, homedir()) || 'none',
  globalknownhostsfile: ({ globalKnownHosts }) => globalKnownHosts.join(' '),
  hashknownhosts: ({ hashKnownHosts }) => yesNo(hashKnownHosts),
  hostkeyalias: ({ hostKeyAlias }) => hostKeyAlias,
  passwordauthentication: ({ methods }) => yesNo(methods.includes('password')),
  kbdinteractiveauthentication: ({ methods }) => yesNo(methods.includes('keyboard-interactive')),
  numberofpasswordprompts: ({ passwordPrompts }) => String(passwordPrompts),
  addressfamily: ({ family }) => ({ 0: 'any', 4: 'inet', 6: 'inet6' })[family],
  bindaddress: ({ bindAddress }) => bindAddress,
  connecttimeout: ({ connectTimeoutMs }) => (connectTimeoutMs ? String(connectTimeoutMs / 1000) : 'none'),
  stricthostkeychecking: ({ newHostKeys }) => ({ ask: 'ask', refuse: 'true', accept: 'accept-new' })[newHostKeys],
};

function asSsh(host: string): Record<string, string> | undefined {
  const args = ['-G', '-F', include('config'), host];
  const { status, stdout } = spawnSync('ssh', args, { encoding: 'utf8', env: { ...process.env, SSH_AUTH_SOCK: '/env/agent' } });
  if (status !== 0) return undefined;
  const said = new Map<string, string[]>();
  for (const line of stdout.split('\n')) {
    const [key = '', ...values] = line.split(' ');
    if (Object.hasOwn(FIELDS, key)) said.set(key, [...(said.get(key) ?? []), values.join(' ')]);
  }
  // The default names.
  if ((said.get('identityfile')?.length ?? 0) > 3) said.delete('identityfile');
  return Object.fromEntries([...said].map(([key, values]) => [key, values.join(' | ')]));
}

async function asGantry(host: string): Promise<Record<string, string> | undefined> {
  const files = await readConfigFiles({ home, system: '/none', env: { SSH_AUTH_SOCK: '/env/agent' }, localUser: userInfo().username });
  try {
    const config = await resolveRunning(files, parseAddress(host), new AbortController().signal);
    const given = Object.entries(FIELDS).map(([key, of]) => [key, of(config)]);
    return Object.fromEntries(given.filter(([, value]) => value !== undefined));
  } catch {
    return undefined;
  }
}

const CASES: Record<string, [config: string, hosts: string[]][]> = {
  'Host and HostName': [
    ['Host nas\n HostName 10.0.0.1\n', ['nas', 'NAS']],
    ['Host nas\n HostName %h.Corp\n', ['nas']],
    ['Host nas\n HostName %n.corp\n', ['nas']],
    ['Host *\n HostName %%%h\n', ['nas']],
    ['HostName ::1%%lo\n', ['nas']],
    ['Host *.corp !bad.corp\n User a\nHost !x.corp *\n User b\n', ['a.corp', 'bad.corp', 'x.corp']],
    ['Host a,b\n User a\n', ['a']],
    ['Host nas # comment\n User a\n', ['nas', 'comment']],
    ['Host "nas pi"\n User a\nHost=pi\n Port 9\n', ['nas', 'pi']],
  ],
  Match: [
    ['Match host a,b\n User a\nMatch !host a\n User b\nMatch host !a,*\n Port 3\n', ['a', 'b', 'c']],
    ['Match originalhost nas !user bob\n Port 7\n', ['nas', 'bob@nas']],
    ['Match user bob\n Port 7\nHost *\n User bob\nMatch user bob\n IdentityFile /b\n', ['nas', 'bob@nas']],
    ['Match localuser nobody\n Port 7\nMatch !localuser nobody\n Port 8\n', ['nas']],
    ['Match exec "test %h = nas"\n Port 7\nMatch !exec false\n User ran\n', ['nas', 'pi']],
    ['Match exec "test %n-%p-%r = nas-22-ada"\n Port 7\nMatch exec true host nas\n IdentityFile /b\n', ['ada@nas', 'pi']],
    ['Match all\n Port 7\nMatch !all\n User a\n', ['nas']],
    ['Match host=nas user=ada,bob # why\n Port 7\n', ['ada@nas', 'eve@nas']],
    ['Host nas\n HostName real\nMatch host real\n Port 7\nMatch host nas\n Port 8\n', ['nas']],
    ['Host nas\n HostName real\nHost real\n User r\nMatch final host real\n Port 7\n', ['nas']],
    ['Host nas\n HostName %h.corp\nMatch final host nas\n User n\nMatch originalhost nas\n IdentityFile /a\n', ['nas']],
    ['Match canonical all\n User c\n', ['nas']],
    ['Match final all\n Port 7\nMatch canonical all\n User c\nMatch !final all\n Port 8\n', ['nas']],
  ],
  Include: [
    ['Include INC1\nHost nas\n User later\n', ['nas']],
    ['Host nas\n Include INC2\n User later\nHost x\n Port 9\n', ['nas', 'x', 'y']],
    ['Include "INC1" INC2\n', ['nas', 'x', 'y']],
    ['Include INC?\nInclude INC[!1]\nInclude NONE\n', ['nas', 'x', 'y']],
  ],
  'ProxyJump and ProxyCommand': [
    ['ProxyJump none\nProxyCommand foo "a b" # x\n', ['nas']],
    ['ProxyJump none\nProxyJump j\n', ['nas']],
    ['ProxyCommand foo\nProxyJump j\n', ['nas']],
    ['ProxyJump j\nProxyCommand foo\n', ['nas']],
    ['ProxyCommand none\nProxyJump j\n', ['nas']],
    ['ProxyCommand none\nProxyCommand foo\n', ['nas']],
    ['ProxyCommand="foo bar"\n', ['nas']],
    ['ProxyJump bob@j:22,k:23\n', ['nas']],
  ],
  'keys and the agent': [
    ['IdentityFile /a\nIdentityFile "/b c"\nIdentityFile /a\n', ['nas']],
    ['IdentityFile none\n', ['nas']],
    ['CertificateFile /a\nCertificateFile /b\nIdentitiesOnly TRUE\n', ['nas']],
    ['IdentityAgent none\n', ['nas']],
    ['IdentityAgent /x/y\nIdentitiesOnly yes\n', ['nas']],
  ],
  'the machine’s key': [
    ['UserKnownHostsFile /a /b\nGlobalKnownHostsFile /c /d\nHashKnownHosts true\nHostKeyAlias foo\n', ['nas']],
    ['UserKnownHostsFile none\nStrictHostKeyChecking accept-new\n', ['nas']],
    ['UserKnownHostsFile /dev/null\nStrictHostKeyChecking yes\n', ['nas']],
  ],
  'the rest': [
    ['ConnectTimeout 1h30m\nAddressFamily inet6\nBindAddress 127.0.0.1\nNumberOfPasswordPrompts 1\n', ['nas']],
    ['ConnectTimeout 5\nAddressFamily inet\nPasswordAuthentication no\n', ['nas']],
    ['ConnectTimeout none\nPasswordAuthentication false\nKbdInteractiveAuthentication no\n', ['nas']],
    ['ChallengeResponseAuthentication no\n', ['nas']],
  ],
  'words and quotes': [
    ['Port = 77\nUser="a b"\n', ['nas']],
    ['\tUser\ta\r\n"Port" 3\n  # x\nUSER b', ['nas']],
    ['User "a"b # c\n', ['nas']],
    ['User a#b\n', ['nas']],
    ["User 'a b'\n", ['nas']],
    ['User a\\ b\n', ['nas']],
    ['User "a\\"b"\n', ['nas']],
    ['Port 0\n', ['nas']],
    ['Port 70000\n', ['nas']],
    ['Ciphers foo\n', ['nas']],
  ],
};

describe.skipIf(spawnSync('ssh', ['-V']).error !== undefined)('as ssh', () => {
  test.each(Object.entries(CASES))('%s', async (_, cases) => {
    for (const [template, hosts] of cases) {
      const config = template.replaceAll('INC', include('inc')).replaceAll('NONE', include('none'));
      writeFileSync(include('config'), config, { mode: 0o600 });
      for (const host of hosts) expect({ config, host, result: await asGantry(host) }).toEqual({ config, host, result: asSsh(host) });
    }
  });
});

describe.skipIf(spawnSync('ssh', ['-V']).error !== undefined)('Ciphers and their kin', () => {
  test.each([
    ['Ciphers', 'cipher', ['+3des-cbc', '-aes*', '^aes256-ctr,aes128-ctr', 'aes256-ctr,aes128-gcm@openssh.com', '-*gcm*,aes128-ctr']],
    ['MACs', 'hmac', ['+hmac-md5', '-*sha1*', '^hmac-sha2-512', 'hmac-sha2-256']],
    ['KexAlgorithms', 'kex', ['-diffie*', '^ecdh-sha2-nistp521', 'curve25519-sha256,ecdh-sha2-nistp256', '+diffie-hellman-group14-sha1']],
    ['HostKeyAlgorithms', 'hostKeys', ['-ecdsa*', '^rsa-sha2-256', 'ssh-ed25519,rsa-sha2-512', '+ssh-rsa', '-*cert*,ssh-ed25519']],
  ] as const)('%s, with + - ^: of what ssh takes, what Gantry has', async (keyword, field, settings) => {
    const both = async () => {
      const files = await readConfigFiles({ home, system: '/none', env: {}, localUser: 'ada' });
      const { algorithms } = await resolveRunning(files, { host: 'nas' }, new AbortController().signal);
      const { stdout } = spawnSync('ssh', ['-G', '-F', include('config'), 'nas'], { encoding: 'utf8' });
      const [, list = ''] = new RegExp(`^${keyword.toLowerCase()} (.*)$`, 'm').exec(stdout) ?? [];
      return { ours: algorithms[field], theirs: list.split(',') };
    };
    writeFileSync(include('config'), '');
    const before = await both();
    for (const setting of settings) {
      writeFileSync(include('config'), `${keyword} ${setting}\n`, { mode: 0o600 });
      const { ours, theirs } = await both();
      const may = (name: string) => theirs.includes(name) || (setting.startsWith('-') && !before.theirs.includes(name));
      expect(ours.filter((name) => !may(name) && before.theirs.includes(name))).toEqual([]);
      const named = setting.replace(/^[+^-]/, '').split(',');
      if (!/^[+-]/.test(setting)) expect(ours.slice(0, named.length)).toEqual(named);
      if (setting.startsWith('+')) expect(ours).toEqual([...before.ours, ...named]);
      if (setting.startsWith('-')) expect(ours.length).toBeLessThan(before.ours.length);
    }
  });
});
