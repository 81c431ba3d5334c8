import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { hasOpenssl, TestCa } from '../testing/certificates.ts';
import { NAMES, PASSPHRASE, tcpWorld } from '../testing/tcp-world.ts';

describe.skipIf(!hasOpenssl)('hosts over TCP', () => {
  const world = tcpWorld();
  const ours = () => world.ours;
  const { files, client, listening, stopListening, toEngine, secured, started, steps } = world;

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

  test('a locked key: asked for, wrong and right; never in a file; asked for again after a new start', async () => {
    const port = await listening(secured());
    const app = await started();
    const attempt = await app.tried(port, files(client('locked')), { answers: ['wrong', PASSPHRASE] });
    expect(attempt.state).toBe('connected');
    const { id } = await app.hosts.addTcp({ attempt: attempt.id, name: 'nas', colour: 'blue' });
    await app.becomes('connected');
    expect(spawnSync('grep', ['-rlF', PASSPHRASE, world.home]).status).toBe(1);

    await app.hosts.stop();
    world.secrets.kept.clear();
    const next = await started();
    const host = await next.becomes('failed');
    expect(host.state).toMatchObject({ error: { code: 'tls-locked', values: { path: join(client('locked'), 'key.pem') } } });
    expect((await next.tried(port, files(client('locked')), { again: id, answers: [] })).error?.code).toBe('cancelled');
    expect((await next.tried(port, files(client('locked')), { again: id, answers: [PASSPHRASE] })).state).toBe('connected');
    await next.becomes('connected');
  });

  test('other certificates: kept when they got through, the connection is made anew with them, nobody is told of a loss', async () => {
    const port = await listening(secured());
    const app = await started();
    const { id } = await app.added(port, files(client('ada')));
    const before = app.hosts.clientOrThrow(id);
    const stream = await before.stream('GET', '/events');
    const ended = new Promise((resolve) => stream.body.once('close', resolve));
    stream.body.on('error', () => {});
    ours().issue('grace');
    const bad = await app.tried(port, files(join(world.others.folder, 'stranger'), { ca: ours().ca }));
    expect(bad.state).toBe('failed');
    await expect(app.hosts.changeCertificates(id, { attempt: bad.id })).rejects.toThrow(/has ended/);
    expect(app.host?.security).toEqual(files(client('ada')));

    const known = app.statuses.length;
    const attempt = await app.tried(port, files(client('grace')));
    const changed = await app.hosts.changeCertificates(id, { attempt: attempt.id });
    expect(changed.security).toEqual(files(client('grace')));
    await ended;
    await expect.poll(() => app.statuses.slice(known)).toEqual(['connecting', 'connected']);
    expect(app.hosts.clientOrThrow(id)).not.toBe(before);
    await app.hosts.stop();
    const next = await started();
    expect((await next.becomes('connected')).security).toEqual(files(client('grace')));
  });

  test('other certificates that do not work are kept when the user says so, and what they miss is said', async () => {
    const port = await listening(secured());
    const app = await started();
    const { id } = await app.added(port, files(client('ada')));
    const stranger = files(join(world.others.folder, 'stranger'), { ca: ours().ca });
    await app.hosts.changeCertificates(id, { security: stranger });
    await expect.poll(() => app.host?.state).toMatchObject({ error: { code: 'tls-client-refused' } });
    // And back, while it is not connected.
    await app.hosts.changeCertificates(id, { security: files(client('ada')) });
    await app.becomes('connected');
  });

  test('an attempt that led elsewhere changes nothing; nor is there anything to change on other hosts', async () => {
    const [port, other] = [await listening(secured()), await listening(secured())];
    const app = await started();
    const { id } = await app.added(port, files(client('ada')));
    const attempt = await app.tried(other, files(client('ada')));
    await expect(app.hosts.changeCertificates(id, { attempt: attempt.id })).rejects.toThrow(/led to/);
    await expect(app.hosts.changeCertificates('local', { security: { kind: 'none' } })).rejects.toThrow(/not reached over TCP/);
    expect(app.host?.state.status).toBe('connected');
  });

  test('a cut: streams end, the last is known, it comes back by itself, with certificates that were renewed meanwhile', async () => {
    const mine = join(world.folder, 'mine');
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
    await stopListening(port);
    await app.becomes('reconnecting');
    await ended;
    expect(app.host?.state).toMatchObject({ engine: { product: 'Gantry' } });
    await expect.poll(() => app.host?.state, { timeout: 10_000 }).toMatchObject({ error: { code: 'tcp-refused' } });
    // The CA was made anew, and with it all that it has signed.
    const fresh = new TestCa(join(world.folder, 'fresh'), 'fresh');
    take(fresh.issue('ada'));
    await listening(secured(fresh.issue('server', { names: NAMES }), { ca: readFileSync(fresh.ca) }), port);
    app.hosts.reconnect(id);
    await app.becomes('connected');
  });

  test('an engine that restarts hangs up: that is no refusal of our certificate', async () => {
    const port = await listening(secured());
    const app = await started();
    await app.added(port, files(client('ada')));
    for (const socket of world.engine.sockets) socket.destroy();
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
      const meta = join(world.home, '.docker', 'contexts', 'meta', digest);
      mkdirSync(meta, { recursive: true });
      writeFileSync(
        join(meta, 'meta.json'),
        JSON.stringify({ Name: name, Endpoints: { docker: { Host: address, SkipTLSVerify: false } } }),
      );
    }
    const held = join(world.home, '.docker', 'contexts', 'tls', 'abc', 'docker');
    mkdirSync(held, { recursive: true });
    for (const name of ['ca', 'cert', 'key']) copyFileSync(join(client('ada'), `${name}.pem`), join(held, `${name}.pem`));
    const detail = 'tcp://build.example:2376';
    expect(await app.hosts.suggestions()).toEqual([
      { source: 'docker', name: 'build', address: detail, detail, security: files(held) },
      { source: 'docker', name: 'clear', address: 'tcp://127.0.0.1:2375', detail: 'tcp://127.0.0.1:2375' },
    ]);
  });
});
