import { randomBytes } from 'node:crypto';
import { setMaxListeners } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RegistryAuth } from '../contract/docker/index.ts';
import { FakeRegistry, type Hook, refuse, sendBlob } from '../tests/fake-registry.ts';
import { digestOf } from '../tests/images.ts';
import { type Repository, withRepository } from './client.ts';
import { downloadBlob } from './download.ts';
import type { RegistrySettings } from './endpoints.ts';
import { uploadBlob } from './upload.ts';

/** How the client takes what registries do. The whole of a pull and a push is tested through the engine (helper/tests/registry.test.ts). */
const signal = new AbortController().signal;
setMaxListeners(0, signal);
const DATA = randomBytes(300_000);
let registry: FakeRegistry;
let others: FakeRegistry[];
beforeEach(async () => {
  registry = await FakeRegistry.start();
  others = [];
});
afterEach(() => Promise.all([registry, ...others].map((each) => each.stop())));

async function another(): Promise<FakeRegistry> {
  const made = await FakeRegistry.start();
  others.push(made);
  return made;
}

interface With {
  domain?: string;
  auth?: RegistryAuth;
  settings?: Partial<RegistrySettings>;
  silenceMs?: number;
  actions?: 'pull' | 'pull,push';
}

function using<T>(
  work: (repository: Repository) => Promise<T>,
  { domain, auth, settings, silenceMs, actions = 'pull' }: With = {},
): Promise<T> {
  return withRepository(
    {
      domain: domain ?? registry.host,
      path: 'a/b',
      auth,
      actions,
      settings: { registryMirrors: [], insecureRegistries: [], ...settings },
      ...(silenceMs === undefined ? {} : { silenceMs }),
    },
    signal,
    work,
  );
}

const manifest = (more?: With): Promise<string> => using(async (repository) => (await repository.manifest('1', signal)).digest, more);

async function download(digest: string, more: With & { size?: number; retries?: number[]; offset?: number } = {}): Promise<Buffer> {
  return using(async (repository) => {
    const hook = registry.hook;
    registry.hook = undefined;
    await repository.ping(signal).finally(() => {
      registry.hook = hook;
    });
    const chunks: Buffer[] = [];
    const bytes = downloadBlob(repository, {
      digest,
      size: more.size ?? DATA.length,
      offset: more.offset ?? 0,
      signal,
      backoffMs: 10,
      onRetry: (seconds) => more.retries?.push(seconds),
    });
    for await (const chunk of bytes) chunks.push(chunk);
    return Buffer.concat(chunks);
  }, more);
}

/** A hook that always answers. */
const always =
  (answer: (request: http.IncomingMessage, response: http.ServerResponse) => void): Hook =>
  (request, response) => {
    answer(request, response);
    return true;
  };

/** Answers the first `times` requests that match by `hook`. */
const first = (times: number, pattern: RegExp, hook: Hook): Hook => {
  let left = times;
  return (request, response, url) =>
    pattern.test(`${request.method} ${url.pathname}`) && left-- > 0 ? hook(request, response, url) : false;
};
const status =
  (code: number, headers: http.OutgoingHttpHeaders = {}): Hook =>
  (_, response) => {
    response.writeHead(code, headers).end('<html>sorry</html>');
    return true;
  };

describe('a registry that is out of order for a moment', () => {
  it.each([500, 502, 503, 504, 408])('with %i is asked again', async (code) => {
    const { digest } = registry.add('a/b:1', []);
    registry.hook = first(2, /manifests/, status(code));
    expect(await manifest()).toBe(digest);
    expect(registry.count(/manifests/)).toBe(3);
  });

  it('for longer is told, with its status', async () => {
    registry.hook = status(503);
    await expect(manifest()).rejects.toThrow(
      `GET ${registry.url}/v2/a/b/manifests/1: received unexpected HTTP status: 503 Service Unavailable`,
    );
    expect(registry.count(/manifests/)).toBe(3);
  });

  it('by cutting connections is asked again', async () => {
    const { digest } = registry.add('a/b:1', []);
    registry.hook = first(1, /manifests/, (request) => {
      request.socket.destroy();
      return true;
    });
    expect(
      await using(async (repository) => {
        await repository.ping(signal);
        return (await repository.manifest('1', signal)).digest;
      }),
    ).toBe(digest);
  });

  it('is not asked again what it has answered', async () => {
    await expect(manifest()).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      status: 404,
      message: 'manifest unknown: manifest unknown',
    });
    expect(registry.requests).toHaveLength(1);
  });
});

describe('a limit on requests', () => {
  it('that is over soon is waited for', async () => {
    const { digest } = registry.add('a/b:1', []);
    registry.hook = first(1, /manifests/, status(429, { 'Retry-After': '1' }));
    const start = performance.now();
    expect(await manifest()).toBe(digest);
    expect(performance.now() - start).toBeGreaterThan(990);
  });

  it('that lasts is told in the words of the registry, with the time it asks for', async () => {
    registry.hook = (_, response) => {
      refuse(response, 429, 'TOOMANYREQUESTS', 'You have reached your pull rate limit.', { 'Retry-After': '3600' });
      return true;
    };
    await expect(manifest()).rejects.toThrow(
      'toomanyrequests: You have reached your pull rate limit.; the registry asks to try again in 60 minutes',
    );
    expect(registry.requests).toHaveLength(1);
    registry.hook = status(429, { 'Retry-After': new Date(Date.now() + 90_000).toUTCString() });
    await expect(manifest()).rejects.toThrow(/^toomanyrequests: the registry allows no more requests for now; .* in (89|90) seconds$/);
  });

  it('on layers is counted down for the user, and ends the download when it is too long', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = first(1, /blobs/, status(429, { 'Retry-After': '2' }));
    const retries: number[] = [];
    expect(DATA.equals(await download(digest, { retries }))).toBe(true);
    expect(retries).toEqual([2, 1]);
    registry.hook = status(429, { 'Retry-After': '7200' });
    await expect(download(digest, { retries })).rejects.toThrow('toomanyrequests');
    expect(retries).toHaveLength(2);
  });
});

describe('a layer whose connection', () => {
  it('breaks goes on where it broke', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = first(3, /blobs/, (request, response) => {
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from ? 206 : 200, { 'Content-Length': DATA.length - from });
      response.write(DATA.subarray(from, from + 70_000), () => response.destroy());
      return true;
    });
    expect(DATA.equals(await download(digest))).toBe(true);
    expect(registry.requests.slice(1).map(({ headers }) => headers.range)).toEqual([
      undefined,
      'bytes=70000-',
      'bytes=140000-',
      'bytes=210000-',
    ]);
  });

  it('breaks, at a registry without ranges, is read again and what is here already passed over', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = (request, response) => {
      if (!request.url?.includes('blobs')) return false;
      const cut = registry.count(/blobs/) < 3;
      response.writeHead(200, { 'Content-Length': DATA.length });
      if (cut) response.write(DATA.subarray(0, 100_000), () => response.destroy());
      else response.end(DATA);
      return true;
    };
    expect(DATA.equals(await download(digest))).toBe(true);
  });

  it('falls silent is given up and begun anew', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = first(2, /blobs/, (request, response) => {
      const from = Number(/bytes=(\d+)/.exec(request.headers.range ?? '')?.[1] ?? 0);
      response.writeHead(from ? 206 : 200, { 'Content-Length': DATA.length - from }).write(DATA.subarray(from, from + 1000));
      return true; // and nothing more
    });
    expect(DATA.equals(await download(digest, { silenceMs: 150 }))).toBe(true);
  });

  it('never says a word is given up in the end', async () => {
    registry.hook = (request) => request.url?.includes('blobs') ?? false;
    const { digest } = registry.blob(DATA);
    await expect(download(digest, { silenceMs: 50 })).rejects.toThrow('net/http: timeout awaiting response');
    expect(registry.count(/blobs/)).toBe(5);
  });

  it('ends early, again and again, is given up', async () => {
    const { digest } = registry.blob(DATA);
    registry.hook = (_, response) => {
      response.end(); // a whole answer, of nothing
      return true;
    };
    await expect(download(digest)).rejects.toThrow('unexpected EOF');
  });

  it('brings more than the manifest says is refused at once', async () => {
    const { digest } = registry.blob(DATA);
    await expect(download(digest, { size: 1000 })).rejects.toMatchObject({ code: 'SIZE_INVALID' });
    expect(registry.count(/blobs/)).toBe(1);
  });
});

describe('what a registry says of itself', () => {
  it.each<[string, Hook, RegExp]>([
    ['a manifest of another digest', always((_, response) => response.end('{}')), /manifest verification failed for digest sha256:0{64}/],
    [
      'a manifest without end',
      always((_, response) => response.on('error', () => {}).write(Buffer.alloc(5_000_000))),
      /larger than 4194304 bytes/,
    ],
    [
      'an error page without end',
      always((_, response) => response.writeHead(418).write(Buffer.alloc(500_000, 'x'))),
      /unexpected HTTP status: 418/,
    ],
    [
      'JSON that is none',
      always((_, response) => response.writeHead(400).end('{"errors":[null,5')),
      /unexpected HTTP status: 400 Bad Request/,
    ],
    [
      'errors of wrong types',
      always((_, response) => response.writeHead(400).end('{"errors":[{"code":5,"message":[]}]}')),
      /unknown error/,
    ],
    ['null', always((_, response) => response.writeHead(404).end('null')), /404/],
    [
      'a redirect to another protocol',
      always((_, response) => response.writeHead(302, { Location: 'file:///etc/passwd' }).end()),
      /unsupported protocol scheme/,
    ],
    [
      'a redirect to nowhere',
      always((_, response) => response.writeHead(302, { Location: 'http://[' }).end()),
      /failed to parse Location header "http:\/\/\[": invalid URL/,
    ],
    ['redirects in a circle', always((request, response) => response.writeHead(302, { Location: request.url }).end()), /302/],
    ['no HTTP', always((request) => request.socket.end('SSH-2.0-OpenSSH_9.2\r\n')), /Get "http:/],
  ])('%s is refused', async (_what, hook, message) => {
    registry.hook = hook;
    await expect(using((repository) => repository.manifest(`sha256:${'0'.repeat(64)}`, signal))).rejects.toThrow(message);
  });
});

describe('redirects', () => {
  it('to another host go without what was meant for the registry', async () => {
    const storage = await another();
    const { digest } = storage.blob(DATA);
    registry.hook = (request, response, url) => {
      if (!request.headers.authorization) {
        response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="r"' }).end();
      } else response.writeHead(307, { Location: `${storage.url}${url.pathname}?signature=x` }).end();
      return true;
    };
    const auth = { username: 'mei', password: 'secret' };
    expect(DATA.equals(await download(digest, { auth }))).toBe(true);
    expect(registry.requests.at(-1)?.headers.authorization).toMatch(/^Basic /);
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });

  it('that come back bring nothing either, and a refusal there is not answered with it', async () => {
    const storage = await another();
    storage.hook = (_, response) => {
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="give me"' }).end();
      return true;
    };
    registry.hook = (_, response, url) => {
      response.writeHead(307, { Location: `${storage.url}${url.pathname}` }).end();
      return true;
    };
    await expect(download(`sha256:${'0'.repeat(64)}`, { auth: { username: 'mei', password: 'secret' } })).rejects.toThrow('unauthorized');
    expect(storage.requests.map(({ headers }) => headers.authorization)).toEqual([undefined]);
  });
});

/** A registry whose tokens live until `valid` says otherwise, and a server that gives them out. */
async function withTokens(): Promise<{ tokens: FakeRegistry; valid: Set<string>; issued: () => number }> {
  const tokens = await another();
  const valid = new Set<string>();
  let issued = 0;
  tokens.hook = (_, response) => {
    const token = `token-${++issued}`;
    valid.add(token);
    response.setHeader('Content-Type', 'application/json');
    setTimeout(() => response.end(JSON.stringify({ token, expires_in: 300 })), 20);
    return true;
  };
  registry.hook = (request, response) => {
    const given = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1];
    if (given && valid.has(given)) return false;
    request.resume();
    response.writeHead(401, { 'WWW-Authenticate': `Bearer realm="${tokens.url}/token",service="the registry"` }).end();
    return true;
  };
  return { tokens, valid, issued: () => issued };
}

describe('tokens', () => {
  it('are fetched once for all that need them, with scope, service and credentials', async () => {
    const { tokens, issued } = await withTokens();
    const { digest } = registry.blob(DATA);
    registry.add('a/b:1', []);
    await using(
      async (repository) => {
        await repository.manifest('1', signal);
        await Promise.all(Array.from({ length: 6 }, async () => (await repository.openBlob(digest, 0, signal)).body.resume()));
      },
      { auth: { username: 'mei', password: 'secret' } },
    );
    expect(issued()).toBe(1);
    const [{ line = '', headers }] = tokens.requests as [{ line: string; headers: http.IncomingHttpHeaders }];
    expect(Object.fromEntries(new URL(line.slice(4), tokens.url).searchParams)).toMatchObject({
      service: 'the registry',
      scope: 'repository:a/b:pull',
      account: 'mei',
    });
    expect(headers.authorization).toBe(`Basic ${Buffer.from('mei:secret').toString('base64')}`);
  });

  it('that have ended are renewed, once for all requests that met the end', async () => {
    const { valid, issued } = await withTokens();
    const { digest } = registry.blob(DATA);
    registry.add('a/b:1', []);
    await using(async (repository) => {
      await repository.manifest('1', signal);
      for (let round = 2; round <= 4; round++) {
        valid.clear();
        const answers = await Promise.all(Array.from({ length: 6 }, () => repository.openBlob(digest, 0, signal)));
        for (const { status: code, body } of answers) {
          body.resume();
          expect(code).toBe(200);
        }
        expect(issued()).toBe(round);
      }
    });
  });

  it('that end in the midst of an upload are renewed, and the upload goes on', async () => {
    const { valid } = await withTokens();
    const before = registry.hook as Hook;
    let cut = false;
    registry.hook = (request, response, url) => {
      if (request.method === 'PATCH' && !cut) {
        cut = true;
        valid.clear();
      }
      return before(request, response, url);
    };
    const result = await using((repository) => upload(repository), { actions: 'pull,push' });
    expect(result.how).toBe('uploaded');
    expect(registry.blobs.get(result.digest)?.equals(DATA)).toBe(true);
  });

  it('that a registry does not take are no reason to go on for ever', async () => {
    const { valid, issued } = await withTokens();
    valid.add = () => valid;
    await expect(manifest()).rejects.toThrow(/unauthorized/);
    expect(issued()).toBeLessThan(3);
  });

  it.each<[string, Hook, RegExp]>([
    [
      'refuses',
      always((_, response) => refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password')),
      /unauthorized: incorrect username or password/,
    ],
    ['has none', always((_, response) => response.end('{}')), /did not include a token/],
    ['talks nonsense', always((_, response) => response.end('<html>')), /unable to decode token response/],
    ['breaks off', always((request) => request.socket.destroy()), /EOF/],
  ])('of a server that %s are told', async (_what, hook, message) => {
    const { tokens } = await withTokens();
    tokens.hook = hook;
    await expect(manifest({ auth: { username: 'mei', password: 'wrong' } })).rejects.toThrow(message);
  });
});

function upload(repository: Repository, more: { gzip?: boolean; mountFrom?: string; digest?: string } = {}): ReturnType<typeof uploadBlob> {
  return uploadBlob(repository, {
    size: DATA.length,
    open: (offset) =>
      Readable.from([DATA.subarray(offset, 200_000), DATA.subarray(Math.max(offset, 200_000))].filter((part) => part.length > 0)),
    signal,
    backoffMs: 10,
    ...more,
  });
}

describe('an upload', () => {
  it.each([false, true])('that breaks goes on (compressed on the way: %s)', async (gzip) => {
    registry.cutUploads = { times: 2, bytes: 60_000 };
    const known = gzip ? {} : { digest: digestOf(DATA) };
    const result = await using((repository) => upload(repository, { gzip, ...known }), { actions: 'pull,push' });
    expect(registry.cutUploads.times).toBe(0);
    expect(registry.blobs.has(result.digest)).toBe(true);
    if (!gzip) {
      expect(registry.blobs.get(result.digest)?.equals(DATA)).toBe(true);
      expect(
        registry.requests.some(({ line, headers }) => line.startsWith('PATCH') && /^\d{5,}-/.test(String(headers['content-range']))),
      ).toBe(true);
    }
  });

  it('is begun anew when the registry has forgotten it', async () => {
    registry.hook = first(1, /PATCH/, (_, response) => {
      refuse(response, 503, 'UNAVAILABLE', 'wait');
      return true;
    });
    const forget = registry.hook;
    registry.hook = (request, response, url) => {
      if (request.method === 'GET' && url.pathname.includes('/uploads/')) {
        refuse(response, 404, 'BLOB_UPLOAD_UNKNOWN', 'unknown');
        return true;
      }
      return (forget as Hook)(request, response, url);
    };
    expect(await using((repository) => upload(repository), { actions: 'pull,push' })).toMatchObject({ how: 'uploaded' });
    expect(registry.count(/^POST/)).toBe(2);
  });

  it('is none where the blob is there, or in another repository', async () => {
    const { digest } = registry.blob(DATA);
    expect(await using((repository) => upload(repository, { digest }), { actions: 'pull,push' })).toMatchObject({ how: 'exists' });
    registry.hook = first(
      1,
      /HEAD/,
      always((_, response) => response.writeHead(404).end()),
    );
    expect(await using((repository) => upload(repository, { digest, mountFrom: 'c/d' }), { actions: 'pull,push' })).toMatchObject({
      how: 'mounted',
    });
    expect(registry.count(new RegExp(`^POST .*mount=${digest}&from=c%2Fd`))).toBe(1);
    expect(registry.count(/PATCH/)).toBe(0);
  });

  it('that is denied is not tried again', async () => {
    registry.hook = (request, response) => {
      if (request.method !== 'POST') return false;
      refuse(response, 403, 'DENIED', 'requested access to the resource is denied');
      return true;
    };
    await expect(using((repository) => upload(repository), { actions: 'pull,push' })).rejects.toThrow(
      'denied: requested access to the resource is denied',
    );
    expect(registry.count(/POST/)).toBe(1);
  });
});

describe('mirrors', () => {
  const settings = (...mirrors: FakeRegistry[]): With => ({
    domain: 'docker.io',
    settings: { registryMirrors: mirrors.map(({ url }) => url) },
  });

  it('are asked in their order, and what one lacks, refuses or breaks off is asked of the next', async () => {
    const [refusing, broken, silent] = [await another(), await another(), await another()];
    const { digest } = registry.add('a/b:1', []);
    refusing.hook = status(403);
    broken.add('a/b:1', []);
    broken.hook = (request, response) => {
      if (!request.url?.includes('blobs')) return false;
      response.writeHead(200, { 'Content-Length': 100 }).write('x', () => response.destroy());
      return true;
    };
    silent.hook = () => true;
    const empty = await another();
    const config =
      registry.manifests
        .get('a/b:1')
        ?.data.toString()
        .match(/sha256:[0-9a-f]{64}/)?.[0] ?? '';
    const seen = await using(
      async (repository) => {
        const found = await repository.manifest('1', signal);
        await repository.smallBlob(config, signal);
        return `${repository.endpoint.base} ${found.digest}`;
      },
      { ...settings(refusing, empty, broken, silent, registry), silenceMs: 100 },
    );
    expect(seen).toBe(`${registry.url} ${digest}`);
  });

  it('see no credentials of Docker Hub', async () => {
    registry.add('a/b:1', []);
    registry.hook = (request, response) => {
      if (request.headers.authorization) return false;
      response.writeHead(401, { 'WWW-Authenticate': 'Basic realm="m"' }).end();
      return true;
    };
    const last = await another();
    last.add('a/b:1', []);
    await manifest({ ...settings(registry, last), auth: { username: 'mei', password: 'secret' } });
    expect(registry.requests.every(({ headers }) => headers.authorization === undefined)).toBe(true);
  });

  it('are left alone when what failed is ours', async () => {
    const second = await another();
    const failing = using(
      async () => {
        throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
      },
      settings(registry, second),
    );
    await expect(failing).rejects.toThrow('ENOSPC');
    expect(second.requests).toHaveLength(0);
  });
});

describe('a proxy', () => {
  const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'http_proxy', 'https_proxy', 'no_proxy'];
  const before = Object.fromEntries(names.map((name) => [name, process.env[name]]));
  let proxy: http.Server;
  let seen: string[];
  beforeEach(async () => {
    for (const name of names) delete process.env[name];
    seen = [];
    // It alone knows the registry's name.
    proxy = http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const url = new URL(request.url ?? '');
      const passed = http.request(
        { port: registry.port, path: `${url.pathname}${url.search}`, method: request.method, headers: request.headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 0, answer.headers);
          answer.pipe(response);
        },
      );
      request.pipe(passed);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  });
  afterEach(() => {
    for (const name of names) {
      if (before[name] === undefined) delete process.env[name];
      else process.env[name] = before[name];
    }
    proxy.closeAllConnections();
    proxy.close();
  });
  const address = (): string => `127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const named = { domain: 'registry.test:5000', settings: { insecureRegistries: ['registry.test:5000'] } };

  it('is used for http, with its own credentials', async () => {
    const { digest } = registry.add('a/b:1', []);
    process.env.HTTP_PROXY = `http://user:pass@${address()}`;
    expect(await manifest(named)).toBe(digest);
    expect(seen).toEqual([`GET http://registry.test:5000/v2/a/b/manifests/1 Basic ${Buffer.from('user:pass').toString('base64')}`]);
    expect(registry.requests[0]?.headers.host).toBe('registry.test:5000');
  });

  it('is not used for this machine, nor for what NO_PROXY names', async () => {
    const { digest } = registry.add('a/b:1', []);
    process.env.http_proxy = address();
    expect(await manifest()).toBe(digest);
    process.env.NO_PROXY = 'other.test, registry.test:5000';
    await expect(manifest(named)).rejects.toThrow(/lookup registry\.test/);
    expect(seen).toEqual([]);
  });

  it('that is not there is told', async () => {
    process.env.HTTP_PROXY = 'http://127.0.0.1:1';
    await expect(manifest(named)).rejects.toThrow(/connection refused/);
  });
});

it('a blob is sent by ranges as registries do it', async () => {
  const { digest } = registry.blob(DATA);
  registry.hook = (request, response, url) => {
    if (!url.pathname.endsWith(digest)) return false;
    sendBlob(request, response, DATA);
    return true;
  };
  expect(await download(digest, { offset: 299_999 })).toEqual(DATA.subarray(299_999));
});
