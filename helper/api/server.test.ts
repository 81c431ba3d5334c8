import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { Failure } from '../engine/failure.ts';
import { type Parts, serve } from './test-engine.ts';

const MIB = 2 ** 20;

let close: (() => Promise<void>) | undefined;
afterEach(async () => {
  await close?.();
  close = undefined;
});

async function start(parts: Parts = {}) {
  const server = await serve(parts);
  close = server.close;
  return server;
}

describe('the server', () => {
  it('answers _ping with the headers that clients negotiate by', async () => {
    const { request } = await start();
    const get = await request('GET', '/_ping');
    expect(get).toMatchObject({ status: 200, text: 'OK' });
    expect(get.headers).toMatchObject({
      'api-version': '1.50',
      'builder-version': '1',
      'docker-experimental': 'false',
      ostype: 'linux',
      server: 'Gantry/0.1.0 (linux)',
      swarm: 'inactive',
    });
    const head = await request('HEAD', '/v1.24/_ping');
    expect(head).toMatchObject({ status: 200, text: '' });
    expect(head.headers['content-length']).toBe('0');
  });

  it.each([
    ['/v1.99/_ping', 400, 'client version 1.99 is too new. Maximum supported API version is 1.50'],
    ['/v1.51/_ping', 400, 'client version 1.51 is too new. Maximum supported API version is 1.50'],
    ['/nope', 404, 'page not found'],
    ['/v1.50/nope', 404, 'page not found'],
    ['/v1.50/containers/a/start', 404, 'page not found'],
    ['/containers/json?limit=a', 400, 'strconv.Atoi: parsing "a": invalid syntax'],
    ['/containers/json?filters=xx', 400, 'invalid filter'],
    ['/containers/json?filters={"a":["b"]}', 400, "invalid filter 'a'"],
    ['/images/json?filters={"dangling":["maybe"]}', 400, "invalid filter 'dangling=[maybe]'"],
    ['/containers/a/logs', 400, 'Bad parameters: you must choose at least one stream'],
    ['/containers/a/archive', 400, 'bad parameter: path cannot be empty'],
    ['/events?since=2&until=1', 400, '`since` time (2) cannot be after `until` time (1)'],
    ['/events?since=x', 400, 'invalid value for "since": invalid timestamp "x": invalid seconds "x": invalid syntax'],
    ['/system/df?type=x', 400, 'unknown object type: x'],
    [
      '/swarm',
      503,
      'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
    ],
    ['/plugins/a/b/json', 404, 'plugin "a/b" not found'],
    ['/plugins?filters={"label":["a"]}', 400, "invalid filter 'label'"],
    ['/plugins/privileges?remote=a', 501, 'plugins are not part of this engine'],
    ['/containers/json?all=%zz', 400, 'invalid URL escape "%zz"'],
    ['/containers/json?all=1;size=1', 400, 'invalid semicolon separator in query'],
    ['/images/search?term=a&limit=x', 400, 'invalid limit specified: strconv.Atoi: parsing "x": invalid syntax'],
  ])('refuses GET %s as dockerd does', async (path, status, message) => {
    const { request } = await start();
    const answer = await request('GET', path.replaceAll('"', '%22').replaceAll('{', '%7B').replaceAll('}', '%7D'));
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  it.each([
    ['//containers//json?all=1', '/containers/json?all=1'],
    ['/v1.41/containers//name/json', '/v1.41/containers/name/json'],
    ['/v1.41/containers/a/../b/./json', '/v1.41/containers/b/json'],
    ['/v1.41//', '/v1.41/'],
  ])('leads from %s to %s, whatever the method', async (from, to) => {
    const { request } = await start();
    for (const method of ['GET', 'POST']) {
      const answer = await request(method, from);
      expect({ status: answer.status, to: answer.headers.location, text: answer.text }).toEqual({ status: 301, to, text: '' });
    }
  });

  it('answers a path with a broken escape as Go does', async () => {
    const { request } = await start();
    expect(await request('GET', '/containers/%zz/json')).toMatchObject({ status: 400, text: '400 Bad Request' });
  });

  it('knows its paths in every version, as dockerd does', async () => {
    const { request } = await start({ containers: { prune: async () => ({ ContainersDeleted: [], SpaceReclaimed: 0 }) } });
    expect(await request('POST', '/v1.24/containers/prune')).toMatchObject({ status: 200 });
  });

  it.each(['close', 'keep-alive'])('answers a refusal at once, and lets the client send the rest: %s', async (connection) => {
    const { raw } = await start();
    const head = ['Host: a', 'Content-Type: text/plain', `Content-Length: ${8 * MIB}`, `Connection: ${connection}`];
    const socket = raw(`POST /v1.50/networks/create HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n[\s\S]*unsupported Content-Type header \(text\/plain\)/);
    const ended = once(socket, 'end');
    for (let sent = 0; sent < 8; sent += 1) await new Promise((done) => socket.write(Buffer.alloc(MIB), done));
    if (connection === 'keep-alive') socket.write('GET /_ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await ended;
  });

  it('is heard by a client that sends megabytes, refusal or failed stream', async () => {
    const images = {
      async *load(archive: Readable) {
        yield { status: 'Loading layer' };
        await once(archive, 'data');
        archive.destroy();
        throw new Failure('system', 'no space left on device');
      },
    };
    const { request } = await start({ images: images as never });
    const body = 'x'.repeat(6 * MIB);
    for (let round = 0; round < 30; round += 1) {
      const loaded = await request('POST', '/images/load', { body, headers: { Connection: 'close' } });
      expect(loaded.text).toContain('no space left on device');
      const refused = await request('POST', '/networks/create', { body, headers: { Connection: 'close', 'Content-Type': 'text/plain' } });
      expect(refused.status).toBe(400);
    }
  });

  it('keeps nothing of the requests of a long connection', async () => {
    const { raw } = await start();
    const post = 'POST /v1.50/networks/create HTTP/1.1\r\nHost: a\r\nContent-Type: a/b\r\nContent-Length: 2\r\n\r\n{}';
    const socket = raw('');
    let answers = 0;
    socket.on('data', (chunk: Buffer) => {
      answers += chunk.toString('latin1').split('HTTP/1.1 ').length - 1;
    });
    const ended = once(socket, 'end');
    for (let sent = 0; sent < 20; sent += 1) await new Promise((done) => socket.write(post.repeat(1000), done));
    socket.write('GET /_ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await ended;
    expect(answers).toBe(20_001);
  });

  it('does not wait for ever for the rest of a request that it has refused', async () => {
    const { raw } = await start();
    const head = ['Host: a', 'Content-Type: text/plain', 'Content-Length: 1000', 'Connection: close'];
    const socket = raw(`POST /v1.50/networks/create HTTP/1.1\r\n${head.join('\r\n')}\r\n\r\n`);
    const [answer] = await once(socket, 'data');
    expect(String(answer)).toMatch(/^HTTP\/1\.1 400/);
    const sending = setInterval(() => socket.write('x'), 100);
    const [error] = await once(socket, 'error');
    clearInterval(sending);
    expect(error.code).toBe('EPIPE');
  });

  it('takes credentials whatever their Content-Type is', async () => {
    const { request } = await start({ images: { authenticate: async ({ username }) => ({ Status: username ?? '', IdentityToken: '' }) } });
    expect(await request('POST', '/auth', { body: '{"username":"me"}' })).toMatchObject({
      status: 200,
      text: expect.stringContaining('me'),
    });
  });

  it('tells clients that are too old in plain text', async () => {
    const { request } = await start();
    const answer = await request('GET', '/v1.10/_ping');
    expect(answer).toMatchObject({
      status: 400,
      text: 'client version 1.10 is too old. Minimum supported API version is 1.24, please upgrade your client to a newer version\n',
    });
  });

  it.each([
    [{ body: '{"Image":', headers: { 'Content-Type': 'application/json' } }, 400, 'invalid JSON: unexpected EOF'],
    [{ body: '{"Image":"a"} x', headers: { 'Content-Type': 'application/json' } }, 400, 'unexpected content after JSON'],
    [{ json: { Image: 3 } }, 400, 'invalid JSON: json: cannot unmarshal number into Go struct field CreateRequest.Image of type string'],
    [
      { json: { Image: 'a', HostConfig: { Memory: 'x' } } },
      400,
      'invalid JSON: json: cannot unmarshal string into Go struct field CreateRequest.HostConfig.Memory of type int64',
    ],
    [
      { body: '{"HostConfig":{"Memory":100000000000000000000}}', headers: { 'Content-Type': 'application/json' } },
      400,
      'invalid JSON: json: cannot unmarshal number 100000000000000000000 into Go struct field CreateRequest.HostConfig.Memory of type int64',
    ],
    [{ json: {} }, 400, 'config cannot be empty in order to create a container'],
    [{ json: null }, 400, 'config cannot be empty in order to create a container'],
    [
      { body: '{}', headers: { 'Content-Type': 'text/plain' } },
      400,
      "unsupported Content-Type header (text/plain): must be 'application/json'",
    ],
    [{ headers: { 'Content-Type': 'application/json' } }, 400, 'invalid JSON: got EOF while reading request body'],
  ])('refuses the create request %j as dockerd does', async (options, status, message) => {
    const { request } = await start();
    const answer = await request('POST', '/containers/create', options);
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message } });
  });

  it.each([
    ['notFound', 404],
    ['conflict', 409],
    ['invalidParameter', 400],
    ['forbidden', 403],
    ['unauthorized', 401],
    ['unavailable', 503],
    ['notImplemented', 501],
    ['system', 500],
  ] as const)('maps a failure of kind %s to %i', async (kind, status) => {
    const { request } = await start({ containers: { startContainer: () => Promise.reject(new Failure(kind, 'why')) } });
    const answer = await request('POST', '/containers/a/start');
    expect({ status: answer.status, body: JSON.parse(answer.text) }).toEqual({ status, body: { message: 'why' } });
  });

  it('answers 304 without a body', async () => {
    const { request } = await start({ containers: { startContainer: () => Promise.reject(new Failure('notModified', '')) } });
    expect(await request('POST', '/v1.50/containers/a/start')).toMatchObject({ status: 304, text: '' });
  });

  it('takes names of images with slashes, escaped or not', async () => {
    const seen: string[] = [];
    const { request } = await start({
      images: {
        history: async (name) => {
          seen.push(name);
          return [];
        },
        remove: async (name) => {
          seen.push(name);
          return [];
        },
      },
    });
    await request('GET', '/v1.50/images/localhost:5000/a/b:tag/history');
    await request('GET', '/v1.50/images/localhost:5000%2Fa%2Fb@sha256:12/history');
    await request('DELETE', '/v1.50/images/localhost:5000/a/b:tag');
    expect(seen).toEqual(['localhost:5000/a/b:tag', 'localhost:5000/a/b@sha256:12', 'localhost:5000/a/b:tag']);
  });

  it('reads field names without regard to case, words for lists, and ignores what it does not know', async () => {
    let seen: unknown;
    const { request } = await start({
      containers: {
        create: async (name, given) => {
          seen = { name, cmd: given.Cmd, image: given.Image, more: 'More' in given };
          return { Id: 'x', Warnings: [] };
        },
      },
    });
    const answer = await request('POST', '/v1.50/containers/create?name=web', { json: { image: 'a', CMD: 'sh', More: 1 } });
    expect(answer).toMatchObject({ status: 201, text: '{"Id":"x","Warnings":[]}\n' });
    expect(seen).toEqual({ name: 'web', cmd: ['sh'], image: 'a', more: false });
  });

  it('puts maps in the order of their keys as Go does, but joins networks in the order that is asked for', async () => {
    let seen: unknown;
    const { request } = await start({
      containers: {
        create: async (_name, { Labels, NetworkingConfig }) => {
          seen = [Labels, NetworkingConfig?.EndpointsConfig].map((map) => Object.keys(map ?? {}));
          return { Id: 'x', Warnings: [] };
        },
      },
    });
    const NetworkingConfig = { EndpointsConfig: { z: {}, a: {} } };
    await request('POST', '/containers/create', { json: { Labels: { b: '1', B: '2', a: '3' }, NetworkingConfig } });
    expect(seen).toEqual([
      ['B', 'a', 'b'],
      ['z', 'a'],
    ]);
  });

  it('sends progress as lines, and an error at the end as a line', async () => {
    const { request } = await start({
      images: {
        pull: async () =>
          (async function* () {
            yield { status: 'Pulling' };
            throw new Failure('notFound', 'manifest unknown');
          })(),
      },
    });
    const answer = await request('POST', '/v1.50/images/create?fromImage=a&tag=b');
    expect(answer.status).toBe(200);
    expect(answer.text).toBe('{"status":"Pulling"}\r\n{"errorDetail":{"message":"manifest unknown"},"error":"manifest unknown"}\r\n');
  });

  it('sends a failure before any progress as a status', async () => {
    const { request } = await start({
      images: {
        pull: async () =>
          // biome-ignore lint/correctness/useYield: it fails before it has anything to say
          (async function* () {
            throw new Failure('notFound', 'manifest unknown');
          })(),
      },
    });
    expect(await request('POST', '/v1.50/images/create?fromImage=a')).toMatchObject({
      status: 404,
      text: '{"message":"manifest unknown"}\n',
    });
  });

  it('sends the headers of wait before its result', async () => {
    let finish: (value: { StatusCode: number }) => void = () => {};
    const { raw } = await start({
      containers: { wait: async () => ({ result: new Promise((resolve) => (finish = resolve)) }) },
    });
    const socket = raw('POST /v1.50/containers/a/wait HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    const head = await new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n/);
    finish({ StatusCode: 7 });
    const rest = await new Promise<string>((resolve) => socket.once('data', (chunk: Buffer) => resolve(chunk.toString())));
    expect(rest).toContain('{"StatusCode":7}');
    socket.destroy();
  });

  it('aborts what a client no longer waits for', async () => {
    const aborted = new Promise<void>((resolve) => {
      void start({
        containers: {
          wait: async (_name, _condition, signal) => {
            signal.addEventListener('abort', () => resolve());
            return { result: new Promise(() => {}) };
          },
        },
      }).then(({ raw }) => {
        const socket = raw('POST /v1.50/containers/a/wait HTTP/1.1\r\nHost: x\r\n\r\n');
        socket.once('data', () => socket.destroy());
      });
    });
    await aborted;
  });
});
