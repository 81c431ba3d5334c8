import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { EngineClient } from '../engine-client/index.ts';
import type { ConnectAttempt, ConnectQuestion, Host } from '../ipc/contract.ts';
import { Below } from '../testing/below.ts';
import { FakeEngine } from '../testing/fake-engine.ts';
import { perTest } from '../testing/per-test.ts';
import { MemorySecrets } from '../testing/ssh-answers.ts';
import { GUEST, hasSshd, mayHavePasswords, type Sshd, type SshdOptions } from '../testing/sshd.ts';

let home: string;
let engine: FakeEngine;
let secrets: MemorySecrets;
beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'gantry-home-'));
  engine = await FakeEngine.create();
  engine.routes.set('GET /events', (_, response) => response.write('{"Type":"container"}\n'));
  secrets = new MemorySecrets();
});
afterEach(async () => {
  await engine.dispose();
  rmSync(home, { recursive: true, force: true });
});
// Registered last, it runs first.
const { defer, sshd } = perTest();

function configure(server: Sshd, lines: string): void {
  mkdirSync(join(home, '.ssh'), { recursive: true });
  writeFileSync(join(home, '.ssh', 'config'), `Host nas\n  HostName ${server.address}\n  Port ${server.port}\n${lines}`);
}

class BelowSsh extends Below {
  constructor() {
    super('ssh', home, secrets);
    defer(() => this.hosts.stop());
  }
  answering(answers: Partial<Record<ConnectQuestion['kind'], string | null>>): Promise<ConnectAttempt> {
    return this.through((question) => {
      const answer = answers[question.kind];
      if (answer === undefined) throw new Error(`nobody expected ${JSON.stringify(question)}`);
      return answer;
    });
  }
  async add(name = 'nas', socketPath = engine.socketPath): Promise<Host> {
    return this.hosts.addSsh({ attempt: this.attempt?.id ?? '', name, colour: 'blue', socketPath });
  }
}

describe.skipIf(!hasSshd)('hosts over SSH', () => {
  async function ready(options?: SshdOptions): Promise<{ server: Sshd; app: BelowSsh }> {
    const server = await sshd(options);
    configure(server, `  User ${server.user}\n  IdentityFile ${server.path('user_key')}\n`);
    const app = new BelowSsh();
    await app.hosts.start();
    return { server, app };
  }
  async function added(options?: SshdOptions) {
    const { server, app } = await ready(options);
    await app.hosts.attempts.start('nas', engine.socketPath);
    await app.answering({ hostKey: 'yes' });
    await app.add();
    await app.becomes('connected');
    return { server, app };
  }

  test('typed, asked for the key, engine found, added: the connection of the dialog becomes the host’s', async () => {
    const { server, app } = await ready();
    app.hosts.attempts.start('nas', engine.socketPath);
    const attempt = await app.answering({ hostKey: 'yes' });
    expect(attempt).toMatchObject({ state: 'connected', machine: { os: 'Linux', user: server.user } });
    expect(attempt.engines?.[0]).toEqual({
      socketPath: engine.socketPath,
      product: 'Gantry',
      version: '9.9',
      state: 'usable',
      rootless: false,
      byCommand: false,
    });
    expect(attempt.steps.map(({ kind, status }) => `${kind} ${status}`)).toEqual(
      ['resolve', 'connect', 'hostKey', 'signIn', 'engine'].map((kind) => `${kind} done`),
    );
    expect(await app.add()).toMatchObject({ kind: 'ssh', address: 'nas', socketPath: engine.socketPath });
    await app.becomes('connected');
    expect(app.host?.state).toMatchObject({ engine: { product: 'Gantry' } });
    await expect.poll(() => app.events).toHaveLength(1);
    expect(server.log.match(/Accepted publickey/g)).toHaveLength(1);

    // The next start of the app needs nobody.
    await app.hosts.stop();
    const next = new BelowSsh();
    await next.hosts.start();
    await next.becomes('connected');
    await expect(app.hosts.addSsh({ attempt: attempt.id, name: 'x', colour: 'red', socketPath: '/x' })).rejects.toThrow(/has ended/);
  });

  test('a killed session comes back by itself, requests work again, and there is one attempt at a time', async () => {
    const { server, app } = await added();
    server.signalSessions('SIGKILL');
    await app.becomes('reconnecting');
    expect(app.host?.state).toMatchObject({ engine: { product: 'Gantry' }, error: { code: 'ssh-lost' } });
    await app.becomes('connected');
    expect(await app.hosts.clientOrThrow(app.host?.id ?? '').json('GET', '/version')).toMatchObject({ Version: '9.9' });
    expect(server.log.match(/Accepted publickey/g)).toHaveLength(2);
    // The server away: attempts become rare, then it is back.
    await server.stop();
    await app.becomes('reconnecting');
    await expect.poll(() => (app.host?.state.status === 'reconnecting' ? app.host.state.attempt : 0), { timeout: 10_000 }).toBe(2);
    expect(app.host?.state).toMatchObject({ error: { code: 'ssh-refused' } });
    await server.listen();
    app.hosts.reconnect(app.host?.id ?? '');
    await app.becomes('connected');
  });

  test('no storm: whoever asks, a machine that is away is tried once in a second, then ever more rarely', async () => {
    const { server, app } = await added();
    const id = app.host?.id ?? '';
    await server.stop();
    await app.becomes('reconnecting');
    const began = Date.now();
    const tried: number[] = [];
    const counter = createServer((socket) => {
      tried.push(Date.now() - began);
      socket.destroy();
    });
    await new Promise<void>((resolve) => counter.listen(server.port, server.address, resolve));
    defer(() => new Promise((resolve) => counter.close(resolve)));
    // What a window full of views does meanwhile.
    const logs = Array.from({ length: 50 }, () => app.hosts.whenConnected(id, AbortSignal.timeout(10_000)).catch(() => undefined));
    const asking = setInterval(() => {
      app.hosts.client(id);
      app.hosts.dialTcp(id, '127.0.0.1', 80, AbortSignal.timeout(1000)).catch(() => undefined);
    }, 20);
    await Promise.all(logs);
    clearInterval(asking);
    // Pauses of 1, 2, 4 and 8 s, each up to a quarter shorter.
    expect(tried.length).toBeGreaterThanOrEqual(2);
    expect(tried.length).toBeLessThanOrEqual(4);
    const gaps = tried.slice(1).map((at, index) => at - (tried[index] ?? 0));
    for (const [index, gap] of gaps.entries()) expect(gap).toBeGreaterThanOrEqual(0.75 * 1000 * 2 ** (index + 1) - 50);
  }, 40_000);

  test('frozen as a whole, server and connections: noticed, tried rarely, and back by itself when it thaws', async () => {
    const { server, app } = await added();
    server.signal('SIGSTOP');
    app.hosts.reconnectAll();
    await app.becomes('reconnecting', 15_000);
    expect(app.host?.state).toMatchObject({ engine: { product: 'Gantry' } });
    server.signal('SIGCONT');
    await app.becomes('connected', 30_000);
    expect(await app.hosts.clientOrThrow(app.host?.id ?? '').json('GET', '/version')).toMatchObject({ Version: '9.9' });
  }, 60_000);

  test('a machine frozen during our sleep is noticed when we wake', async () => {
    const { server, app } = await added();
    server.signalSessions('SIGSTOP');
    app.hosts.reconnectAll();
    await app.becomes('reconnecting');
    await app.becomes('connected', 15_000);
    server.signalSessions('SIGKILL');
  });

  test('the engine away, the machine not: it is said, and the connection stays', async () => {
    const { server, app } = await added();
    await engine.kill();
    await app.becomes('reconnecting');
    await expect
      .poll(() => app.host?.state, { timeout: 5000 })
      .toMatchObject({ error: { code: 'socket-missing', values: { path: engine.socketPath } } });
    await engine.listen();
    await app.becomes('connected');
    expect(server.log.match(/Accepted publickey/g)).toHaveLength(1);
  });

  test('a changed key stops a host for good, and says where', async () => {
    const { server, app } = await added();
    await server.stop();
    server.newKey('host_key');
    await app.becomes('reconnecting');
    await server.listen();
    app.hosts.reconnect(app.host?.id ?? '');
    await app.becomes('failed');
    expect(app.host?.state).toMatchObject({ error: { code: 'ssh-key-changed', values: { line: '1' } } });
  });

  test('no engine, another path, removed', async () => {
    const { server, app } = await ready();
    app.hosts.attempts.start('nas');
    const first = await app.answering({ hostKey: 'yes' });
    expect(first.engines?.some(({ socketPath }) => socketPath === engine.socketPath)).toBe(false);
    app.hosts.attempts.lookAgain(first.id, engine.socketPath);
    const second = await app.answering({});
    expect(second.engines?.[0]).toMatchObject({ socketPath: engine.socketPath, state: 'usable' });
    const host = await app.add();
    await app.becomes('connected');
    await app.hosts.remove(host.id);
    await expect.poll(() => server.sessions()).toHaveLength(0);
    expect(JSON.parse(readFileSync(join(home, 'hosts.json'), 'utf8')).hosts).toHaveLength(1);
  });

  test('ended attempts leave no connection; their answers count for nothing', async () => {
    const { server, app } = await ready();
    app.hosts.attempts.start('nas');
    await expect.poll(() => app.attempt?.question?.kind).toBe('hostKey');
    const { id, question } = app.attempt as ConnectAttempt;
    app.hosts.attempts.answer(id, 'another', { values: [], remember: false });
    expect(app.attempt?.question).toEqual(question);
    app.hosts.attempts.end(id);
    app.hosts.attempts.answer(id, question?.id ?? '', { values: [], remember: false });
    await expect.poll(() => server.sessions()).toHaveLength(0);
    expect(() => app.hosts.attempts.start('no such')).toThrow(/no host name/);
  });

  describe('what carries much', () => {
    const accepted = (server: Sshd) => server.log.match(/Accepted publickey/g)?.length;
    const version = async (client: EngineClient) => expect(await client.json('GET', '/version')).toMatchObject({ Version: '9.9' });

    test('has one connection of its own, which ends with the last that carries; a cut of it cuts nothing else', async () => {
      const { server, app } = await added();
      const id = app.host?.id ?? '';
      const [first, second] = [app.hosts.lease(id), app.hosts.lease(id)];
      // Nobody has carried anything yet.
      expect(accepted(server)).toBe(1);
      await Promise.all([version(first.client), version(second.client)]);
      expect(accepted(server)).toBe(2);
      const events = await app.hosts.clientOrThrow(id).stream('GET', '/events');
      const carried = await second.client.stream('GET', '/events');
      first.release();
      first.release();
      await version(second.client);
      expect(accepted(server)).toBe(2);
      const ended = new Promise((resolve) => carried.body.once('error', resolve));
      second.release();
      await ended;
      await expect
        .poll(() => new Set(server.log.match(/Disconnected from|Connection closed by|Connection reset by/g)))
        .not.toEqual(new Set());
      await version(app.hosts.clientOrThrow(id));
      expect(events.body.destroyed).toBe(false);
      expect(app.statuses.at(-1)).toBe('connected');
      expect(app.statuses).not.toContain('reconnecting');
      events.body.destroy();
      // The next has a new one.
      const third = app.hosts.lease(id);
      await version(third.client);
      expect(accepted(server)).toBe(3);
      third.release();
    });

    test('shares the one that stands where a second is not let in, without a storm of tries', async () => {
      const { server, app } = await added();
      const id = app.host?.id ?? '';
      server.allow();
      const lease = app.hosts.lease(id);
      for (let n = 0; n < 3; n += 1) await version(lease.client);
      lease.release();
      const another = app.hosts.lease(id);
      await version(another.client);
      another.release();
      expect(accepted(server)).toBe(1);
      expect(app.log.filter((line) => line.includes('takes keys only'))).toHaveLength(1);
      expect(app.host?.state.status).toBe('connected');
    });

    test('does not go to another machine of the same name', async () => {
      const { server, app } = await added();
      const id = app.host?.id ?? '';
      const other = await sshd();
      writeFileSync(other.path('authorized_keys'), readFileSync(server.path('authorized_keys')));
      configure(other, `  User ${server.user}\n  IdentityFile ${server.path('user_key')}\n`);
      appendFileSync(join(home, '.ssh', 'known_hosts'), other.knownLine());
      const lease = app.hosts.lease(id);
      await version(lease.client);
      lease.release();
      expect(other.log).toContain('Accepted publickey');
      await expect.poll(() => other.sessions()).toHaveLength(0);
      expect(server.sessions()).not.toHaveLength(0);
    });

    test('given back while it still signs in: nothing stays open', async () => {
      const { server, app } = await added();
      const id = app.host?.id ?? '';
      const lease = app.hosts.lease(id);
      const asked = lease.client.json('GET', '/version').catch(() => undefined);
      lease.release();
      await asked;
      await version(app.hosts.clientOrThrow(id));
      await expect.poll(() => server.sessions().length).toBeLessThanOrEqual(2);
      await app.hosts.remove(id);
      await expect.poll(() => server.sessions()).toHaveLength(0);
    });
  });

  // docker's CLI or another program that dials has to be there.
  const hasDialer = ['socat', 'docker', 'podman'].some((name) => spawnSync(name, ['--version']).error === undefined);
  const closed = ['DisableForwarding yes', 'AllowStreamLocalForwarding no', 'AllowTcpForwarding no', 'AllowTcpForwarding remote'];
  test.skipIf(!hasDialer).each(closed)('%s: a program on the machine dials, and the host works', async (line) => {
    const { app } = await ready({ config: [line] });
    app.hosts.attempts.start('nas', engine.socketPath);
    const attempt = await app.answering({ hostKey: 'yes' });
    expect(attempt.engines?.[0]).toMatchObject({ state: 'usable', byCommand: true });
    await app.add();
    await app.becomes('connected');
    expect(await app.hosts.clientOrThrow(app.host?.id ?? '').json('GET', '/version')).toMatchObject({ Version: '9.9' });
  });

  test.skipIf(!hasDialer)('forwarding closed: more streams than one connection may have', async () => {
    const { server, app } = await added({ config: ['AllowTcpForwarding no'] });
    const client = app.hosts.clientOrThrow(app.host?.id ?? '');
    const opened = [];
    for (let n = 0; n < 14; n += 1) opened.push(await client.stream('GET', '/events'));
    expect(opened).toHaveLength(14);
    expect(server.log.match(/Accepted publickey/g)).toHaveLength(2);
    for (const { body } of opened) body.destroy();
  });

  test.skipIf(!hasDialer)('forwarding closed, and no program: the message says so', async () => {
    // A shell that finds no programs but those that the probe itself needs.
    const { server, app } = await ready({ config: ['DisableForwarding yes', `ForceCommand ${join(home, 'poor')}`] });
    writeFileSync(join(home, 'poor'), `#!/bin/sh\nsed 's/^for tool in .*; do/for tool in; do/' | sh\n`);
    chmodSync(join(home, 'poor'), 0o755);
    app.hosts.attempts.start('nas', engine.socketPath);
    const attempt = await app.answering({ hostKey: 'yes' });
    expect(attempt.engines?.find(({ socketPath }) => socketPath === engine.socketPath)).toMatchObject({
      state: 'off',
      error: { code: 'ssh-forwarding' },
    });
    expect(server.log).toMatch(/Accepted/);
  });

  test('suggestions: names of ~/.ssh/config and docker contexts, without what is in the list', async () => {
    const { app } = await added();
    appendFileSync(join(home, '.ssh', 'config'), 'Host pi\n  User pi\n');
    const context = join(home, '.docker', 'contexts', 'meta', 'abc');
    mkdirSync(context, { recursive: true });
    writeFileSync(join(context, 'meta.json'), JSON.stringify({ Name: 'build', Endpoints: { docker: { Host: 'ssh://ci@build' } } }));
    mkdirSync(join(home, '.docker', 'contexts', 'meta', 'bad'));
    writeFileSync(join(home, '.docker', 'contexts', 'meta', 'bad', 'meta.json'), '{');
    expect(await app.hosts.suggestions()).toEqual([
      { source: 'ssh', name: 'pi', address: 'pi', detail: 'pi@pi' },
      { source: 'docker', name: 'build', address: 'ssh://ci@build', detail: 'ssh://ci@build' },
    ]);
  });
});

describe.skipIf(!mayHavePasswords)('hosts over SSH with a password', () => {
  test('no permission on the socket: the fix is named, and works; signing in again after a new start', async () => {
    const server = await sshd({ guest: 'password' });
    configure(server, `  User ${GUEST.name}\n`);
    chmodSync(engine.folder, 0o755);
    chmodSync(engine.socketPath, 0o660);
    const app = new BelowSsh();
    await app.hosts.start();
    app.hosts.attempts.start('nas', engine.socketPath);
    const attempt = await app.answering({ hostKey: 'yes', password: GUEST.password });
    expect(attempt.machine).toMatchObject({ user: GUEST.name, isRoot: false });
    expect(attempt.engines?.[0]).toMatchObject({ socketPath: engine.socketPath, state: 'permission', error: { code: 'permission' } });
    spawnSync('chown', ['root:daemon', engine.socketPath]);
    app.hosts.attempts.lookAgain(attempt.id, engine.socketPath);
    const again = await app.answering({});
    expect(again.engines?.[0]?.error?.fix).toBe(`sudo usermod -aG daemon ${GUEST.name}`);
    chmodSync(engine.socketPath, 0o666);
    app.hosts.attempts.lookAgain(attempt.id, engine.socketPath);
    expect((await app.answering({})).engines?.[0]).toMatchObject({ state: 'usable' });
    await app.add();
    await app.becomes('connected');
    // The password that was typed brings a lost connection back.
    server.signalSessions('SIGKILL');
    await app.becomes('reconnecting');
    await app.becomes('connected');

    // After a new start it is in no file: the user has to be there.
    await app.hosts.stop();
    secrets.kept.clear();
    const next = new BelowSsh();
    await next.hosts.start();
    await next.becomes('failed');
    expect(next.host?.state).toMatchObject({ error: { code: 'ssh-sign-in' } });
    next.hosts.signIn(next.host?.id ?? '');
    expect((await next.answering({ password: GUEST.password })).state).toBe('connected');
    await next.becomes('connected');
    expect(readFileSync(join(home, 'hosts.json'), 'utf8')).not.toContain(GUEST.password);
  });
});
