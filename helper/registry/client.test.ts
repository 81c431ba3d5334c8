/** How the client takes what registries do. The whole of a pull and a push is tested through the engine (helper/tests/registry-*.test.ts). */
import { describe, expect, it } from 'vitest';
import { type Hook, refuse } from '../tests/fake-registry.ts';
import { always, another, DATA, download, first, manifest, registry, signal, status, using } from '../tests/registry-client.ts';

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

describe('a refusal', () => {
  it.each([
    [401, 'unauthorized: ask the harbour master', 'unauthorized'],
    [403, 'denied: ask the harbour master', 'forbidden'],
    [429, 'toomanyrequests: ask the harbour master', 'tooManyRequests'],
  ])('%i that is a sentence is told', async (code, message, kind) => {
    registry.hook = always((_, response) => response.writeHead(code, { 'Retry-After': '0' }).end('ask the harbour master\n'));
    await expect(manifest()).rejects.toMatchObject({ kind, message });
  });

  it.each([
    [401, 'unauthorized: authentication required'],
    [403, 'denied: requested access to the resource is denied'],
  ])('%i that is a page, or nothing, is told by what it means', async (code, message) => {
    for (const page of ['<html>no</html>', 'x'.repeat(2000), '']) {
      registry.hook = always((_, response) => response.writeHead(code).end(page));
      await expect(manifest()).rejects.toThrow(message);
    }
  });
});

it('a refusal with a code alone is told by it', async () => {
  registry.hook = always((_, response) => response.writeHead(400).end('{"errors":[{"code":"NAME_INVALID"}]}'));
  await expect(manifest()).rejects.toMatchObject({ kind: 'invalidParameter', message: 'name invalid' });
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
