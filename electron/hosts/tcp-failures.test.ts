import { spawn } from 'node:child_process';
import { chmodSync, copyFileSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { HostError, TcpSecurity } from '../ipc/contract.ts';
import { hasOpenssl } from '../testing/certificates.ts';
import { NAMES, tcpWorld } from '../testing/tcp-world.ts';

describe.skipIf(!hasOpenssl)('what keeps an engine over TCP from being reached', () => {
  const world = tcpWorld();
  const { files, client, listening, stopListening, toEngine, secured, started, steps } = world;

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
    const ca = world.others.ca;
    const expected = { machine, issuer: 'ours CA', subject: 'server', ca };
    expect(await failed(port, files(client('ada'), { ca }))).toEqual(['tls-unknown-ca', expect.objectContaining(expected), 'tls failed']);
    expect(await failed(port, files(client('ada'), { ca: undefined }))).toMatchObject(['tls-no-ca', { issuer: 'ours CA' }, 'tls failed']);
  });
  test('a certificate that has expired: the engine’s, ours', async () => {
    const late = world.ours.issue('late-server', { names: NAMES, expired: true });
    const port = await listening(secured(late));
    expect(await failed(port, files(client('ada')))).toMatchObject([
      'tls-expired',
      { subject: 'late-server', date: '2021-01-01' },
      'tls failed',
    ]);
    const well = await listening(secured());
    const old = world.ours.issue('old', { expired: true });
    const path = join(old, 'cert.pem');
    expect(await failed(well, files(old))).toMatchObject(['tls-client-expired', { path, date: '2021-01-01' }, 'signIn failed']);
  });
  test('a certificate for another name', async () => {
    const elsewhere = world.ours.issue('elsewhere', { names: 'DNS:nas.example,IP:10.0.0.7' });
    const port = await listening(secured(elsewhere));
    const found = await failed(port, files(client('ada')), 'localhost');
    expect(found).toMatchObject(['tls-name', { host: 'localhost', names: 'nas.example, 10.0.0.7' }, 'tls failed']);
  });
  test.each(['TLSv1.2', 'TLSv1.3'] as const)('a server that says what it thinks of ours, by %s', async (version) => {
    const free = await listening(createServer());
    await stopListening(free);
    const flags = [
      '-accept',
      String(free),
      '-cert',
      join(world.server, 'cert.pem'),
      '-key',
      join(world.server, 'key.pem'),
      '-CAfile',
      world.ours.ca,
    ];
    const strict = ['-Verify', '1', '-verify_return_error', '-quiet', version === 'TLSv1.2' ? '-tls1_2' : '-tls1_3'];
    const child = spawn('openssl', ['s_server', ...flags, ...strict], { stdio: ['pipe', 'ignore', 'ignore'] });
    world.defer(() => child.kill());
    await expect.poll(() => listens(free)).toBe(true);
    const last = version === 'TLSv1.2' ? 'tls failed' : 'signIn failed';
    const stranger = files(join(world.others.folder, 'stranger'), { ca: world.ours.ca });
    expect(await failed(free, stranger)).toMatchObject(['tls-client-refused', { subject: 'stranger' }, last]);
    const nobody = files(world.server, { cert: undefined, key: undefined });
    expect((await failed(free, nobody))[0]).toBe('tls-client-needed');
  });
  test('a server that only hangs up on ours, after the handshake and in it', async () => {
    const stranger = files(join(world.others.folder, 'stranger'), { ca: world.ours.ca });
    expect((await failed(await listening(secured()), stranger))[0]).toBe('tls-client-refused');
    const old = await listening(secured(world.server, { maxVersion: 'TLSv1.2' }));
    expect((await failed(old, stranger))[0]).toBe('tls-hung-up');
    expect(await failed(await listening(secured()), files(world.server, { cert: undefined, key: undefined }))).toMatchObject([
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
    await stopListening(port);
    expect(await failed(port, files(client('ada')))).toMatchObject(['tcp-refused', {}, 'connect failed']);
    expect(await failed(port, files(client('ada')), 'no-such-name.invalid')).toMatchObject(['ssh-unknown-name', {}, 'resolve failed']);
    const silent = await listening(createServer(() => {}));
    expect(await failed(silent, files(client('ada')))).toMatchObject(['ssh-timeout', {}, 'tls failed']);
    world.engine.routes.set('GET /_ping', (_, response) => response.writeHead(404).end('<html>nginx</html>'));
    expect(await failed(await listening(secured()), files(client('ada')))).toMatchObject(['tcp-no-engine', {}, 'engine failed']);
  }, 40_000);
  test('in the clear to another machine', async () => {
    // Reserved for documentation: nothing is sent there.
    expect(await failed(2375, { kind: 'none' }, '192.0.2.1')).toMatchObject(['tcp-clear', { machine: '192.0.2.1:2375' }, 'resolve done']);
  });
  test('files: not there, not readable by what they are, of another, open to others', async () => {
    const port = await listening(secured());
    const nowhere = join(world.folder, 'nowhere.pem');
    expect(await failed(port, files(client('ada'), { cert: nowhere }))).toEqual(['tls-file-missing', { path: nowhere }, 'files failed']);
    const odd = join(world.folder, 'odd.pem');
    writeFileSync(odd, 'nothing', { mode: 0o600 });
    expect(await failed(port, files(client('ada'), { ca: odd }))).toMatchObject(['tls-no-certificate', { path: odd }, 'files failed']);
    expect(await failed(port, files(client('ada'), { key: odd }))).toMatchObject(['tls-no-key', { path: odd }, 'files failed']);
    expect((await failed(port, files(client('ada'), { ca: '/dev/zero' })))[0]).toBe('tls-no-certificate');
    const key = join(client('locked'), '..', 'server', 'key.pem');
    expect((await failed(port, files(client('ada'), { key })))[0]).toBe('tls-key-other');
    const open = join(world.folder, 'open.pem');
    copyFileSync(join(client('ada'), 'key.pem'), open);
    chmodSync(open, 0o644);
    expect((await failed(port, files(client('ada'), { key: open })))[0]).toBe('tls-key-open');
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
