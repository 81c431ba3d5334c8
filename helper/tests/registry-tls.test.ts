import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { FakeRegistry } from './fake-registry.ts';
import { BASE, onGantry, startEngine, type TestEngine } from './harness.ts';

/** An address that is not loopback, on the loopback device: loopback is insecure by definition, and no certificate would be looked at. */
const ADDRESS = '192.0.2.77';

describe.runIf(onGantry)('with TLS', { timeout: 60_000 }, () => {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-tls-'));
  let certificates: Certificates;
  let engine: TestEngine;
  let plain: DockerRegistry;
  let secure: DockerRegistry;
  let mutual: DockerRegistry;
  /** /etc of the engine alone. */
  const etc = (name: string): string => path.join(`/proc/${engine.pid}/root/etc`, name);
  beforeAll(async () => {
    execFileSync('ip', ['address', 'add', `${ADDRESS}/32`, 'dev', 'lo']);
    certificates = makeCertificates(folder, 'registry', 'DNS:registry.test,DNS:localhost');
    const { cert, key, ca } = certificates;
    [plain, secure, mutual] = await Promise.all([
      startDockerRegistry({ address: ADDRESS }),
      startDockerRegistry({ address: ADDRESS, tls: { cert, key } }),
      startDockerRegistry({ address: ADDRESS, tls: { cert, key, clientCa: ca } }),
    ]);
    const ownEtc = `mkdir -p $FOLDER/etc/upper $FOLDER/etc/work
      mount -t overlay overlay -o lowerdir=/etc,upperdir=$FOLDER/etc/upper,workdir=$FOLDER/etc/work /etc
      mkdir -p /etc/docker/certs.d
      echo "${ADDRESS} registry.test insecure.test" >> /etc/hosts`;
    engine = await startEngine({ before: ownEtc, config: { 'insecure-registries': ['insecure.test', '198.51.100.0/24'] } });
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await Promise.all([plain?.stop(), secure?.stop(), mutual?.stop()]);
    execFileSync('ip', ['address', 'del', `${ADDRESS}/32`, 'dev', 'lo']);
    rmSync(folder, { recursive: true });
  }, 60_000);

  const trust = (host: string, ...files: [string, string][]): void => {
    mkdirSync(etc(`docker/certs.d/${host}`), { recursive: true });
    for (const [from, to] of files) cpSync(from, etc(`docker/certs.d/${host}/${to}`));
  };
  const push = async (host: string): Promise<string> => {
    await engine.docker(['tag', BASE, `${host}/x:1`]);
    const { stdout, stderr } = await engine.docker(['push', `${host}/x:1`]);
    return stdout.includes('digest: sha256:') ? 'pushed' : stderr;
  };

  it('trusts an authority in certs.d, and none that it does not know', async () => {
    const host = `registry.test:${secure.port}`;
    expect(await push(host)).toContain('tls: failed to verify certificate: x509: certificate signed by unknown authority');
    trust(host, [certificates.ca, 'ca.crt']);
    expect(await push(host)).toBe('pushed');
    await engine.docker(['rmi', `${host}/x:1`]);
    expect((await engine.docker(['pull', `${host}/x:1`])).code).toBe(0);
  });

  it('looks at the name in the certificate', async () => {
    trust(`${ADDRESS}:${secure.port}`, [certificates.ca, 'ca.crt']);
    expect(await push(`${ADDRESS}:${secure.port}`)).toContain('x509: certificate is valid for registry.test, localhost, not 192.0.2.77');
  });

  it('shows a client certificate where there is one', async () => {
    const host = `registry.test:${mutual.port}`;
    trust(host, [certificates.ca, 'ca.crt']);
    expect(await push(host)).toMatch(/remote error: tls: .*certificate required|certificate/);
    trust(host, [certificates.client.cert, 'client.cert']);
    expect(await push(host)).toContain('missing key client.key for client certificate client.cert');
    trust(host, [certificates.client.key, 'client.key']);
    expect(await push(host)).toBe('pushed');
    trust(host, [certificates.client.key, 'nonsense.crt']);
    cpSync('/etc/hostname', etc(`docker/certs.d/${host}/nonsense.crt`));
    expect(await push(host)).toMatch(/the certificates for registry\.test:\d+ can't be used|pushed/);
  });

  it('tells of a login what it tells of a pull', async () => {
    const login = async (host: string): Promise<string> =>
      (await engine.client.post('/auth', { username: 'mei', password: 'x', serveraddress: host })).json.message ?? 'let in';
    expect(await login(`localhost.invalid:${secure.port}`)).toMatch(/dial tcp: lookup localhost\.invalid/);
    expect(await login(`registry.test:${plain.port}`)).toBe(
      `Get "https://registry.test:${plain.port}/v2/": http: server gave HTTP response to HTTPS client`,
    );
    rmSync(etc(`docker/certs.d/registry.test:${secure.port}`), { recursive: true, force: true });
    expect(await login(`registry.test:${secure.port}`)).toBe(
      `Get "https://registry.test:${secure.port}/v2/": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
    );
    trust(`registry.test:${secure.port}`, [certificates.ca, 'ca.crt']);
    expect(await login(`registry.test:${secure.port}`)).toBe('let in');
    expect(await login(`insecure.test:${plain.port}`)).toBe('let in');
  });

  it('looks in certs.d for a token server on another host, too', async () => {
    const its = makeCertificates(folder, 'tokens');
    const tokens = await FakeRegistry.start({ cert: readFileSync(its.cert), key: readFileSync(its.key) });
    tokens.hook = (_, response) => {
      response.end(JSON.stringify({ token: 'good' }));
      return true;
    };
    const registry = new FakeRegistry({ cert: readFileSync(certificates.cert), key: readFileSync(certificates.key) });
    registry.hook = (request, response) => {
      if (request.headers.authorization === 'Bearer good') return false;
      request.resume();
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${tokens.url}/token"` }).end();
      return true;
    };
    registry.server.listen(0, ADDRESS);
    await once(registry.server, 'listening');
    try {
      const host = `registry.test:${registry.port}`;
      trust(host, [certificates.ca, 'ca.crt']);
      expect(await push(host)).toContain('x509: certificate signed by unknown authority');
      expect(registry.requests.length).toBeGreaterThan(0);
      trust(tokens.host, [its.ca, 'ca.crt']);
      expect(await push(host)).toBe('pushed');
      // As dockerd has it: among the registry's own.
      rmSync(etc(`docker/certs.d/${tokens.host}`), { recursive: true });
      trust(host, [its.ca, 'tokens.crt']);
      expect(await push(host)).toBe('pushed');
    } finally {
      await Promise.all([registry.stop(), tokens.stop()]);
    }
  });

  it('goes without where the configuration says so, and nowhere else', async () => {
    expect(await push(`insecure.test:${secure.port}`)).toBe('pushed');
    expect(await push(`insecure.test:${plain.port}`)).toBe('pushed');
    expect(await push(`registry.test:${plain.port}`)).toContain('http: server gave HTTP response to HTTPS client');
  });

  it('trusts what the host trusts', async () => {
    const host = `registry.test:${secure.port}`;
    rmSync(etc(`docker/certs.d/${host}`), { recursive: true });
    const bundle = execFileSync('cat', ['/etc/ssl/certs/ca-certificates.crt', certificates.ca]);
    writeFileSync(etc('ssl/certs/ca-certificates.crt'), bundle);
    expect(await push(host)).toBe('pushed');
  });

  it('goes through a proxy, by name and with CONNECT, as the configuration says', async () => {
    const asked: string[] = [];
    const proxy = http.createServer();
    proxy.on('connect', (request, socket) => {
      asked.push(request.url ?? '');
      const through = net.connect(secure.port, ADDRESS, () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        through.pipe(socket).pipe(through);
      });
      through.on('error', () => socket.destroy());
      socket.on('error', () => through.destroy());
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const other = await startEngine({
      config: { proxies: { 'https-proxy': address, 'no-proxy': 'straight.test' } },
      env: { SSL_CERT_FILE: certificates.ca },
    });
    try {
      await other.docker(['tag', BASE, 'localhost.example:1/x:1']);
      // A name that only the proxy can find, in a certificate that is for localhost: reached, and refused for its name.
      expect((await other.docker(['push', 'localhost.example:1/x:1'])).stderr).toMatch(
        /x509: certificate is valid for registry\.test, localhost, not localhost\.example/,
      );
      expect(asked).toEqual(['localhost.example:1']);
      expect((await other.docker(['pull', 'straight.test/x:1'])).stderr).toMatch(/lookup straight\.test/);
      expect(asked).toHaveLength(1);
      expect((await other.client.get('/info')).json).toMatchObject({ HttpsProxy: address, NoProxy: 'straight.test' });
    } finally {
      await other.stop();
      proxy.closeAllConnections();
      proxy.close();
    }
  });
});
