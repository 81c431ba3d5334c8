import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { DOCKER, FakeRegistry } from './fake-registry.ts';
import { ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';
import { configOf, HERE } from './images.ts';

const OTHER = HERE === 'arm64' ? 'amd64' : 'arm64';

// dockerd keeps one platform of a name unless its images lie in containerd; ours are as there.
describe.runIf(onGantry)(`several platforms of one name, ${ENGINE}`, { timeout: 40_000 }, () => {
  let engine: TestEngine;
  let registry: FakeRegistry;
  let name: string;
  beforeAll(async () => {
    engine = await startEngine({ image: false });
    registry = await FakeRegistry.start();
    name = `${registry.host}/both:1`;
    publish('both:1', 'first');
  }, 60_000);
  afterAll(async () => {
    await registry?.stop();
    await engine?.stop();
  }, 60_000);
  afterEach(async () => {
    await engine.docker(['image', 'prune', '-af']);
  });

  /** An index of an image for this machine and one for another. */
  function publish(reference: string, text: string): void {
    const entry = (architecture: string) => {
      const layers = [tarOf([{ name: 'here', data: Buffer.from(`${architecture} ${text}`) }])];
      const made = registry.add(`${reference.split(':')[0]}:${architecture}`, layers, {
        config: configOf(layers, { architecture, history: [{ created_by: text }] }),
      });
      return {
        mediaType: DOCKER.manifest,
        digest: made.digest,
        size: made.manifest.length,
        platform: { os: 'linux', architecture },
      };
    };
    registry.manifest(reference, { schemaVersion: 2, mediaType: DOCKER.list, manifests: [entry(HERE), entry(OTHER)] }, DOCKER.list);
  }
  const docker = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await engine.docker(args);
    if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${code}: ${stderr}`);
    return stdout.trim();
  };
  // By the API: the CLI of a stable distribution has no --platform for most of these.
  const OF_OTHER = `platform=${encodeURIComponent(JSON.stringify({ os: 'linux', architecture: OTHER }))}`;
  const other = (reference: string) => engine.client.get(`/images/${reference}/json?${OF_OTHER}`);
  const architecture = (reference: string) => docker('image', 'inspect', '-f', '{{.Architecture}}', reference);
  const pullBoth = async (): Promise<void> => {
    await docker('pull', '-q', name);
    await docker('pull', '-q', '--platform', `linux/${OTHER}`, name);
  };

  it('both stay, this machine’s first, in whatever order they came', async () => {
    await docker('pull', '-q', '--platform', `linux/${OTHER}`, name);
    expect(await architecture(name)).toBe(OTHER);
    expect(await docker('pull', name)).toContain('Downloaded newer image');
    expect(await docker('pull', '--platform', `linux/${OTHER}`, name)).toContain('Image is up to date');
    expect(await architecture(name)).toBe(HERE);
    expect((await other(name)).json.Architecture).toBe(OTHER);
    const refused = await engine.client.get(`/images/${name}/json?platform={"os":"linux","architecture":"s390x"}`);
    expect(refused.status).toBe(404);
    expect(refused.json.message).toContain('does not match the specified platform');
  });

  it('the list has one line for them, and both as manifests', async () => {
    await pullBoth();
    expect(await docker('images', '-a', '--format', '{{.Repository}}:{{.Tag}}')).toBe(name);
    const [image] = (await engine.client.get('/images/json?manifests=1')).json;
    expect(image.Manifests.map((manifest: any) => manifest.ImageData.Platform)).toEqual([
      { os: 'linux', architecture: HERE },
      { os: 'linux', architecture: OTHER },
    ]);
    expect(image.Manifests[1]).toMatchObject({ Available: true, Kind: 'image', ID: image.Manifests[1].Descriptor.digest });
    expect((await engine.client.get(`/images/${name}/json?manifests=1`)).json.Manifests).toEqual(image.Manifests);
    expect((await engine.at('1.46').get('/images/json?manifests=1')).json[0]).not.toHaveProperty('Manifests');
  });

  it('history, save and create take the platform that is asked for', async () => {
    await pullBoth();
    const id = (await other(name)).json.Id;
    expect((await engine.client.get(`/images/${name}/history?${OF_OTHER}`)).json[0].Id).toBe(id);
    const container = await docker('create', '--platform', `linux/${OTHER}`, name);
    expect(await docker('inspect', '-f', '{{.Image}}', container)).toBe(id);
    const inUse = await engine.docker(['rmi', name]);
    expect(inUse.stderr).toContain('is using its referenced image');
    expect(await architecture(name)).toBe(HERE);
    await docker('rm', container);
    const saved = await engine.client.open('GET', `/images/${name}/get?${OF_OTHER}`);
    const archive = await buffer(saved);
    await docker('rmi', name);
    const loaded = await engine.client.ask('POST', '/images/load', { body: archive, headers: { 'Content-Type': 'application/x-tar' } });
    expect(loaded.text).toContain(`Loaded image: ${name}`);
    expect(await architecture(name)).toBe(OTHER);
  });

  it('a push takes the platform that is asked for, else this machine’s', async () => {
    await pullBoth();
    const target = `${registry.host}/pushed`;
    await docker('tag', name, `${target}:1`);
    const push = (platform: string) => engine.client.post(`/images/${target}/push?tag=1${platform}`);
    const refused = await push('&platform={"os":"linux","architecture":"s390x"}');
    expect([refused.status, refused.json.message]).toEqual([404, expect.stringContaining('does not match the specified platform')]);
    for (const [platform, expected] of [
      ['', HERE],
      [`&${OF_OTHER}`, OTHER],
    ] as const) {
      expect((await push(platform)).text).not.toContain('error');
      expect((await engine.client.get(`/distribution/${target}:1/json`)).json.Platforms).toEqual([{ os: 'linux', architecture: expected }]);
    }
    expect((await engine.at('1.45').post(`/images/${target}/push?tag=1&${OF_OTHER}`)).text).not.toContain('error');
    expect((await engine.client.get(`/distribution/${target}:1/json`)).json.Platforms[0].architecture).toBe(HERE);
  });

  it('a further tag is for both; rmi takes one platform, or the name with all', async () => {
    await pullBoth();
    await docker('tag', name, 'further:1');
    expect((await other('further:1')).json.Architecture).toBe(OTHER);
    await docker('rmi', 'further:1');
    expect((await engine.client.delete(`/images/${name}?${OF_OTHER.replace('platform', 'platforms')}`)).status).toBe(200);
    expect((await other(name)).status).toBe(404);
    expect(await architecture(name)).toBe(HERE);
    await docker('pull', '-q', '--platform', `linux/${OTHER}`, name);
    const removed = await docker('rmi', name);
    expect(removed.match(/Untagged: \S+:1$/gm)).toHaveLength(1);
    expect(removed.match(/Deleted: /g)).toHaveLength(4);
    expect((await engine.client.get('/images/json?all=1')).json).toEqual([]);
  });

  it('a crash forgets neither; a newer index takes the name from both', async () => {
    await pullBoth();
    await engine.crash();
    await engine.start();
    expect((await other(name)).json.Architecture).toBe(OTHER);
    publish('both:1', 'second');
    await docker('pull', '-q', name);
    expect((await other(name)).status).toBe(404);
    publish('both:1', 'first');
  });
});
