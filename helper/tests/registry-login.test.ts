import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { FakeRegistry, type Hook, lines, refuse } from './fake-registry.ts';
import { BASE, ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';

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
    expect(wrong.stderr).toMatch(/login attempt to http:\/\/127\.0\.0\.1:\d+\/v2\/ failed with status: 401 Unauthorized/);
    const right = await engine.docker(['login', '-u', 'mei', '--password-stdin', host], { input: 'bridge' });
    expect(right.stdout + right.stderr).toContain('Login Succeeded');
    expect((await engine.docker(['push', `${host}/x:1`])).stdout).toContain('1: digest: sha256:');
    await engine.docker(['rmi', `${host}/x:1`]);
    expect((await engine.docker(['pull', `${host}/x:1`])).code).toBe(0);
    await engine.docker(['logout', host]);
    expect((await engine.docker(['pull', `${host}/x:1`])).stderr).toContain('no basic auth credentials');
  });

  it.each<[string, object, number, string]>([
    ['a wrong password', { username: 'mei', password: 'no' }, 500, 'login attempt to http://HOST/v2/ failed with status: 401 Unauthorized'],
    ['no password', { username: 'mei' }, 500, 'Get "http://HOST/v2/": no basic auth credentials'],
    ['nothing', {}, 500, 'Get "http://HOST/v2/": no basic auth credentials'],
  ])('refuses %s as dockerd does', async (_what, credentials, status, message) => {
    const answer = await engine.client.post('/auth', { ...credentials, serveraddress: host });
    expect({ status: answer.status, message: answer.json.message.replace(host, 'HOST') }).toEqual({ status, message });
  });
});

const NOBODY = '127.0.0.1:1';

describe.runIf(onGantry)('with a token server', { timeout: 60_000 }, () => {
  const mei = { username: 'mei', password: 'bridge' };
  let engine: TestEngine;
  let registry: FakeRegistry;
  let tokens: FakeRegistry;
  /** What the registry's challenge says of the token that came. */
  let error: string;
  beforeAll(async () => {
    engine = await startEngine();
  }, 60_000);
  afterAll(async () => {
    await engine?.stop();
  }, 60_000);
  beforeEach(async () => {
    [registry, tokens] = await Promise.all([FakeRegistry.start(), FakeRegistry.start()]);
    error = '';
    registry.hook = (request, response) => {
      if (request.headers.authorization === 'Bearer good') return false;
      request.resume();
      const challenge = `Bearer realm="${tokens.url}/token",service="harbour"${error}`;
      refuse(response, 401, 'UNAUTHORIZED', 'authentication required', { 'WWW-Authenticate': challenge });
      return true;
    };
  });
  afterEach(async () => {
    await Promise.all([registry.stop(), tokens.stop()]);
  });

  const gives =
    (token: object): Hook =>
    (_, response) => {
      response.end(JSON.stringify(token));
      return true;
    };
  const details =
    (status: number, words: string): Hook =>
    (_, response) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ details: words }));
      return true;
    };
  const named = (text: string): string => text.replaceAll(registry.host, 'HOST').replaceAll(tokens.host, 'TOKENS');
  const login = (auth: object = mei) => engine.client.post('/auth', { ...auth, serveraddress: registry.host });
  const headers = { 'X-Registry-Auth': Buffer.from(JSON.stringify(mei)).toString('base64url') };
  const pull = () => engine.client.ask('POST', `/images/create?fromImage=${registry.host}/a/b&tag=1`, { headers });
  const inspect = () => engine.client.ask('GET', `/distribution/${registry.host}/a/b:1/json`, { headers });
  const push = async (): Promise<any> => {
    await engine.client.post(`/images/${BASE}/tag?repo=${registry.host}/a/c&tag=1`);
    return lines((await engine.client.ask('POST', `/images/${registry.host}/a/c/push?tag=1`, { headers })).text).at(-1);
  };

  it('lets in who it knows, and gives what it gives', async () => {
    tokens.hook = gives({ token: 'good' });
    expect((await login()).json).toEqual({ Status: 'Login Succeeded', IdentityToken: '' });
    tokens.hook = gives({ token: 'good', refresh_token: 'for long' });
    expect((await login()).json).toEqual({ Status: 'Login Succeeded', IdentityToken: 'for long' });
    tokens.hook = gives({ access_token: 'good' });
    expect((await login({ identitytoken: 'for long' })).json).toEqual({ Status: 'Login Succeeded', IdentityToken: 'for long' });
  });

  it.each<[string, Hook, number, string]>([
    ['who it does not know', details(401, 'incorrect username or password'), 401, 'unauthorized: incorrect username or password'],
    ['what it denies', details(403, 'not you'), 403, 'denied: not you'],
    ['who asks too often', details(429, 'too many failed login attempts'), 429, 'toomanyrequests: too many failed login attempts'],
  ])('refuses %s: a login, a pull, a look and a push say so', async (_what, hook, status, message) => {
    tokens.hook = hook;
    const login1 = await login();
    expect([login1.status, named(login1.json.message)]).toEqual([status, `Get "http://HOST/v2/": ${message}`]);
    for (const answer of [await pull(), await inspect()]) {
      expect([answer.status, named(answer.json.message)]).toEqual([status, `Head "http://HOST/v2/a/b/manifests/1": ${message}`]);
    }
    expect(await push()).toEqual({ errorDetail: { message }, error: message });
  });

  it('gives a token that is not enough: the image is not there, or not for us', async () => {
    tokens.hook = gives({ token: 'other' });
    error = ',error="insufficient_scope"';
    const denied = 'denied: requested access to the resource is denied';
    const pulled = await pull();
    expect([pulled.status, named(pulled.json.message)]).toEqual([
      404,
      `pull access denied for HOST/a/b, repository does not exist or may require 'docker login': ${denied}`,
    ]);
    expect((await push()).error).toBe(denied);
    const looked = await inspect();
    expect([looked.status, looked.json.message]).toEqual([403, denied]);
    expect(named((await login()).json.message)).toBe('login attempt to http://HOST/v2/ failed with status: 401 Unauthorized');
  });

  it('a look at a registry tells its refusals as they are, a pull what of', async () => {
    tokens.hook = gives({ token: 'good' });
    registry.add('a/b:2', [tarOf([{ name: 'a', data: Buffer.from('a') }])]);
    expect(await inspect()).toMatchObject({ status: 404, json: { message: 'manifest unknown: manifest unknown' } });
    expect(named((await pull()).json.message)).toBe('manifest for HOST/a/b:1 not found: manifest unknown: manifest unknown');
  });

  it('a registry that is not there, or no registry, is told with its address', async () => {
    const gone = await engine.client.post('/auth', { ...mei, serveraddress: NOBODY });
    expect([gone.status, gone.json.message]).toEqual([500, `Get "http://${NOBODY}/v2/": dial tcp ${NOBODY}: connect: connection refused`]);
    registry.hook = (_, response) => {
      response.writeHead(404).end('<html>');
      return true;
    };
    const other = await login();
    expect([other.status, named(other.json.message)]).toEqual([500, 'login attempt to http://HOST/v2/ failed with status: 404 Not Found']);
  });
});
