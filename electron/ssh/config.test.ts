import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { parseAddress } from './address.ts';
import { aliasesOf, readConfigFiles, resolveHost } from './config.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'gantry-config-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function write(name: string, text: string | Buffer): void {
  const path = join(home, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
const files = (env: NodeJS.ProcessEnv = {}) => readConfigFiles({ home, system: join(home, 'ssh_config'), env, localUser: 'ada' });
const resolve = async (typed: string, env?: NodeJS.ProcessEnv) => resolveHost(await files(env), parseAddress(typed));

test('without a configuration: port 22, own name, default keys, the agent of the environment', async () => {
  expect(await resolve('nas', { SSH_AUTH_SOCK: '/run/agent' })).toMatchObject({
    hostName: 'nas',
    port: 22,
    user: 'ada',
    agent: '/run/agent',
    identityFiles: [join(home, '.ssh/id_rsa'), join(home, '.ssh/id_ecdsa'), join(home, '.ssh/id_ed25519')],
    identitiesNamed: false,
    proxyJump: [],
    userKnownHosts: [join(home, '.ssh/known_hosts'), join(home, '.ssh/known_hosts2')],
  });
});

test('the first value counts, of keys all; what was typed comes before both files', async () => {
  write(
    '.ssh/config',
    `# mine
Host nas box
  HostName 10.0.0.7
  Port=2222
  User "grace hopper"
  IdentityFile ~/.ssh/nas_key # the new one
Host *
  User nobody
  port 99
  IdentityFile /keys/%r@%h
  IdentitiesOnly yes
`,
  );
  write('ssh_config', 'Host *\n  HashKnownHosts yes\n  User system\n');
  expect(await resolve('nas')).toMatchObject({
    hostName: '10.0.0.7',
    port: 2222,
    user: 'grace hopper',
    identityFiles: [join(home, '.ssh/nas_key'), '/keys/grace hopper@10.0.0.7'],
    identitiesOnly: true,
    hashKnownHosts: true,
  });
  expect(await resolve('root@box:22')).toMatchObject({ user: 'root', port: 22, hostName: '10.0.0.7' });
  expect(await resolve('other')).toMatchObject({ user: 'nobody', port: 99, hostName: 'other' });
});

test('negated patterns, Match by host, user and in a second pass; where nobody connects, no command is run', async () => {
  write(
    '.ssh/config',
    `Host *.corp !secret.corp
  ProxyJump gate.corp,ssh://root@inner:2200
Match originalhost nas host 10.*
  User never
Match host *.corp user ada
  Port 7
Match exec "touch ${home}/ran"
  User evil
Match final
  User later
Match all
  HostKeyAlias fixed
`,
  );
  expect(await resolve('a.corp')).toMatchObject({
    proxyJump: [{ host: 'gate.corp' }, { user: 'root', host: 'inner', port: 2200 }],
    port: 7,
    user: 'later',
    hostKeyAlias: 'fixed',
  });
  expect(await resolve('secret.corp')).toMatchObject({ proxyJump: [], port: 7 });
  await expect(import('node:fs/promises').then(({ access }) => access(join(home, 'ran')))).rejects.toThrow();
});

test('Include: wildcards in order, relative to ~/.ssh, inside a Host only for it; loops end', async () => {
  write('.ssh/config', 'Include conf.d/*.conf\nHost inside\n  Include only\nHost *\n  Include ~/.ssh/config\n  User last\n');
  write('.ssh/conf.d/10-a.conf', 'Host nas\n  Port 10\n');
  write('.ssh/conf.d/20-b.conf', 'Host nas\n  Port 20\n  User second\n');
  write('.ssh/conf.d/.hidden.conf', 'Host nas\n  HostName hidden\n');
  write('.ssh/only', 'HostName 10.1.1.1\nHost nas\n  HostName wrong\n');
  expect(await resolve('nas')).toMatchObject({ port: 10, user: 'second', hostName: 'nas' });
  expect(await resolve('inside')).toMatchObject({ hostName: '10.1.1.1', user: 'last' });
  expect((await files()).problems.join()).toMatch(/too many files/);
});

test('agents, commands, known hosts, none', async () => {
  write(
    '.ssh/config',
    `Host a
  IdentityAgent $MY_AGENT
  ProxyCommand ssh -W "%h:%p" gate
  UserKnownHostsFile ~/one /two
Host b
  IdentityAgent none
  ProxyJump none
  UserKnownHostsFile none
  ConnectTimeout 3
  PasswordAuthentication no
`,
  );
  expect(await resolve('a', { MY_AGENT: '/mine', SSH_AUTH_SOCK: '/env' })).toMatchObject({
    agent: '/mine',
    proxyCommand: 'ssh -W "a:22" gate',
    userKnownHosts: [join(home, 'one'), '/two'],
  });
  expect(await resolve('b', { SSH_AUTH_SOCK: '/env' })).toMatchObject({
    agent: undefined,
    proxyJump: [],
    userKnownHosts: [],
    connectTimeoutMs: 3000,
    methods: ['publickey', 'keyboard-interactive'],
  });
});

test('a damaged file is named, and the other counts', async () => {
  write('.ssh/config', 'Host nas\n  User "grace\n');
  write('ssh_config', 'Host *\n  Port 7\n');
  expect((await files()).problems).toEqual([expect.stringContaining(join(home, '.ssh/config'))]);
  expect(await resolve('nas')).toMatchObject({ port: 7, user: 'ada' });
  write('.ssh/config', 'Host');
  expect((await files()).problems).toHaveLength(1);
});

test('aliases are the names without wildcards', async () => {
  write('.ssh/config', 'Host nas *.corp\n  HostName 10.0.0.7\nHost pi !x\n  User pi\n  Port 23\n');
  expect(aliasesOf(await files())).toEqual([
    { alias: 'nas', user: 'ada', hostName: '10.0.0.7', port: 22 },
    { alias: 'pi', user: 'pi', hostName: 'pi', port: 23 },
  ]);
});

test('no file, however broken, breaks reading', async () => {
  const word = fc.constantFrom(
    'Host',
    'Match',
    'Include',
    'Port',
    '*',
    '"',
    '\\',
    '=',
    '#',
    ' ',
    '\n',
    '\r',
    '\t',
    'all',
    'exec',
    '%h',
    '~',
    '../..',
    'é',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(word, { maxLength: 30 }).map((words) => words.join('')),
      ),
      async (text) => {
        write('.ssh/config', text);
        const read = await files();
        aliasesOf(read);
        try {
          resolveHost(read, { host: 'nas' });
        } catch (error) {
          expect((error as Error).message).toMatch(/port|host|address|name|type/i);
        }
      },
    ),
    { numRuns: 200 },
  );
});
