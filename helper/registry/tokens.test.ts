import type http from 'node:http';
import { describe, expect, it } from 'vitest';
import type { RegistryAuth } from '../contract/docker/index.ts';
import { type Hook, refuse } from '../tests/fake-registry.ts';
import { always, DATA, manifest, registry, signal, upload, using, withTokens } from '../tests/registry-client.ts';

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
    [
      'refuses with keys in capitals',
      always((_, response) => response.writeHead(401).end('{"errors":[{"Code":"UNAUTHORIZED","Message":"not you","detail":null}]}')),
      /: unauthorized: not you$/,
    ],
    ['has none', always((_, response) => response.end('{}')), /did not include a token/],
    ['talks nonsense', always((_, response) => response.end('<html>')), /unable to decode token response/],
    ['breaks off', always((request) => request.socket.destroy()), /EOF/],
  ])('of a server that %s are told', async (_what, hook, message) => {
    const { tokens } = await withTokens();
    tokens.hook = hook;
    await expect(manifest({ auth: { username: 'mei', password: 'wrong' } })).rejects.toThrow(message);
  });

  it('that are refused name the request for which they were wanted', async () => {
    const { tokens } = await withTokens();
    tokens.hook = always((_, response) => refuse(response, 401, 'UNAUTHORIZED', 'incorrect username or password'));
    await expect(manifest({ auth: { username: 'mei', password: 'wrong' } })).rejects.toMatchObject({
      kind: 'unauthorized',
      message: `Head "${registry.url}/v2/a/b/manifests/1": unauthorized: incorrect username or password`,
      bare: 'unauthorized: incorrect username or password',
    });
  });

  it.each([
    ['error="insufficient_scope"', 'DENIED', 'denied: requested access to the resource is denied'],
    ['error="invalid_token"', 'UNAUTHORIZED', 'unauthorized: authentication required'],
    ['error="invalid_token",error_description="it is stale"', 'UNAUTHORIZED', 'unauthorized: it is stale'],
  ])('that are not enough (%s) are no question of who it is', async (error, code, message) => {
    const { tokens } = await withTokens();
    registry.hook = always((_, response) =>
      refuse(response, 401, 'UNAUTHORIZED', 'authentication required', {
        'WWW-Authenticate': `Bearer realm="${tokens.url}/token",service="s",${error}`,
      }),
    );
    await expect(manifest()).rejects.toMatchObject({ code, message });
  });

  it('that last are asked for by a login alone, and come back from it', async () => {
    const { tokens, valid } = await withTokens();
    const asked = (): string => tokens.requests.at(-1)?.line ?? '';
    const give = tokens.hook as Hook;
    await using((repository) => repository.ping(signal), { auth: { username: 'mei', password: 'secret' } });
    expect(asked()).toBe('GET /token?account=mei&service=the+registry');
    const login = (auth: RegistryAuth): Promise<string> =>
      using(
        async (repository) => {
          await repository.ping(signal);
          return repository.identityToken();
        },
        { auth, login: true },
      );
    expect(await login({ username: 'mei', password: 'secret' })).toBe('');
    expect(asked()).toBe('GET /token?account=mei&client_id=docker&offline_token=true&service=the+registry');
    // One that is shown is used, and stays unless there is a new one.
    expect(await login({ identitytoken: 'old' })).toBe('old');
    expect(asked()).toBe('POST /token');
    tokens.hook = (request, response, url) => {
      if (request.method !== 'POST') return give(request, response, url);
      valid.add('fresh');
      response.end(JSON.stringify({ access_token: 'fresh', refresh_token: 'new' }));
      return true;
    };
    expect(await login({ identitytoken: 'old' })).toBe('new');
  });

  it('from a server that is not there are a fault, not an image that is not there', async () => {
    const { tokens } = await withTokens();
    tokens.hook = always((_, response) => response.writeHead(404).end('404 page not found'));
    await expect(manifest()).rejects.toMatchObject({ kind: 'system', code: '' });
  });

  it('need a realm', async () => {
    registry.hook = always((_, response) => response.writeHead(401, { 'WWW-Authenticate': 'Bearer service="s"' }).end());
    await expect(manifest()).rejects.toThrow('no realm specified for token auth challenge');
  });
});
