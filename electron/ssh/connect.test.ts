import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EngineClient, identify } from '../engine-client/index.ts';
import { HostFailure } from '../hosts/errors.ts';
import type { ConnectStep } from '../ipc/contract.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { perTest } from '../testing/per-test.ts';
import { answers, MemorySecrets } from '../testing/ssh-answers.ts';
import { GUEST, hasSshd, mayHavePasswords, type Sshd, sshHome } from '../testing/sshd.ts';
import { parseAddress } from './address.ts';
import type { Ask } from './auth.ts';
import type { ConfigFiles } from './config.ts';
import { type ConnectOptions, connectSsh } from './connect.ts';
import type { SshSession } from './session.ts';

let home: string;
let engine: FakeEngine;
beforeAll(async () => {
  home = mkdtempSync(join(tmpdir(), 'gantry-home-'));
  engine = await FakeEngine.create();
});
afterAll(async () => {
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
});
const { defer, sshd } = perTest();

async function open(typed: string, files: ConfigFiles, more: Partial<ConnectOptions> = {}): Promise<SshSession> {
  const options = { files, secrets: new MemorySecrets(), ask: undefined, signal: new AbortController().signal, ...more };
  const session = await connectSsh(parseAddress(typed), options);
  defer(() => session.close());
  return session;
}
async function failing(connecting: Promise<unknown>): Promise<HostFailure['error']> {
  const error = await connecting.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof HostFailure)) throw new Error(`no HostFailure: ${error instanceof Error ? error.stack : error}`);
  return error.error;
}
/** A host named `nas` with the server's key known and the test's user key. */
const nas = (server: Sshd, lines = '', name = 'nas') =>
  `Host ${name}\n  HostName ${server.address}\n  Port ${server.port}\n  User ${server.user}\n  IdentityFile ${server.path('user_key')}\n${lines}`;
const trusted = (server: Sshd) => sshHome(home, nas(server), server.knownLine());

describe.skipIf(!hasSshd)('a real sshd', () => {
  test('a key and a known host: streams to a socket, commands, steps with what was found', async () => {
    const server = await sshd();
    const steps: ConnectStep[] = [];
    const session = await open('nas', await trusted(server), { onStep: (step) => steps.push(step) });
    expect(steps.filter(({ status }) => status === 'done').map(({ kind, found }) => [kind, found])).toEqual([
      ['resolve', { name: '127.0.0.1', address: '127.0.0.1' }],
      ['connect', { address: `127.0.0.1:${server.port}` }],
      ['hostKey', { keyType: 'ssh-ed25519', fingerprint: expect.stringMatching(/^SHA256:[\w+/]{43}$/) }],
      ['signIn', { user: server.user, method: 'file', key: server.path('user_key'), fingerprint: expect.stringMatching(/^SHA256:/) }],
    ]);
    const client = new EngineClient((signal) => session.openSocket(engine.socketPath, signal));
    expect(await identify(client)).toMatchObject({ product: 'Gantry', version: '9.9' });
    client.close();
    expect(await session.exec('echo out; echo err >&2; exit 3')).toEqual({ code: 3, stdout: 'out\n', stderr: 'err\n' });
    expect(await session.exec('cat', { input: 'through' })).toMatchObject({ code: 0, stdout: 'through' });
    expect(await session.answers(1000)).toBe(true);
    await expect(session.openSocket('/nowhere.sock')).rejects.toThrow(/open failure/);
    expect((await failing(session.exec('yes', { limitBytes: 100_000 }))).code).toBe('protocol');
    expect(await failing(session.exec('sleep 60', { timeoutMs: 100 }))).toMatchObject({
      code: 'ssh-command-timeout',
      values: { machine: session.machine },
    });
    // One that does not even begin is the same to whoever waits: it is not said that the machine is off.
    server.signal('SIGSTOP');
    const unbegun = await failing(session.exec('true', { timeoutMs: 100 }));
    server.signal('SIGCONT');
    expect(unbegun.code).toBe('ssh-command-timeout');
    expect(session.processes).toBe(0);
  });

  test('a stream carries much in both directions, and closes by halves', async () => {
    const server = await sshd();
    const session = await open('nas', await trusted(server));
    const path = join(home, 'echo.sock');
    const echo = createServer({ allowHalfOpen: true }, (socket) => socket.pipe(socket)).listen(path);
    defer(() => echo.close());
    const stream = await session.openSocket(path);
    const sent = Buffer.alloc(8 * 1024 * 1024, 'x');
    stream.end(sent);
    let received = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) received += chunk.length;
    expect(received).toBe(sent.length);
  });

  test('ciphers, key exchange, address and way of signing in as the configuration says', async () => {
    const server = await sshd({ config: ['LogLevel DEBUG'] });
    const lines =
      'KexAlgorithms ecdh-sha2-nistp384\n  Ciphers ^aes256-ctr\n  MACs hmac-sha2-512\n  HostKeyAlgorithms ssh-ed25519\n  BindAddress 127.0.0.7\n  AddressFamily inet\n';
    await open('nas', await sshHome(home, nas(server, `  ${lines}`), server.knownLine()));
    expect(server.log).toMatch(/kex: algorithm: ecdh-sha2-nistp384/);
    expect(server.log).toMatch(/kex: client->server cipher: aes256-ctr MAC: hmac-sha2-512/);
    expect(server.log).toMatch(/Accepted publickey for \S+ from 127\.0\.0\.7/);
    const none = await sshHome(home, nas(server, '  PreferredAuthentications password\n'), server.knownLine());
    expect(await failing(open('nas', none))).toMatchObject({ code: 'ssh-keys-refused' });
    expect(await failing(open('nas', await sshHome(home, nas(server, '  Ciphers none-such\n'), server.knownLine())))).toMatchObject({
      code: 'ssh-address',
      message: expect.stringMatching(/Ciphers/),
    });
  });

  test('a machine that exchanges keys anew, as some do each hour or gigabyte: streams go on, both ways, and nobody is asked', async () => {
    const server = await sshd({ config: ['RekeyLimit 1M', 'LogLevel DEBUG'] });
    const files = await sshHome(home, nas(server), server.knownLine());
    const session = await open('nas', files);
    const down = session.exec('head -c 3000000 /dev/zero | tr "\\0" x', { limitBytes: 4_000_000 });
    const up = session.exec('wc -c', { input: Buffer.alloc(3_000_000) });
    expect((await down).stdout).toHaveLength(3_000_000);
    expect((await up).stdout.trim()).toBe('3000000');
    expect(server.log.match(/SSH2_MSG_NEWKEYS received/g)?.length).toBeGreaterThan(2);
  });

  test('a new key is asked for with its fingerprint and written as ssh does; then it is known', async () => {
    const server = await sshd();
    const files = await sshHome(home, nas(server, '  HashKnownHosts yes\n'), 'other ssh-ed25519 AAAA');
    const ask = answers(true);
    await open('nas', files, { ask });
    const known = join(home, '.ssh', 'known_hosts');
    const printed = execFileSync('ssh-keygen', ['-lf', server.path('host_key.pub')], { encoding: 'utf8' }).split(' ')[1];
    expect(ask.asked).toEqual([
      {
        kind: 'hostKey',
        machine: `${server.user}@nas:${server.port}`,
        keyType: 'ssh-ed25519',
        fingerprint: printed,
        file: known,
        alsoAs: [],
        canRemember: false,
      },
    ]);
    expect(readFileSync(known, 'utf8')).toMatch(/^other ssh-ed25519 AAAA\n\|1\|\S+ ssh-ed25519 \S+\n$/);
    execFileSync('ssh-keygen', ['-F', `[127.0.0.1]:${server.port}`, '-f', known], { stdio: 'ignore' });
    await open('nas', files);
  });

  test('a new key in the background, or refused, connects to nothing and writes nothing', async () => {
    const server = await sshd();
    const files = await sshHome(home, nas(server));
    expect((await failing(open('nas', files))).code).toBe('ssh-key-new');
    expect((await failing(open('nas', files, { ask: answers(null) }))).code).toBe('cancelled');
    expect(readFileSync(join(home, '.ssh', 'known_hosts'), 'utf8')).toBe('');
    expect(server.log).not.toMatch(/Accepted/);
  });

  test('a changed key stops hard, whoever is there, and names file and line', async () => {
    const server = await sshd();
    const files = await sshHome(home, nas(server), `# first\n${server.knownLine()}`);
    await server.stop();
    server.newKey('host_key');
    await server.listen();
    const error = await failing(open('nas', files, { ask: answers() }));
    const file = join(home, '.ssh', 'known_hosts');
    expect(error).toMatchObject({ code: 'ssh-key-changed', values: { file, line: '2' }, fix: `sed -i 2d ${file}` });
    expect(server.log).not.toMatch(/Accepted/);
    appendFileSync(file, `@revoked * ${server.knownLine().split(' ').slice(1).join(' ')}`);
    expect(await failing(open('nas', files, { ask: answers() }))).toMatchObject({ code: 'ssh-key-revoked', values: { line: '3' } });
  });

  test('of several host keys the known one is asked for', async () => {
    const server = await sshd({ hostKeys: ['rsa'] });
    const steps: ConnectStep[] = [];
    await open('nas', await sshHome(home, nas(server), server.knownLine('host_rsa')), { onStep: (step) => steps.push(step) });
    expect(steps.find(({ kind, status }) => kind === 'hostKey' && status === 'done')?.found.keyType).toBe('ssh-rsa');
  });

  test.each([
    ['ed25519', {}],
    ['rsa', {}],
    ['ecdsa', {}],
    ['rsa in PEM', { type: 'rsa', pem: true }],
  ])('keys: %s, with a passphrase that is asked for once the machine wants the key', async (type, options) => {
    const server = await sshd();
    server.newKey('locked', { type, passphrase: 'secret', ...options });
    server.allow('locked');
    const files = await sshHome(home, nas(server, `  IdentityFile ${server.path('locked')}\n`), server.knownLine());
    expect(await failing(open('nas', files))).toMatchObject({ code: 'ssh-sign-in', values: { key: server.path('locked') } });
    const secrets = new MemorySecrets();
    const ask = answers('wrong', 'secret');
    await open('nas', files, { ask, secrets });
    expect(ask.asked).toMatchObject([
      { kind: 'passphrase', path: server.path('locked'), again: false },
      { kind: 'passphrase', again: true },
    ]);
    // Once typed, a lost connection comes back by itself.
    await open('nas', files, { secrets });
    expect((await failing(open('nas', files, { ask: answers(null) }))).code).toBe('cancelled');
  });

  test('an agent: its keys are used, and with IdentitiesOnly only the named one', async () => {
    const server = await sshd();
    const socket = join(home, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
    defer(() => agent.kill());
    for (let n = 0; n < 8; n += 1) server.newKey(`k${n}`);
    const env = { ...process.env, SSH_AUTH_SOCK: socket };
    await expect.poll(() => spawnResult('ssh-add', ['-l'], env)).toBe(1);
    for (let n = 0; n < 8; n += 1) execFileSync('ssh-add', ['-q', server.path(`k${n}`)], { env, stdio: 'ignore' });
    server.allow('k1');
    const host = `Host *\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${server.user}\n`;
    const steps: ConnectStep[] = [];
    await open('nas', await sshHome(home, host, server.knownLine(), { SSH_AUTH_SOCK: socket }), { onStep: (step) => steps.push(step) });
    expect(steps.at(-1)?.found).toMatchObject({ method: 'agent', key: 'test k1' });
    // Too many keys before the right one.
    server.allow('k7');
    expect((await failing(open('nas', await sshHome(home, host, server.knownLine(), { SSH_AUTH_SOCK: socket })))).code).toBe(
      'ssh-too-many-tries',
    );
    rmSync(server.path('k7'));
    const only = `${host}  IdentityFile ${server.path('k7')}\n  IdentitiesOnly yes\n`;
    await open('nas', await sshHome(home, only, server.knownLine(), { SSH_AUTH_SOCK: socket }));
    // An agent that is gone is no reason to fail.
    writeFileSync(server.path('k7.pub'), '');
    server.allow('user_key');
    await open('nas', await sshHome(home, nas(server), server.knownLine(), { SSH_AUTH_SOCK: '/nowhere' }));
  });

  test('refused keys are named, with the command that helps; a key that others can read is not used', async () => {
    const server = await sshd();
    server.newKey('other');
    server.allow('other');
    const error = await failing(open('nas', await trusted(server), { ask: answers() }));
    expect(error).toMatchObject({
      code: 'ssh-keys-refused',
      values: { keys: server.path('user_key'), user: server.user },
      fix: `ssh-copy-id -p ${server.port} ${server.user}@127.0.0.1`,
    });
    execFileSync('chmod', ['644', server.path('user_key')]);
    expect((await failing(open('nas', await trusted(server)))).detail).toMatch(/others can read it/);
  });

  test('IPv6', async () => {
    const server = await sshd({ address: '::1' });
    const files = await sshHome(home, `Host *\n  IdentityFile ${server.path('user_key')}\n`, server.knownLine());
    await open(`${server.user}@[::1]:${server.port}`, files);
  });

  test('one jump host and two, each asked for its key; the machine sees the jump host only', async () => {
    const [target, near, far] = [await sshd(), await sshd(), await sshd()];
    const config = [
      nas(target, '  ProxyJump far\n'),
      nas(near, '', 'near'),
      nas(far, '  ProxyJump near\n', 'far'),
      nas(target, '  ProxyJump near,far\n', 'listed'),
      nas(target, '  ProxyJump loop\n', 'loop'),
    ].join('');
    const files = await sshHome(home, config);
    const ask = answers(true, true, true);
    const steps: ConnectStep[] = [];
    const session = await open('nas', files, { ask, onStep: (step) => steps.push(step) });
    expect(ask.asked.map(({ machine }) => machine)).toEqual(
      (['near', 'far', 'nas'] as const).map((name) => `${target.user}@${name}:${{ near, far, nas: target }[name].port}`),
    );
    expect(steps.filter(({ kind, status }) => kind === 'connect' && status === 'done').map(({ found }) => found.via)).toEqual([
      undefined,
      `${near.user}@near:${near.port}`,
      `${far.user}@far:${far.port}`,
    ]);
    expect((await session.exec('echo ok')).stdout).toBe('ok\n');
    expect((await (await open('listed', files)).exec('echo ok')).stdout).toBe('ok\n');
    expect((await failing(open('loop', files))).code).toBe('ssh-address');
    // The jump host in the middle dies: the session is lost, not silent.
    const lost = new Promise<Error>((resolve) => session.onClose(resolve));
    near.signalSessions('SIGKILL');
    expect(((await lost) as HostFailure).error.code).toBe('ssh-lost');
  });

  test('a jump host that forwards nothing, or finds nothing', async () => {
    const [target, strict, open_] = [await sshd(), await sshd({ config: ['AllowTcpForwarding no'] }), await sshd()];
    const config = `${nas(target, '  ProxyJump strict\n')}${nas(strict, '', 'strict')}${nas(open_, '', 'open')}Host lost\n  HostName 127.0.0.1\n  Port 1\n  ProxyJump open\n`;
    const files = await sshHome(home, config, target.knownLine() + strict.knownLine() + open_.knownLine());
    expect((await failing(open('nas', files))).code).toBe('ssh-jump-forbidden');
    expect((await failing(open('lost', files))).code).toBe('ssh-unreachable');
  });

  test('ProxyCommand', async () => {
    const server = await sshd();
    const command = `${process.execPath} -e "const s=require('net').connect(%p,'%h');process.stdin.pipe(s).pipe(process.stdout)"`;
    await open('nas', await sshHome(home, nas(server, `  ProxyCommand ${command}\n`), server.knownLine()));
  });

  test('killed session, frozen machine: streams break, and the session says that it is lost', async () => {
    const server = await sshd();
    const session = await open('nas', await trusted(server));
    const stream = await session.openSocket(engine.socketPath);
    const broken = new Promise<Error>((resolve) => stream.on('error', resolve));
    stream.resume();
    server.signalSessions('SIGKILL');
    expect(await broken).toMatchObject({ code: 'ECONNRESET' });
    expect(session.closed).toBe(true);
    await expect(session.openSocket(engine.socketPath)).rejects.toMatchObject({ error: { code: 'ssh-lost' } });

    const frozen = await open('nas', await trusted(server), { keepaliveMs: 50 });
    const lost = new Promise<Error>((resolve) => frozen.onClose(resolve));
    server.signalSessions('SIGSTOP');
    expect(await frozen.answers(100)).toBe(false);
    expect(await lost).toMatchObject({ error: { code: 'ssh-lost', detail: expect.stringMatching(/keepalive/i) } });
    server.signalSessions('SIGKILL');
  });

  test('aborting ends the attempt at once', async () => {
    const server = await sshd();
    const controller = new AbortController();
    const ask: Ask = () => {
      controller.abort();
      return new Promise(() => {});
    };
    await expect(open('nas', await sshHome(home, nas(server)), { ask, signal: controller.signal })).rejects.toThrow();
  });
});

function spawnResult(command: string, args: string[], env: NodeJS.ProcessEnv): number {
  try {
    execFileSync(command, args, { env, stdio: 'ignore' });
    return 0;
  } catch (error) {
    return (error as { status: number }).status;
  }
}

describe.skipIf(!mayHavePasswords)('passwords', () => {
  for (const kind of ['password', 'interactive'] as const) {
    test(`${kind}: asked for, again when wrong, kept for the session, said to be wrong`, async () => {
      const server = await sshd({ guest: kind });
      const host = `Host *\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${GUEST.name}\n`;
      const files = await sshHome(home, host, server.knownLine());
      expect(await failing(open('nas', files))).toMatchObject({ code: 'ssh-sign-in' });
      const secrets = new MemorySecrets();
      const ask = answers('wrong', GUEST.password);
      const steps: ConnectStep[] = [];
      const session = await open('nas', files, { ask, secrets, onStep: (step) => steps.push(step) });
      expect(ask.asked).toMatchObject([
        { kind: 'password', user: GUEST.name, again: false },
        { kind: 'password', again: true },
      ]);
      expect(steps.at(-1)).toMatchObject({ kind: 'signIn', status: 'done', found: { method: 'password' } });
      expect((await session.exec('id -un')).stdout).toBe(`${GUEST.name}\n`);
      await open('nas', files, { secrets });
      expect((await failing(open('nas', files, { ask: answers('a', 'b', 'c') }))).code).toBe('ssh-password-wrong');
      expect((await failing(open('nas', files, { ask: answers(null) }))).code).toBe('cancelled');
      // One that was kept and is wrong now is tried once, and forgotten.
      for (const name of secrets.kept.keys()) secrets.kept.set(name, 'old');
      expect((await failing(open('nas', files, { secrets }))).code).toBe('ssh-password-wrong');
      expect(secrets.kept.size).toBe(0);
      expect(JSON.stringify([steps, server.log])).not.toContain(GUEST.password);
    });
  }

  test('a key and then a password, where the machine wants both', async () => {
    const server = await sshd({ guest: 'password', config: ['AuthenticationMethods publickey,password'] });
    server.newKey('second');
    server.allow('second', 'user_key');
    const host = `Host *\n  HostName 127.0.0.1\n  Port ${server.port}\n  User ${GUEST.name}\n  IdentityFile ${server.path('user_key')}\n  IdentityFile ${server.path('second')}\n`;
    const ask = answers(GUEST.password);
    await open('nas', await sshHome(home, host, server.knownLine()), { ask });
    expect(ask.asked).toMatchObject([{ kind: 'password' }]);
  });
});

describe('what is no SSH server', () => {
  const files = () => sshHome(home, '');
  test('nobody listens, no such name, another protocol, nothing is said, garbage', async () => {
    expect(await failing(open('127.0.0.1:1', await files()))).toMatchObject({ code: 'ssh-refused', values: { address: '127.0.0.1:1' } });
    expect((await failing(open(`${'long'.repeat(20)}.invalid`, await files()))).code).toBe('ssh-unknown-name');
    const speak = async (text: string | undefined) => {
      const server = createServer((socket) => {
        socket.on('error', () => {});
        if (text !== undefined) socket.end(text);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      defer(() => server.close());
      return `127.0.0.1:${(server.address() as { port: number }).port}`;
    };
    expect((await failing(open(await speak('HTTP/1.1 400 Bad Request\r\n\r\n'), await files()))).code).toBe('ssh-no-ssh');
    expect((await failing(open(await speak(''), await files()))).code).toBe('ssh-no-ssh');
    expect((await failing(open(await speak(`SSH-2.0-x\r\n${'\xff'.repeat(5000)}`), await files()))).code).toBe('ssh-no-ssh');
    expect((await failing(open(await speak('x'.repeat(100_000)), await files()))).code).toBe('ssh-no-ssh');
    expect((await failing(open(await speak(undefined), await files(), { answerMs: 100 }))).code).toBe('ssh-timeout');
  });
});
