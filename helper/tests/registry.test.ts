import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DockerRegistry, startDockerRegistry } from './docker-registry.ts';
import { lines } from './fake-registry.ts';
import { BASE, ENGINE, startEngine, type TestEngine } from './harness.ts';

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
    const byDigest = await docker('pull', `${host}/a/one@${digest}`);
    expect(byDigest).toContain(`${host}/a/one@${digest}: Pulling from a/one`);
    expect(byDigest).toContain(`Digest: ${digest}`);
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
