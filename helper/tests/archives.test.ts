/** Archives of images as other programs write them, and as nobody should. */
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { lines } from './fake-registry.ts';
import { ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';
import { configOf, digestOf, savedImage } from './images.ts';

const layer = (name: string): Buffer => tarOf([{ name, data: Buffer.from(name) }]);
const LAYERS = [layer('a'), layer('b')];

describe(`archives of images on ${ENGINE}`, { timeout: 30_000 }, () => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ image: false });
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);

  const load = async (archive: Buffer): Promise<any> => {
    const headers = { 'Content-Type': 'application/x-tar' };
    return lines((await engine.client.ask('POST', '/images/load?quiet=1', { body: archive, headers })).text).at(-1);
  };
  const clear = async (): Promise<void> => {
    for (const { Id } of (await engine.client.get('/images/json?all=1')).json) await engine.client.delete(`/images/${Id}?force=1`);
  };

  it.each([
    ['another system', savedImage('x:1', LAYERS, { config: configOf(LAYERS, { os: 'windows' }) }), 'cannot load windows image on linux'],
    ['a name without a tag', savedImage('x', LAYERS), 'invalid tag "x"'],
    ['a name by a digest', savedImage(`x@sha256:${'0'.repeat(64)}`, LAYERS), `invalid tag "x@sha256:${'0'.repeat(64)}"`],
    [
      'fewer layers than its config says',
      savedImage('x:1', LAYERS.slice(0, 1), { config: configOf(LAYERS) }),
      'invalid manifest, layers length mismatch: expected 1, got 2',
    ],
    [
      'other layers',
      savedImage('x:1', LAYERS, { packed: [layer('z'), LAYERS[1] as Buffer] }),
      /^invalid diffID for layer 0: expected "sha256:/,
    ],
  ])('%s is refused', async (_what, archive, message) => {
    const answer = await load(archive);
    expect(answer.error).toMatch(message);
    expect(answer.errorDetail).toEqual({ message: answer.error });
    // dockerd of 20.10 keeps an image whose name it refuses.
    if (onGantry) expect((await engine.client.get('/images/json?all=1')).json).toEqual([]);
    await clear();
  });

  it.each(['symlink', 'link'] as const)('a layer that is a %s to an equal one, as older dockerds save it, is that one', async (type) => {
    const [one = Buffer.alloc(0)] = LAYERS;
    const archive = tarOf([
      { name: 'first/', type: 'directory' },
      { name: 'first/layer.tar', data: one },
      { name: 'second/', type: 'directory' },
      { name: 'second/layer.tar', type, link: type === 'symlink' ? '../first/layer.tar' : 'first/layer.tar' },
      { name: 'config.json', data: configOf([one, one]) },
      {
        name: 'manifest.json',
        data: Buffer.from(
          JSON.stringify([{ Config: 'config.json', RepoTags: ['twice:1'], Layers: ['first/layer.tar', 'second/layer.tar'] }]),
        ),
      },
    ]);
    expect(await load(archive)).toEqual({ stream: 'Loaded image: twice:1\n' });
    const { RootFS } = (await engine.client.get('/images/twice:1/json')).json;
    expect(RootFS.Layers).toEqual([digestOf(one), digestOf(one)]);
    await clear();
  });

  it('an image saved by its id has no name in the archive, and no file of names', async () => {
    await load(savedImage('x:1', LAYERS));
    const { Id } = (await engine.client.get('/images/x:1/json')).json;
    const saved = async (name: string): Promise<string[]> => {
      const answer = await engine.client.open('GET', `/images/${name}/get`);
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(chunk as Buffer);
      return execFileSync('tar', ['-t'], { input: Buffer.concat(chunks), encoding: 'utf8' }).split('\n');
    };
    expect(await saved(Id)).not.toContain('repositories');
    expect(await saved('x:1')).toContain('repositories');
    await clear();
  });

  it.runIf(onGantry)('a layout claims no digest but its own', async () => {
    await load(savedImage('x:1', LAYERS));
    const { Id } = (await engine.client.get('/images/x:1/json')).json;
    await clear();
    const config = configOf(LAYERS);
    const blob = (data: Buffer): { name: string; data: Buffer } => ({ name: `blobs/sha256/${digestOf(data).slice(7)}`, data });
    const descriptor = (mediaType: string, data: Buffer) => ({ mediaType, digest: digestOf(data), size: data.length });
    const type = (kind: string): string => `application/vnd.oci.image.${kind}`;
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: type('manifest.v1+json'),
        config: descriptor(type('config.v1+json'), config),
        layers: LAYERS.map((data) => descriptor(type('layer.v1.tar'), data)),
      }),
    );
    const named = (name: string): Buffer =>
      tarOf([
        { name: 'oci-layout', data: Buffer.from('{"imageLayoutVersion":"1.0.0"}') },
        ...[...LAYERS, config, manifest].map(blob),
        {
          name: 'index.json',
          data: Buffer.from(
            JSON.stringify({
              schemaVersion: 2,
              manifests: [{ ...descriptor(type('manifest.v1+json'), manifest), annotations: { 'io.containerd.image.name': name } }],
            }),
          ),
        },
      ]);
    expect(await load(named(`docker.io/library/x@sha256:${'0'.repeat(64)}`))).toEqual({ stream: `Loaded image ID: ${Id}\n` });
    expect((await engine.client.get('/images/json')).json[0].RepoDigests).toEqual([]);
    await load(named(`docker.io/library/x@${digestOf(manifest)}`));
    expect((await engine.client.get('/images/json')).json[0].RepoDigests).toEqual([`x@${digestOf(manifest)}`]);
    await clear();
  });
});
