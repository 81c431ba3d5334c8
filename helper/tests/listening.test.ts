import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from './certificates.ts';
import { Client, checkTraces, eventually, helperBundle, onGantry, startEngine, type TestEngine } from './harness.ts';
import { end, run } from './process.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-listen-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function ask(options: https.RequestOptions & { plain?: boolean }): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = (options.plain ? http : https).request({ host: '127.0.0.1', path: '/_ping', agent: false, ...options }, (answer) => {
      let text = '';
      answer.on('data', (chunk) => (text += chunk)).on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    request.on('error', reject).end();
  });
}

describe.runIf(onGantry)('TCP with TLS', () => {
  let certs: Certificates;
  let engine: TestEngine;
  let port: number;
  let trust: { ca: Buffer; cert: Buffer; key: Buffer };
  const live = { cert: path.join(folder, 'live-cert.pem'), key: path.join(folder, 'live-key.pem') };

  beforeAll(async () => {
    certs = makeCertificates(folder);
    copyFileSync(certs.cert, live.cert);
    copyFileSync(certs.key, live.key);
    trust = { ca: readFileSync(certs.ca), cert: readFileSync(certs.client.cert), key: readFileSync(certs.client.key) };
    port = await freePort();
    const plain = await freePort();
    writeFileSync(
      path.join(folder, 'tls.json'),
      JSON.stringify({ tlsverify: true, tlscacert: certs.ca, tlscert: live.cert, tlskey: live.key }),
    );
    engine = await startEngine({
      image: false,
      args: ['--config', path.join(folder, 'tls.json'), '-H', `tcp://127.0.0.1:${port}`, '-H', `tcp://localhost:${plain}`],
    });
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  it('answers whom its CA knows, on every address that was named and on the Unix socket', async () => {
    expect(await ask({ port, ...trust })).toEqual({ status: 200, text: 'OK' });
    expect((await engine.client.get('/_ping')).status).toBe(200);
    const cli = await run(
      'docker',
      [
        '-H',
        `tcp://127.0.0.1:${port}`,
        '--tlsverify',
        '--tlscacert',
        certs.ca,
        '--tlscert',
        certs.client.cert,
        '--tlskey',
        certs.client.key,
        'version',
        '-f',
        '{{.Server.Version}}',
      ],
      {
        env: { DOCKER_CONFIG: folder },
      },
    );
    expect(cli).toMatchObject({ code: 0, stderr: '' });
  });

  it('refuses whoever has no certificate, or one of another CA', async () => {
    await expect(ask({ port, ca: trust.ca })).rejects.toThrow(/certificate required|socket hang up|ECONNRESET/);
    const others = makeCertificates(folder, 'other');
    const stranger = { ca: trust.ca, cert: readFileSync(others.client.cert), key: readFileSync(others.client.key) };
    await expect(ask({ port, ...stranger })).rejects.toThrow(/unknown ca|socket hang up|ECONNRESET/);
  });

  it('tells a client that speaks no TLS', async () => {
    expect(await ask({ port, plain: true })).toEqual({ status: 400, text: 'Client sent an HTTP request to an HTTPS server.\n' });
  });

  it('takes renewed certificates on SIGHUP, and keeps the old ones when the new are broken', async () => {
    const serial = async (): Promise<string> => {
      const socket = tls.connect({ port, host: '127.0.0.1', ...trust, rejectUnauthorized: false });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber;
    };
    const before = await serial();
    const renewed = makeCertificates(folder, 'renewed');
    copyFileSync(renewed.cert, live.cert);
    copyFileSync(renewed.key, live.key);
    engine.signal('SIGHUP');
    const after = await eventually('the certificate is new', async () => ((await serial()) === before ? undefined : await serial()));
    writeFileSync(live.cert, 'nothing');
    engine.signal('SIGHUP');
    await eventually('the log complains', () => engine.log().includes('the configuration was not taken over'));
    expect(await serial()).toBe(after);
  });
});

describe.runIf(onGantry)('listening', () => {
  let child: ChildProcess | undefined;
  const engines: string[] = [];
  afterEach(async () => {
    if (child) await end(child, 'SIGTERM');
    child = undefined;
    for (const where of engines.splice(0)) await checkTraces(where);
  });

  async function start(args: string[], options: { wrap?: string[]; env?: NodeJS.ProcessEnv } = {}): Promise<{ log(): string }> {
    const where = mkdtempSync(path.join(folder, 'engine-'));
    engines.push(where);
    const all = [
      ...(options.wrap ?? []),
      process.execPath,
      await helperBundle(),
      '--data',
      `${where}/data`,
      '--run',
      `${where}/run`,
      ...args,
    ];
    let log = '';
    child = spawn(all[0] ?? '', all.slice(1), { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...options.env } });
    child.stdout?.on('data', (text) => (log += text));
    child.stderr?.on('data', (text) => (log += text));
    return { log: () => log };
  }
  const up = (client: Client) => eventually('it answers', async () => (await client.get('/_ping').catch(() => undefined))?.status === 200);

  it('on a socket that systemd passes on, which it neither makes nor removes', async () => {
    const socket = path.join(folder, 'activated.sock');
    await start(['--host', 'fd://'], { wrap: ['systemd-socket-activate', '-l', socket] });
    await eventually('the socket is there', () => statSync(socket, { throwIfNoEntry: false })?.isSocket());
    const client = new Client(socket, '');
    expect((await client.get('/_ping')).text).toBe('OK');
    // What it starts must not take the socket for its own.
    const environment = readFileSync(`/proc/${child?.pid}/environ`, 'utf8');
    expect(environment).toContain('LISTEN_FDS=1');
    if (child) await end(child, 'SIGTERM');
    expect(statSync(socket).isSocket()).toBe(true);
  });

  it('says so when systemd has passed none', async () => {
    const { log } = await start(['--host', 'fd://']);
    await eventually('it has ended', () => child?.exitCode ?? undefined);
    expect(log()).toContain('hosts: no sockets found via socket activation');
  });

  it('tells the service manager where it stands', async () => {
    const socket = path.join(folder, 'notify.sock');
    const listener = spawn('perl', [
      '-MSocket',
      '-e',
      '$|=1; socket(S,AF_UNIX,SOCK_DGRAM,0); bind(S,pack_sockaddr_un($ARGV[0])) or die; print "bound\\n"; while (defined recv(S,$m,4096,0)) { $m =~ tr/\\n/ /; print "$m\\n" }',
      socket,
    ]);
    let said = '';
    listener.stdout.on('data', (text) => (said += text));
    await eventually('the listener is ready', () => said.includes('bound'));
    const api = path.join(folder, 'notified.sock');
    await start(['--socket', api], { env: { NOTIFY_SOCKET: socket } });
    await up(new Client(api, ''));
    await eventually('it is ready', () => new RegExp(`^READY=1 MAINPID=${child?.pid}`, 'm').test(said));
    child?.kill('SIGHUP');
    await eventually('it reloads', () => /^RELOADING=1 MONOTONIC_USEC=\d+ *\nREADY=1/m.test(said));
    if (child) await end(child, 'SIGTERM');
    await eventually('it stops', () => /^STOPPING=1/m.test(said));
    listener.kill();
  });

  it('in the clear only on loopback, when someone says so, and warns of it', async () => {
    const port = await freePort();
    const { log } = await start(['--host', `tcp://127.0.0.1:${port}`, '--tls=false']);
    await eventually('it answers', async () => (await ask({ port, plain: true }).catch(() => undefined))?.text === 'OK');
    const { Warnings } = JSON.parse((await ask({ port, plain: true, path: '/info' })).text);
    expect(Warnings).toContainEqual(expect.stringContaining(`API is accessible on http://127.0.0.1:${port} without encryption`));
    expect(log()).toContain(`API is accessible on http://127.0.0.1:${port} without encryption`);
  });

  it('lives on when nobody reads its log any more', async () => {
    const api = path.join(folder, 'unread.sock');
    await start(['--socket', api, '--debug']);
    const client = new Client(api, '');
    await up(client);
    child?.stderr?.destroy();
    child?.kill('SIGHUP');
    for (let tries = 0; tries < 3; tries++) expect((await client.get('/containers/none/json')).status).toBe(404);
    const ended = new Promise((resolve) => child?.once('exit', (code) => resolve(code)));
    child?.kill('SIGTERM');
    expect(await ended).toBe(0);
  });

  it('gives the socket to the user for whom it was started, and to nobody else', async () => {
    const open = path.join(folder, 'open');
    chmodSync(folder, 0o711);
    mkdirSync(open, { mode: 0o755 });
    const api = path.join(open, 'user.sock');
    await start(['--socket', api, '--socket-user', '65534']);
    await up(new Client(api, ''));
    const { mode, uid } = statSync(api);
    expect({ mode: mode & 0o777, uid }).toEqual({ mode: 0o660, uid: 65534 });
    const mayUse = async (user: number) =>
      (await run('setpriv', [`--reuid=${user}`, `--regid=${user}`, '--clear-groups', 'test', '-w', api])).code === 0;
    expect([await mayUse(65534), await mayUse(65533)]).toEqual([true, false]);
  });

  it('gives the socket to a group, 0660', async () => {
    const api = path.join(folder, 'group.sock');
    await start(['-H', `unix://${api}`, '-G', 'daemon']);
    await up(new Client(api, ''));
    const { mode, gid } = statSync(api);
    expect({ mode: mode & 0o777, gid }).toEqual({ mode: 0o660, gid: 1 });
    if (child) await end(child, 'SIGTERM');
    const { log } = await start(['-H', `unix://${api}`, '-G', 'nobody-knows']);
    await eventually('it has ended', () => child?.exitCode ?? undefined);
    expect(log()).toContain('group: there is no group nobody-knows');
  });
});
