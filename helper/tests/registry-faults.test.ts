import { randomBytes } from 'node:crypto';
import { readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { DOCKER, FakeRegistry, type Hook, lines, refuse, sendBlob } from './fake-registry.ts';
import { eventually, onGantry, startEngine, type TestEngine } from './harness.ts';
import { configOf, digestOf, HERE } from './images.ts';

const layer = (name: string, data: Buffer = Buffer.from(name)): Buffer => tarOf([{ name, data }]);

const OCI = 'application/vnd.oci.image.manifest.v1+json';

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
      /shorter|verification failed for digest|unexpected EOF/,
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
    [
      'a config of other content',
      (made) => registry.blobs.set(made.config.digest, Buffer.from('{}')),
      /^error pulling image configuration: image config verification failed for digest sha256:[0-9a-f]{64}$/,
    ],
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

  it('a page in the place of a layer is told as such, not as a broken archive', async () => {
    const made = registry.add('page:1', [layer('small')]);
    const [{ digest, size }] = made.layers as [(typeof made.layers)[0]];
    registry.blobs.set(digest, Buffer.from('<html>'.padEnd(size)));
    expect((await pull('page&tag=1')).at(-1).error).toBe(`filesystem layer verification failed for digest ${digest}`);
    expect(partial(digest)).toBe(false);
  });

  it('what is missing is told as missing, whatever page the registry shows for it', async () => {
    const made = registry.add('gone:1', [layer('gone')]);
    const page: Hook = (_, response, url) => {
      if (!url.pathname.endsWith(digest)) return false;
      response.writeHead(404, { 'Content-Type': 'text/html' }).end('<html>');
      return true;
    };
    let digest = made.layers[0]?.digest ?? '';
    registry.hook = page;
    expect((await pull('gone&tag=1')).at(-1).error).toBe('unknown blob');
    digest = made.config.digest;
    expect((await pull('gone&tag=1')).at(-1).error).toBe(
      'error pulling image configuration: download failed after attempts=1: unknown blob',
    );
  });

  it('a config that comes at the second try is as good', async () => {
    const made = registry.add('shy:1', [layer('shy')]);
    const config = registry.blobs.get(made.config.digest) as Buffer;
    let times = 0;
    registry.hook = (_, response, url) => {
      if (!url.pathname.endsWith(made.config.digest) || times++ > 1) return false;
      if (times === 1) refuse(response, 503, 'UNAVAILABLE', 'busy');
      else response.writeHead(200, { 'Content-Length': config.length }).write(config.subarray(0, 10), () => response.destroy());
      return true;
    };
    expect((await pull('shy&tag=1')).at(-1).status).toContain('Downloaded newer image');
    expect(times).toBe(3);
  });

  it.each([
    [
      DOCKER.manifest,
      'application/vnd.cncf.helm.config.v1+json',
      'Encountered remote "application/vnd.cncf.helm.config.v1+json"(unknown) when fetching',
    ],
    [
      DOCKER.manifest,
      'application/vnd.docker.plugin.v1+json',
      'Encountered remote "application/vnd.docker.plugin.v1+json"(plugin) when fetching',
    ],
    [OCI, 'application/vnd.cncf.helm.config.v1+json', 'unsupported media type application/vnd.cncf.helm.config.v1+json'],
    [
      OCI,
      'application/vnd.docker.ai.model.config.v0.1+json',
      'AI models are not yet supported by the Engine, please use "docker model pull/run" instead',
    ],
  ])('what is no image (%s, %s) is refused', async (mediaType, type, message) => {
    const config = { mediaType: type, ...registry.blob(Buffer.from('{}')) };
    registry.manifest('chart:1', { schemaVersion: 2, mediaType, config, layers: [] }, mediaType);
    expect((await pull('chart&tag=1')).at(-1).error).toBe(message);
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

  it('pulls by a digest alone, whatever tag is named with it: the image dangles, but is shown', async () => {
    const { digest } = registry.add('exact:1', [layer('exact')]);
    const name = `${registry.host}/exact`;
    expect((await pull(`exact@${digest}`))[0]).toEqual({ status: 'Pulling from exact', id: `${name}@${digest}` });
    expect((await pull(`exact@${digest}&tag=other`))[0]).toEqual({ status: 'Pulling from exact', id: `${name}:other@${digest}` });
    for (const dangling of ['true', 'false']) {
      const filters = encodeURIComponent(JSON.stringify({ dangling: [dangling] }));
      expect((await engine.client.get(`/images/json?filters=${filters}`)).json).toMatchObject([
        { RepoTags: [], RepoDigests: [`${name}@${digest}`] },
      ]);
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
