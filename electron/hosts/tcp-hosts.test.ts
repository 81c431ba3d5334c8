import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ConnectAttempt, Host, HostError, TcpSecurity } from '../ipc/contract.ts';
import { readConfigFiles } from '../ssh/index.ts';
import { JsonFile } from '../store/json-file.ts';
import { hasOpenssl, TestCa } from '../testing/certificates.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { MemorySecrets } from '../testing/ssh-answers.ts';
import { Hosts } from './hosts.ts';
import { hostsFileSchema } from './records.ts';

const NAMES = 'IP:127.0.0.1,IP:::1,DNS:localhost';
const PASSPHRASE = 'open, sesame';

describe.skipIf(!hasOpenssl)('hosts over TCP', () => {
  let folder: string;
  let home: string;
  let ours: TestCa;
  let others: TestCa;
  let server: string;
  let engine: FakeEngine;
  let secrets: MemorySecrets;
  let ends: (() => unknown)[];
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'gantry-tcp-'));
    ours = new TestCa(join(folder, 'ours'), 'ours');
    others = new TestCa(join(folder, 'others'), 'others');
    server = ours.issue('server', { names: NAMES });
    ours.issue('ada');
    ours.issue('locked', { passphrase: PASSPHRASE });
    others.issue('stranger');
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  beforeEach(async () => {
    home = mkdtempSync(join(tmpdir(), 'gantry-home-'));
    engine = await FakeEngine.create();
    secrets = new MemorySecrets();
    ends = [() => rmSync(home, { recursive: true, force: true }), () => engine.dispose()];
  });
  afterEach(async () => {
    for (const end of ends.splice(0).reverse()) await end();
  });

  /** The files of a folder, as a user picks them. */
  const files = (of: string, more: Partial<Extract<TcpSecurity, { kind: 'tls' }>> = {}): TcpSecurity => ({
    kind: 'tls',
    ca: join(of, 'ca.pem'),
    cert: join(of, 'cert.pem'),
    key: join(of, 'key.pem'),
    ...more,
  });
  const client = (name: string) => join(ours.folder, name);

  async function listening(made: Server, port = 0): Promise<number> {
    const sockets = new Set<Socket>();
    made.on('connection', (socket: Socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
    });
    await new Promise<void>((resolve) => made.listen(port, '127.0.0.1', resolve));
    ends.push(
      () =>
        new Promise((resolve) => {
          for (const socket of sockets) socket.destroy();
          made.close(resolve);
        }),
    );
    return (made.address() as AddressInfo).port;
  }
  function toEngine(socket: Socket): void {
    const inside = connect(engine.socketPath);
    socket.on('error', () => inside.destroy());
    inside.on('error', () => socket.destroy());
    socket.pipe(inside).pipe(socket);
    socket.on('close', () => inside.destroy());
    inside.on('close', () => socket.destroy());
  }
  /** The engine behind TLS that wants certificates of our CA. */
  const secured = (of = server, more: tls.TlsOptions = {}) =>
    tls.createServer(
      {
        cert: readFileSync(join(of, 'cert.pem')),
        key: readFileSync(join(of, 'key.pem')),
        ca: readFileSync(ours.ca),
        requestCert: true,
        rejectUnauthorized: true,
        ...more,
      },
      toEngine,
    );

  /** The part of the app below the window. */
  class Below {
    attempt: ConnectAttempt | undefined;
    list: Host[] = [];
    readonly statuses: string[] = [];
    readonly hosts: Hosts;
    constructor() {
      this.hosts = new Hosts({
        file: new JsonFile(join(home, 'hosts.json'), hostsFileSchema),
        local: { socketPath: '/nowhere.sock', prepare: async () => {} },
        onChange: (list) => {
          this.list = list;
          const status = this.host?.state.status;
          if (status !== undefined && this.statuses.at(-1) !== status) this.statuses.push(status);
        },
        onEvents: () => {},
        onAttempt: (attempt) => {
          this.attempt = attempt;
        },
        sshFiles: () => readConfigFiles({ home, system: '/none', env: {} }),
        secrets,
        log: () => {},
      });
      ends.push(() => this.hosts.stop());
    }
    get host(): Host | undefined {
      return this.list.find(({ kind }) => kind === 'tcp');
    }
    async becomes(status: Host['state']['status'], ms = 10_000): Promise<Host> {
      await expect.poll(() => this.host?.state.status, { timeout: ms }).toBe(status);
      return this.host as Host;
    }
    /** @param answers to questions for a passphrase, in turn */
    async tried(
      port: number,
      security: TcpSecurity,
      { answers = [] as string[], host = '127.0.0.1', again = '' } = {},
    ): Promise<ConnectAttempt> {
      if (again === '') this.hosts.attempts.startTcp(`tcp://${host}:${port}`, security);
      else this.hosts.signIn(again);
      let answered = '';
      await expect
        .poll(
          () => {
            const { attempt } = this;
            const question = attempt?.question;
            if (attempt && question && question.id !== answered) {
              answered = question.id;
              const answer = answers.shift();
              this.hosts.attempts.answer(attempt.id, question.id, answer === undefined ? null : { values: [answer], remember: false });
            }
            return attempt?.state ?? 'running';
          },
          { timeout: 15_000, interval: 10 },
        )
        .not.toBe('running');
      return this.attempt as ConnectAttempt;
    }
    async added(port: number, security: TcpSecurity): Promise<Host> {
      const { id, error } = await this.tried(port, security);
      expect(error).toBeUndefined();
      await this.hosts.addTcp({ attempt: id, name: 'nas', colour: 'blue' });
      return this.becomes('connected');
    }
  }
  async function started(): Promise<Below> {
    const app = new Below();
    await app.hosts.start();
    return app;
  }
  const steps = ({ steps: all }: ConnectAttempt) => all.map(({ kind, status }) => `${kind} ${status}`);

  test('each step says what it found; added, it works; the next start needs nobody', async () => {
    const port = await listening(secured());
    const app = await started();
    const attempt = await app.tried(port, files(client('ada')));
    expect(steps(attempt)).toEqual(['files', 'resolve', 'connect', 'tls', 'signIn', 'engine'].map((kind) => `${kind} done`));
    const day = expect.stringMatching(/^\d{4}-\d\d-\d\d$/);
    expect(attempt.steps.map(({ found }) => found)).toEqual([
      { subject: 'ada', until: day },
      { name: '127.0.0.1', address: '127.0.0.1' },
      { address: `127.0.0.1:${port}` },
      { protocol: 'TLSv1.3', subject: 'server', issuer: 'ours CA', until: day },
      { user: 'ada', method: 'certificate' },
      { product: 'Gantry', version: '9.9' },
    ]);
    const host = await app.added(port, files(client('ada')));
    expect(host).toMatchObject({ kind: 'tcp', address: `tcp://127.0.0.1:${port}`, security: files(client('ada')) });
    expect(await app.hosts.clientOrThrow(host.id).json('GET', '/version')).toMatchObject({ Version: '9.9' });
    await app.hosts.stop();
    const next = await started();
    await next.becomes('connected');
    const again = await next.tried(port, files(client('ada')));
    await expect(next.hosts.addTcp({ attempt: again.id, name: 'x', colour: 'red' })).rejects.toThrow(/in the list already, as nas/);
  });

  test('what needs the machine is refused in words, and never done on this one instead', async () => {
    const app = await started();
    const { id } = await app.added(await listening(secured()), files(client('ada')));
    const { signal } = new AbortController();
    await expect(app.hosts.shellSession(id, signal)).rejects.toThrow(/reached over TCP/);
    expect(() => app.hosts.session(id, signal)).toThrow(/not reached over SSH/);
    await expect(app.hosts.dialTcp(id, '127.0.0.1', 80, signal)).rejects.toThrow(/reached over TCP/);
  });

  describe('failures', () => {
    async function failed(
      port: number,
      security: TcpSecurity,
      host?: string,
    ): Promise<[code: string, values: HostError['values'], last: string]> {
      const app = await started();
      const attempt = await app.tried(port, security, host === undefined ? {} : { host });
      expect(attempt.state).toBe('failed');
      const { code, values } = attempt.error as HostError;
      return [code, values, steps(attempt).at(-1) ?? ''];
    }
    const machine = expect.stringMatching(/^(127\.0\.0\.1|localhost):\d+$/);

    test('a CA that has not signed the engine’s certificate; none at all', async () => {
      const port = await listening(secured());
      const ca = others.ca;
      const expected = { machine, issuer: 'ours CA', subject: 'server', ca };
      expect(await failed(port, files(client('ada'), { ca }))).toEqual(['tls-unknown-ca', expect.objectContaining(expected), 'tls failed']);
      expect(await failed(port, files(client('ada'), { ca: undefined }))).toMatchObject(['tls-no-ca', { issuer: 'ours CA' }, 'tls failed']);
    });
    test('a certificate that has expired: the engine’s, ours', async () => {
      const late = ours.issue('late-server', { names: NAMES, expired: true });
      const port = await listening(secured(late));
      expect(await failed(port, files(client('ada')))).toMatchObject([
        'tls-expired',
        { subject: 'late-server', date: '2021-01-01' },
        'tls failed',
      ]);
      const well = await listening(secured());
      const old = ours.issue('old', { expired: true });
      const path = join(old, 'cert.pem');
      expect(await failed(well, files(old))).toMatchObject(['tls-client-expired', { path, date: '2021-01-01' }, 'signIn failed']);
    });
    test('a certificate for another name', async () => {
      const elsewhere = ours.issue('elsewhere', { names: 'DNS:nas.example,IP:10.0.0.7' });
      const port = await listening(secured(elsewhere));
      const found = await failed(port, files(client('ada')), 'localhost');
      expect(found).toMatchObject(['tls-name', { host: 'localhost', names: 'nas.example, 10.0.0.7' }, 'tls failed']);
    });
    test.each(['TLSv1.2', 'TLSv1.3'] as const)('a server that says what it thinks of ours, by %s', async (version) => {
      const free = await listening(createServer());
      await ends.pop()?.();
      const flags = ['-accept', String(free), '-cert', join(server, 'cert.pem'), '-key', join(server, 'key.pem'), '-CAfile', ours.ca];
      const strict = ['-Verify', '1', '-verify_return_error', '-quiet', version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3'];
      const child = spawn('openssl', ['s_server', ...flags, ...strict], { stdio: ['pipe', 'ignore', 'ignore'] });
      ends.push(() => child.kill());
      await expect.poll(() => listens(free)).toBe(true);
      const last = version === 'TLSv1.2' ? 'tls failed' : 'signIn failed';
      const stranger = files(join(others.folder, 'stranger'), { ca: ours.ca });
      expect(await failed(free, stranger)).toMatchObject(['tls-client-refused', { subject: 'stranger' }, last]);
      const nobody = files(server, { cert: undefined, key: undefined });
      expect((await failed(free, nobody))[0]).toBe('tls-client-needed');
    });
    test('a server that only hangs up on ours, after the handshake and in it', async () => {
      const stranger = files(join(others.folder, 'stranger'), { ca: ours.ca });
      expect((await failed(await listening(secured()), stranger))[0]).toBe('tls-client-refused');
      const old = await listening(secured(server, { maxVersion: 'TLSv1.2' }));
      expect((await failed(old, stranger))[0]).toBe('tls-hung-up');
      expect(await failed(await listening(secured()), files(server, { cert: undefined, key: undefined }))).toMatchObject([
        'tls-client-needed',
        {},
        'engine failed',
      ]);
    });
    test('HTTP in the clear, or no HTTP at all, where TLS was expected; TLS where none was', async () => {
      expect(await failed(await listening(createServer(toEngine)), files(client('ada')))).toMatchObject(['tls-none', {}, 'tls failed']);
      const greeting = createServer((socket) => void socket.write('SSH-2.0-x\r\n'));
      expect((await failed(await listening(greeting), files(client('ada'))))[0]).toBe('tls-none');
      // What OpenSSL says to whoever speaks no TLS: an alert, protocol_version.
      const terse = createServer((socket) => socket.once('data', () => socket.end(Buffer.from([21, 3, 1, 0, 2, 2, 70]))));
      expect(await failed(await listening(terse), { kind: 'none' })).toMatchObject(['tls-wanted', {}, 'engine failed']);
      const polite = createServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n')),
      );
      expect((await failed(await listening(polite), { kind: 'none' }))[0]).toBe('tls-wanted');
    });
    test('nobody listens; nobody answers; no such name; no engine', async () => {
      const port = await listening(createServer());
      await ends.pop()?.();
      expect(await failed(port, files(client('ada')))).toMatchObject(['tcp-refused', {}, 'connect failed']);
      expect(await failed(port, files(client('ada')), 'no-such-name.invalid')).toMatchObject(['ssh-unknown-name', {}, 'resolve failed']);
      const silent = await listening(createServer(() => {}));
      expect(await failed(silent, files(client('ada')))).toMatchObject(['ssh-timeout', {}, 'tls failed']);
      engine.routes.set('GET /_ping', (_, response) => response.writeHead(404).end('<html>nginx</html>'));
      expect(await failed(await listening(secured()), files(client('ada')))).toMatchObject(['tcp-no-engine', {}, 'engine failed']);
    }, 40_000);
    test('in the clear to another machine', async () => {
      // Reserved for documentation: nothing is sent there.
      expect(await failed(2375, { kind: 'none' }, '192.0.2.1')).toMatchObject(['tcp-clear', { machine: '192.0.2.1:2375' }, 'resolve done']);
    });
    test('files: not there, not readable by what they are, of another, open to others', async () => {
      const port = await listening(secured());
      const nowhere = join(folder, 'nowhere.pem');
      expect(await failed(port, files(client('ada'), { cert: nowhere }))).toEqual(['tls-file-missing', { path: nowhere }, 'files failed']);
      const odd = join(folder, 'odd.pem');
      writeFileSync(odd, 'nothing', { mode: 0o600 });
      expect(await failed(port, files(client('ada'), { ca: odd }))).toMatchObject(['tls-no-certificate', { path: odd }, 'files failed']);
      expect(await failed(port, files(client('ada'), { key: odd }))).toMatchObject(['tls-no-key', { path: odd }, 'files failed']);
      const key = join(client('locked'), '..', 'server', 'key.pem');
      expect((await failed(port, files(client('ada'), { key })))[0]).toBe('tls-key-other');
      const open = join(folder, 'open.pem');
      copyFileSync(join(client('ada'), 'key.pem'), open);
      chmodSync(open, 0o644);
      expect((await failed(port, files(client('ada'), { key: open })))[0]).toBe('tls-key-open');
    });
  });

  test('a locked key: asked for, wrong and right; never in a file; asked for again after a new start', async () => {
    const port = await listening(secured());
    const app = await started();
    const attempt = await app.tried(port, files(client('locked')), { answers: ['wrong', PASSPHRASE] });
    expect(attempt.state).toBe('connected');
    const { id } = await app.hosts.addTcp({ attempt: attempt.id, name: 'nas', colour: 'blue' });
    await app.becomes('connected');
    expect(spawnSync('grep', ['-rlF', PASSPHRASE, home]).status).toBe(1);

    await app.hosts.stop();
    secrets.kept.clear();
    const next = await started();
    const host = await next.becomes('failed');
    expect(host.state).toMatchObject({ error: { code: 'tls-locked', values: { path: join(client('locked'), 'key.pem') } } });
    expect((await next.tried(port, files(client('locked')), { again: id, answers: [] })).error?.code).toBe('cancelled');
    expect((await next.tried(port, files(client('locked')), { again: id, answers: [PASSPHRASE] })).state).toBe('connected');
    await next.becomes('connected');
  });

  test('a cut: streams end, the last is known, it comes back by itself, with certificates that were renewed meanwhile', async () => {
    const mine = join(folder, 'mine');
    mkdirSync(mine);
    const take = (from: string) => {
      for (const name of ['ca', 'cert', 'key']) copyFileSync(join(from, `${name}.pem`), join(mine, `${name}.pem`));
      chmodSync(join(mine, 'key.pem'), 0o600);
    };
    take(client('ada'));
    const port = await listening(secured());
    const app = await started();
    const { id } = await app.added(port, files(mine));
    const stream = await app.hosts.clientOrThrow(id).stream('GET', '/events');
    const ended = new Promise((resolve) => stream.body.once('close', resolve));
    stream.body.on('error', () => {});
    // The server is what was begun before the app.
    const [stop] = ends.splice(-2, 1);
    await stop?.();
    await app.becomes('reconnecting');
    await ended;
    expect(app.host?.state).toMatchObject({ engine: { product: 'Gantry' } });
    await expect.poll(() => app.host?.state, { timeout: 10_000 }).toMatchObject({ error: { code: 'tcp-refused' } });
    // The CA was made anew, and with it all that it has signed.
    const fresh = new TestCa(join(folder, 'fresh'), 'fresh');
    take(fresh.issue('ada'));
    await listening(secured(fresh.issue('server', { names: NAMES }), { ca: readFileSync(fresh.ca) }), port);
    app.hosts.reconnect(id);
    await app.becomes('connected');
  });

  test('an engine that restarts hangs up: that is no refusal of our certificate', async () => {
    const port = await listening(secured());
    const app = await started();
    await app.added(port, files(client('ada')));
    for (const socket of engine.sockets) socket.destroy();
    const host = await app.becomes('reconnecting');
    expect(host.state).toMatchObject({ error: { code: 'closed' } });
    await app.becomes('connected');
  });

  test('in the clear, on this machine, because the user says so', async () => {
    const app = await started();
    const host = await app.added(await listening(createServer(toEngine)), { kind: 'none' });
    expect(host.security).toEqual({ kind: 'none' });
    expect(app.attempt?.steps.find(({ kind }) => kind === 'tls')?.found).toEqual({ none: 'yes' });
  });

  test('docker’s contexts, with their certificates', async () => {
    const app = await started();
    for (const [digest, name, address] of [
      ['abc', 'build', 'tcp://build.example:2376'],
      ['def', 'clear', 'tcp://127.0.0.1:2375'],
      ['bad', 'bad', 'tcp://user@x/path'],
    ] as const) {
      const meta = join(home, '.docker', 'contexts', 'meta', digest);
      mkdirSync(meta, { recursive: true });
      writeFileSync(
        join(meta, 'meta.json'),
        JSON.stringify({ Name: name, Endpoints: { docker: { Host: address, SkipTLSVerify: false } } }),
      );
    }
    const held = join(home, '.docker', 'contexts', 'tls', 'abc', 'docker');
    mkdirSync(held, { recursive: true });
    for (const name of ['ca', 'cert', 'key']) copyFileSync(join(client('ada'), `${name}.pem`), join(held, `${name}.pem`));
    const detail = 'tcp://build.example:2376';
    expect(await app.hosts.suggestions()).toEqual([
      { source: 'docker', name: 'build', address: detail, detail, security: files(held) },
      { source: 'docker', name: 'clear', address: 'tcp://127.0.0.1:2375', detail: 'tcp://127.0.0.1:2375' },
    ]);
  });
});

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
