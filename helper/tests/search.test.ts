import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { FakeRegistry } from './fake-registry.ts';
import { ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
let registry: FakeRegistry;
let asked: URL | undefined;
let authorization: string | undefined;
let answer: { status: number; body: unknown };

beforeAll(async () => {
  engine = await startEngine({ image: false });
  registry = await FakeRegistry.start();
  registry.hook = (request, response, url) => {
    if (!url.pathname.startsWith('/v1/')) return false;
    if (url.pathname === '/v1/search') {
      asked = url;
      authorization = request.headers.authorization;
    }
    const { status, body } = url.pathname === '/v1/_ping' ? { status: 200, body: true } : answer;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    return true;
  };
}, 60_000);
afterAll(async () => {
  await registry?.stop();
  await engine?.stop();
}, 60_000);
beforeEach(() => {
  answer = {
    status: 200,
    body: {
      num_results: 3,
      query: 'tool',
      results: [
        { name: 'tool', description: 'the one', star_count: 90, is_official: true, is_automated: false },
        { name: 'me/tool', description: 'mine', star_count: 7, is_official: false, is_automated: true },
        { name: 'you/tool', star_count: 0 },
      ],
    },
  };
});

// The dockerd that is compared with runs in a network namespace: it does not reach the registry.
describe.runIf(onGantry)(`search on ${ENGINE}`, { timeout: 30_000 }, () => {
  const search = (...args: string[]) => engine.docker(['search', '--format', '{{.Name}} {{.StarCount}} {{.IsOfficial}}', ...args]);

  it('asks the index of the registry that the term names, by the rest of the term', async () => {
    const found = await search('--limit', '10', `${registry.host}/some tool`);
    expect(found).toMatchObject({ code: 0, stdout: 'tool 90 [OK]\nme/tool 7 \nyou/tool 0 \n' });
    expect(asked?.searchParams.get('q')).toBe('some tool');
    expect(asked?.searchParams.get('n')).toBe('10');
    expect(authorization).toBeUndefined();
  });

  it('filters by stars and by who is official; nothing is automated any more', async () => {
    expect((await search('-f', 'stars=5', `${registry.host}/x`)).stdout).toBe('tool 90 [OK]\nme/tool 7 \n');
    expect((await search('-f', 'is-official=false', `${registry.host}/x`)).stdout).toBe('me/tool 7 \nyou/tool 0 \n');
    expect((await search('-f', 'is-automated=true', `${registry.host}/x`)).stdout).toBe('');
  });

  it('gives every field, whatever the index left out', async () => {
    const { json } = await engine.client.get(`/images/search?term=${registry.host}/x`);
    expect(json[2]).toEqual({ name: 'you/tool', description: '', star_count: 0, is_official: false, is_automated: false });
    expect(asked?.searchParams.get('n')).toBe('25');
  });

  it.each([
    ['limit=101', 400, 'limit 101 is outside the range of [1, 100]'],
    ['limit=-1', 400, 'invalid limit specified'],
    [`filters=${encodeURIComponent('{"stars":["x"]}')}`, 400, 'invalid filter \'stars=x\': strconv.Atoi: parsing "x": invalid syntax'],
    [`filters=${encodeURIComponent('{"bogus":["x"]}')}`, 400, "invalid filter 'bogus'"],
  ])('%s is refused', async (query, status, message) => {
    const refused = await engine.client.get(`/images/search?term=${registry.host}/x&${query}`);
    expect(refused).toMatchObject({ status, json: { message } });
  });

  it('says what an index refuses, and that nothing answers', async () => {
    answer = { status: 503, body: {} };
    expect(await engine.client.get(`/images/search?term=${registry.host}/x`)).toMatchObject({
      status: 500,
      json: { message: 'Unexpected status code 503' },
    });
    expect((await search('localhost:1/x')).stderr).toMatch(/invalid registry endpoint "http:\/\/localhost:1\/v1\/"\. HTTPS attempt: Get/);
    expect((await search('https://example.org/x')).stderr).toContain('should not have a scheme');
  });
});
