import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { DOCKER, FakeRegistry, type Hook, refuse, sendBlob } from './fake-registry.ts';
import { BASE, ENGINE, eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { configOf, digestOf, HERE } from './images.ts';

const layer = (name: string, data: Buffer = Buffer.from(name)): Buffer => tarOf([{ name, data }]);

/** The lines of a progress stream. */
function lines(text: string): any[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line));
}
/** Distinct statuses of one layer, in the order in which they came first. */
const statuses = (messages: any[], id: string | undefined): string[] => [
  ...new Set(messages.filter((message) => message.id === id).map(({ status }) => status as string)),
];

describe(`with a real registry, ${ENGINE}`, { timeout: 60_000 }, () => {
  let engine: TestEngine;
  let registry: DockerRegistry;
  let host: string;
  beforeAll(async () => {
    [engine, registry] = await Promise.all([startEngine(), startDockerRegistry()]);
    host = `127.0.0.1:${registry.port}`;
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await registry?.stop();
  }, 60_000);
  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.docker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${code}: ${stderr}`);
    return stdout;
  };

  it('pushes and pulls by tag, by digest and all tags', async () => {
    await docker('tag', BASE, `${host}/a/one:1`);
    await docker('tag', BASE, `${host}/a/one`);
    const pushed = await docker('push', `${host}/a/one:1`);
    expect(pushed).toContain(`The push refers to repository [${host}/a/one]`);
    const digest = /1: digest: (sha256:[0-9a-f]{64}) size: \d+/.exec(pushed)?.[1] ?? '';
    expect(await docker('push', '-a', `${host}/a/one`)).toMatch(/Layer already exists[\s\S]*latest: digest: /);
    expect(await docker('image', 'inspect', '-f', '{{.RepoDigests}}', `${host}/a/one`)).toContain(`${host}/a/one@${digest}`);
    await docker('rmi', '-f', `${host}/a/one:1`, `${host}/a/one`);
    expect(await docker('pull', `${host}/a/one@${digest}`)).toContain(`Digest: ${digest}`);
    expect(await docker('pull', '-a', `${host}/a/one`)).toContain(`Status: Downloaded newer image for ${host}/a/one`);
    expect((await docker('images', '--format', '{{.Tag}}', `${host}/a/one`)).trim().split('\n').sort()).toEqual(['1', 'latest']);
    expect(await docker('pull', `${host}/a/one:1`)).toContain('Image is up to date');
  });

  it('a digest that goes with its tag is untagged without an event of its own', async () => {
    await docker('tag', BASE, `${host}/a/told:1`);
    await docker('push', '-q', `${host}/a/told:1`);
    const since = String(Date.now() / 1000);
    expect((await docker('rmi', `${host}/a/told:1`)).match(/^Untagged: /gm)).toHaveLength(2);
    const told = await docker('events', '--since', since, '--until', String(Date.now() / 1000), '--format', '{{.Action}}');
    expect(told.trim().split('\n')).toEqual(['untag']);
  });

  it('mounts layers from another repository instead of sending them', async () => {
    await docker('tag', BASE, `${host}/a/first:1`);
    await docker('push', `${host}/a/first:1`);
    await docker('tag', BASE, `${host}/b/second:1`);
    expect(await docker('push', `${host}/b/second:1`)).toContain('Mounted from a/first');
  });

  it('tells progress as dockerd does, for every layer', async () => {
    await docker('tag', BASE, `${host}/a/progress:1`);
    const auth = { 'X-Registry-Auth': Buffer.from('{}').toString('base64') };
    const pushed = lines((await engine.client.ask('POST', `/images/${host}/a/progress/push?tag=1`, { headers: auth })).text);
    expect(pushed[0]).toEqual({ status: `The push refers to repository [${host}/a/progress]` });
    const pushedLayer = pushed.find(({ status }) => status === 'Preparing').id;
    expect(statuses(pushed, pushedLayer)[0]).toBe('Preparing');
    expect(['Pushed', 'Mounted from a/first', 'Mounted from a/one', 'Mounted from b/second', 'Layer already exists']).toContain(
      statuses(pushed, pushedLayer).at(-1),
    );
    expect(pushed.at(-1).aux).toMatchObject({ Tag: '1', Digest: expect.stringMatching(/^sha256:/), Size: expect.any(Number) });
    for (const { RepoTags } of (await engine.client.get('/images/json')).json) for (const tag of RepoTags) await docker('rmi', '-f', tag);
    const pulled = lines((await engine.client.post(`/images/create?fromImage=${host}/a/progress&tag=1`)).text);
    expect(pulled[0]).toEqual({ status: 'Pulling from a/progress', id: '1' });
    const id = pulled.find(({ status }) => status === 'Pulling fs layer').id;
    expect(statuses(pulled, id).filter((status) => status !== 'Waiting')).toEqual([
      'Pulling fs layer',
      'Downloading',
      'Verifying Checksum',
      'Download complete',
      'Extracting',
      'Pull complete',
    ]);
    const last = pulled.findLast(({ status }) => status === 'Downloading');
    expect(last.progress).toMatch(/^\[=+>\s*\]\s+[\d.]+[kM]?B\/[\d.]+[kM]?B$/);
    expect(pulled.at(-2).status).toMatch(/^Digest: sha256:/);
    expect(pulled.at(-1)).toEqual({ status: `Status: Downloaded newer image for ${host}/a/progress:1` });
    await docker('tag', `${host}/a/progress:1`, BASE);
  });

  it.each([
    [`HOST/none:1`, /^Error response from daemon: manifest for HOST\/none:1 not found: manifest unknown: manifest unknown/],
    [`HOST/a/one:none`, /^Error response from daemon: manifest for HOST\/a\/one:none not found: manifest unknown: manifest unknown/],
    [`HOST/a/one@sha256:${'0'.repeat(64)}`, /^Error response from daemon: manifest for HOST\/a\/one@sha256:0+ not found: manifest unknown/],
    ['127.0.0.1:1/x', /Get "https?:\/\/127\.0\.0\.1:1\/v2\/": dial tcp 127\.0\.0\.1:1: connect: connection refused/],
    // The CLI's own words; older ones do not name it.
    [`HOST/UPPER`, /invalid reference format: repository name (\(UPPER\) )?must be lowercase/],
  ])('says of %s what dockerd says', async (image, message) => {
    const { code, stderr } = await engine.docker(['pull', image.replace('HOST', host)]);
    expect(code).toBe(1);
    expect(stderr.replaceAll(host, 'HOST')).toMatch(message);
  });

  it.each([
    ['push', 'HOST/never:1', /An image does not exist locally with the tag: HOST\/never/],
    ['push', 'HOST/a/one:never', /tag does not exist: HOST\/a\/one:never/],
    ['push', `HOST/a/one@sha256:${'0'.repeat(64)}`, /cannot push a digest reference/],
  ])('%s of %s is refused', async (verb, image, message) => {
    await docker('tag', BASE, `${host}/a/one:1`);
    const { code, stderr } = await engine.docker([verb, image.replace('HOST', host)]);
    expect(code).toBe(1);
    expect(stderr.replaceAll(host, 'HOST')).toMatch(message);
  });
});

describe(`with a registry that wants a login, ${ENGINE}`, { timeout: 60_000 }, () => {
  let engine: TestEngine;
  let registry: DockerRegistry;
  let host: string;
  beforeAll(async () => {
    [engine, registry] = await Promise.all([startEngine(), startDockerRegistry({ users: { mei: 'bridge' } })]);
    host = `127.0.0.1:${registry.port}`;
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await registry?.stop();
  }, 60_000);

  it('says so, tells wrong passwords, and lets in who has the right one', async () => {
    await engine.docker(['tag', BASE, `${host}/x:1`]);
    expect((await engine.docker(['push', `${host}/x:1`])).stderr).toContain('no basic auth credentials');
    expect((await engine.docker(['pull', `${host}/x:1`])).stderr).toMatch(/no basic auth credentials/);
    const wrong = await engine.docker(['login', '-u', 'mei', '--password-stdin', host], { input: 'wrong' });
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/unauthorized: authentication required|401 Unauthorized/);
    const right = await engine.docker(['login', '-u', 'mei', '--password-stdin', host], { input: 'bridge' });
    expect(right.stdout + right.stderr).toContain('Login Succeeded');
    expect((await engine.docker(['push', `${host}/x:1`])).stdout).toContain('1: digest: sha256:');
    await engine.docker(['rmi', `${host}/x:1`]);
    expect((await engine.docker(['pull', `${host}/x:1`])).code).toBe(0);
    await engine.docker(['logout', host]);
    expect((await engine.docker(['pull', `${host}/x:1`])).stderr).toContain('no basic auth credentials');
  });
});

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

describe.runIf(onGantry)('with a registry that lies, stalls and fails', { timeout: 60_000 }, () => {
  let engine: TestEngine;
  let registry: FakeRegistry;
  let mirror: FakeRegistry;
  beforeAll(async () => {
    mirror = await FakeRegistry.start();
    engine = await startEngine({ image: false, config: { 'max-concurrent-downloads': 2, 'registry-mirrors': [mirror.url] } });
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
    await mirror?.stop();
  }, 60_000);
  beforeEach(async () => {
    registry = await FakeRegistry.start();
  });
  afterEach(async () => {
    await registry.stop();
    for (const { Id } of (await engine.client.get('/images/json?all=1')).json) await engine.client.delete(`/images/${Id}?force=1`);
    // Files are deleted behind the answer.
    await expect.poll(kept, { message: 'of images that are gone', timeout: 10_000, interval: 5 }).toEqual(NOTHING);
    expect(engine.log()).not.toMatch(/nobody handled/);
  });

  const names = (folder: string): string[] =>
    readdirSync(path.join(engine.folder, 'data', folder)).filter((name) => /^[0-9a-f]{16,}/.test(name));
  const kept = () => ({
    blobs: names('images/blobs/sha256'),
    layers: names('layers'),
    halfDone: [...names('images/ingest').filter((name) => !name.endsWith('.partial')), ...names('layers/ingest')],
  });
  const NOTHING = { blobs: [], layers: [], halfDone: [] };
  /** Whether what came of a layer is kept for the next pull. */
  const partial = (digest: string | undefined): boolean => names('images/ingest').includes(`${digest?.slice(7)}.partial`);
  const pull = async (name: string): Promise<any[]> => {
    const answer = await engine.client.post(`/images/create?fromImage=${registry.host}/${name}`);
    return answer.status === 200 ? lines(answer.text) : [{ status: answer.status, error: answer.json.message }];
  };
  const BIG = randomBytes(2_000_000);

  it('refuses a list without this platform, and the form of before 2016', async () => {
    const made = registry.add('p:1', [layer('a')]);
    const entry = { mediaType: DOCKER.manifest, digest: made.digest, size: made.manifest.length };
    const list = (platforms: object[]) => ({
      schemaVersion: 2,
      mediaType: DOCKER.list,
      manifests: platforms.map((platform) => ({ ...entry, platform })),
    });
    registry.manifest(
      'p:list',
      list([
        { os: 'linux', architecture: 's390x' },
        { os: 'windows', architecture: HERE },
      ]),
      DOCKER.list,
    );
    expect(await pull('p&tag=list')).toMatchObject([
      { status: 'Pulling from p' },
      { error: `no matching manifest for linux/${HERE} in the manifest list entries` },
    ]);
    registry.manifest(
      'p:attested',
      list([
        { os: 'unknown', architecture: 'unknown' },
        { os: 'linux', architecture: HERE },
      ]),
      DOCKER.list,
    );
    expect((await pull('p&tag=attested')).at(-1).status).toContain('Downloaded newer image');
    registry.manifest(
      'p:old',
      { schemaVersion: 1, name: 'p', tag: 'old', fsLayers: [] },
      'application/vnd.docker.distribution.manifest.v1+prettyjws',
    );
    expect((await pull('p&tag=old')).at(-1).error).toContain('Docker Image manifest version 2, schema 1 support has been removed');
    registry.manifest('p:older', { schemaVersion: 1, fsLayers: [] }, 'application/json');
    expect((await pull('p&tag=older')).at(-1).error).toContain('schema 1 support has been removed');
  });

  it.each<[string, (made: ReturnType<FakeRegistry['add']>) => void, RegExp]>([
    [
      'a layer of other content',
      (made) => registry.blobs.set(made.layers[0]?.digest ?? '', gzipSync(randomBytes(100))),
      /verification failed|unexpected EOF|invalid|shorter/,
    ],
    [
      'a layer of the same length that is no archive',
      (made) => registry.blobs.set(made.layers[0]?.digest ?? '', randomBytes(made.layers[0]?.size ?? 0)),
      /invalid tar header|verification failed/,
    ],
    [
      'a longer layer',
      (made) =>
        registry.blobs.set(
          made.layers[0]?.digest ?? '',
          Buffer.concat([registry.blobs.get(made.layers[0]?.digest ?? '') as Buffer, Buffer.alloc(10)]),
        ),
      /verification failed for digest/,
    ],
    ['a config of other content', (made) => registry.blobs.set(made.config.digest, Buffer.from('{}')), /image config verification failed/],
  ])('%s is refused, nothing of it is kept, and the truth is taken afterwards', async (_what, lie, message) => {
    const made = registry.add('lie:1', [layer('a', BIG), layer('b')]);
    const truth = new Map(registry.blobs);
    lie(made);
    expect((await pull('lie&tag=1')).at(-1).error).toMatch(message);
    await expect.poll(kept, { timeout: 10_000 }).toEqual(NOTHING);
    if (registry.blobs.get(made.layers[0]?.digest ?? '') !== truth.get(made.layers[0]?.digest ?? '')) {
      expect(partial(made.layers[0]?.digest)).toBe(false);
    }
    for (const [digest, data] of truth) registry.blobs.set(digest, data);
    expect((await pull('lie&tag=1')).at(-1).status).toContain('Downloaded newer image');
  });

  it.each<[string, () => { config?: Buffer; packed?: Buffer[] }, RegExp]>([
    ['other diffIDs', () => ({ config: configOf([layer('x'), layer('y')]) }), /has the diffID/],
    ['fewer diffIDs', () => ({ config: configOf([layer('a')]) }), /2 layers and 1 diffIDs/],
    [
      'labels that are numbers',
      () => ({ config: configOf([layer('a'), layer('b')], { config: { Labels: { a: 1 } } }) }),
      /invalid image config: config\.Labels\.a/,
    ],
    [
      'a layer that climbs',
      () => ({ packed: [gzipSync(tarOf([{ name: '../../x', data: Buffer.from('x') }])), gzipSync(layer('b'))] }),
      /leaves the layer/,
    ],
  ])('an image with %s is refused', async (_what, more, message) => {
    registry.add('bad:1', [layer('a'), layer('b')], more());
    expect((await pull('bad&tag=1')).at(-1).error).toMatch(message);
    await expect.poll(kept, { timeout: 10_000 }).toEqual(NOTHING);
  });

  it('an image may not claim a layer of another one by its blob', async () => {
    registry.add('own:1', [layer('secret')]);
    await pull('own&tag=1');
    registry.add('thief:1', [layer('other')], { packed: [gzipSync(layer('secret'), { level: 1 })] });
    expect((await pull('thief&tag=1')).at(-1).error).toMatch(/has the diffID/);
  });

  it('a pull that failed goes on where it broke, in the next one', async () => {
    const made = registry.add('half:1', [layer('a', BIG)]);
    const blob = registry.blobs.get(made.layers[0]?.digest ?? '') as Buffer;
    registry.hook = (request, response, url) => {
      if (!url.pathname.endsWith(made.layers[0]?.digest ?? '')) return false;
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      if (from > 0) refuse(response, 400, 'UNSUPPORTED', 'no more today');
      else response.writeHead(200, { 'Content-Length': blob.length }).write(blob.subarray(0, 1_500_000), () => response.destroy());
      return true;
    };
    expect((await pull('half&tag=1')).at(-1).error).toBe('unsupported: no more today');
    registry.hook = undefined;
    registry.requests.length = 0;
    expect((await pull('half&tag=1')).at(-1).status).toContain('Downloaded newer image');
    expect(registry.requests.find(({ line }) => line.includes(made.layers[0]?.digest ?? ''))?.headers.range).toMatch(/^bytes=\d{6,}-$/);
  });

  it('a client that goes away ends the pull, and nothing stays', async () => {
    const made = registry.add('slow:1', [layer('a', BIG), layer('b')]);
    registry.hook = (_request, response, url) => {
      if (!url.pathname.includes('/blobs/')) return false;
      const data = registry.blobs.get(path.basename(url.pathname)) as Buffer;
      response.writeHead(200, { 'Content-Length': data.length }).write(data.subarray(0, data.length >> 1));
      return true;
    };
    const answer = await engine.client.open('POST', `/images/create?fromImage=${registry.host}/slow&tag=1`);
    for await (const chunk of answer) if (String(chunk).includes('Downloading')) break;
    answer.destroy();
    await eventually('nothing is kept', () => {
      const halves = made.layers.filter(({ digest }) => partial(digest));
      return [...Object.values(kept()), halves].every((list) => list.length === 0) || undefined;
    });
    await eventually('no connection is left', async () => (await connections(registry)) === 0 || undefined);
  });

  it('fetches as many layers at once as the configuration says, and each only once for several pulls', async () => {
    const layers = Array.from({ length: 6 }, (_, at) => layer(`l${at}`, randomBytes(20_000)));
    const made = registry.add('many:1', layers);
    registry.add('more:1', layers);
    let now = 0;
    let most = 0;
    registry.hook = (request, response, url) => {
      const digest = path.basename(url.pathname);
      if (!made.layers.some((each) => each.digest === digest)) return false;
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        sendBlob(request, response, registry.blobs.get(digest) as Buffer);
      }, 40);
      return true;
    };
    const [one, two] = await Promise.all([pull('many&tag=1'), pull('more&tag=1')]);
    for (const messages of [one, two]) expect(messages.at(-1).status).toContain('Downloaded newer image');
    expect(one?.some(({ status }) => status === 'Waiting')).toBe(true);
    expect(most).toBe(2);
    for (const { digest } of made.layers) expect(registry.count(new RegExp(digest))).toBe(1);
  });

  it('tells a limit on requests in the words of the registry', async () => {
    registry.hook = (_, response) => {
      refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit. You may increase the limit by authenticating.', {
        'Retry-After': '21600',
      });
      return true;
    };
    const [answer] = await pull('any&tag=1');
    expect(answer.error).toBe(
      'toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating.; the registry asks to try again in 6 hours',
    );
  });

  it('counts down to the next try of a layer', async () => {
    const made = registry.add('busy:1', [layer('a')]);
    let refused = 0;
    registry.hook = (_, response, url) => {
      if (!url.pathname.endsWith(made.layers[0]?.digest ?? '') || refused++ > 1) return false;
      refuse(response, 503, 'UNAVAILABLE', 'busy', { 'Retry-After': '1' });
      return true;
    };
    const messages = await pull('busy&tag=1');
    expect(messages.map(({ status }) => status)).toContain('Retrying in 1 second');
    expect(messages.at(-1).status).toContain('Downloaded newer image');
  });

  it('gets a token, and a new one when that has ended in the midst of a pull', async () => {
    const tokens = await FakeRegistry.start();
    let valid = '';
    let issued = 0;
    tokens.hook = (_, response) => {
      valid = `token-${++issued}`;
      response.end(JSON.stringify({ token: valid, expires_in: 60 }));
      return true;
    };
    let served = 0;
    registry.hook = (request, response) => {
      if (request.headers.authorization === `Bearer ${valid}` && valid !== '') {
        if (++served % 3 === 0) valid = '';
        return false;
      }
      response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${tokens.url}/token",service="s",scope="x"` }).end();
      return true;
    };
    registry.add('t:1', [layer('a'), layer('b'), layer('c'), layer('d')]);
    try {
      expect((await pull('t&tag=1')).at(-1).status).toContain('Downloaded newer image');
      expect(issued).toBeGreaterThan(1);
    } finally {
      await tokens.stop();
    }
  });

  it('reads what is on Docker Hub from a mirror, and says where it looked when nobody has it', async () => {
    mirror.add('library/mirrored:1', [layer('m')]);
    const answer = await engine.client.post('/images/create?fromImage=mirrored&tag=1');
    expect(lines(answer.text).at(-1)).toEqual({ status: 'Status: Downloaded newer image for mirrored:1' });
    const none = await engine.client.post('/images/create?fromImage=not-mirrored&tag=1');
    expect(none.json.message).toMatch(/Get "https:\/\/registry-1\.docker\.io\/v2\/": /);
  });

  it('goes on at the next endpoint when a mirror breaks off in the midst of an image', async () => {
    mirror.add('library/broken:1', [layer('big', BIG)]);
    const hook: Hook = (_, response, url) => {
      if (!url.pathname.includes('/blobs/')) return false;
      refuse(response, 404, 'BLOB_UNKNOWN', 'gone');
      return true;
    };
    mirror.hook = hook;
    const answer = await engine.client.post('/images/create?fromImage=broken&tag=1');
    mirror.hook = undefined;
    expect(lines(answer.text).at(-1).error).toMatch(/registry-1\.docker\.io/);
  });

  it('an image that has lost a layer or a blob gets it back by another pull', async () => {
    const made = registry.add('lost:1', [layer('a'), layer('b')]);
    await pull('lost&tag=1');
    await engine.crash();
    const data = path.join(engine.folder, 'data');
    rmSync(path.join(data, 'layers', digestOf(layer('a')).slice(7, 39)), { recursive: true });
    rmSync(path.join(data, 'images/blobs/sha256', made.layers[1]?.digest.slice(7) ?? ''));
    await engine.start();
    expect((await pull('lost&tag=1')).at(-1).status).toMatch(/Status: /);
    const saved = await engine.client.get(`/images/${registry.host}/lost:1/get`);
    expect(saved.status).toBe(200);
    const made2 = await engine.client.post('/containers/create', { Image: `${registry.host}/lost:1`, Cmd: ['x'] });
    expect(made2.status).toBe(201);
    await engine.client.delete(`/containers/${made2.json.Id}`);
  });
});

function connections(registry: FakeRegistry): Promise<number> {
  return new Promise((resolve, reject) => registry.server.getConnections((error, count) => (error ? reject(error) : resolve(count))));
}
