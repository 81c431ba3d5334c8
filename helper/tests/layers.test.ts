import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageLayers, LayerFiles } from '../contract/gantry.ts';
import { BASE, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

let engine: TestEngine;
let layers: ImageLayers;
const NAME = 'registry.example:5000/team/layered:1';

/** What `script` does, as one more layer. */
async function step(image: string, script: string, name: string): Promise<void> {
  const id = await launch(engine.client, { Image: image, Cmd: ['sh', '-ec', script] });
  expect(await waitFor(engine.client, id)).toBe(0);
  const [repository, tag] = [name.slice(0, name.lastIndexOf(':')), name.slice(name.lastIndexOf(':') + 1)];
  const query = new URLSearchParams({ container: id, repo: repository, tag });
  expect((await engine.client.post(`/commit?${query}`)).status).toBe(201);
}

const files = async (layer: number, path: string): Promise<LayerFiles> =>
  (await engine.client.get(`/gantry/v1/images/${NAME}/layers/${layers.Layers[layer]?.DiffId}/files?path=${encodeURIComponent(path)}`)).json;

beforeAll(async () => {
  engine = await startEngine();
  await step(
    BASE,
    'head -c 1000000 /dev/zero > /big; mkdir -p /app/sub /app/keep; echo a > /app/sub/a; head -c 5000 /dev/zero > /app/sub/b; echo k > /app/keep/k; ln -s /etc/passwd /app/link',
    'one:1',
  );
  await step('one:1', 'head -c 10 /dev/zero > /big; rm -r /app/sub; mkdir /app/sub; echo c > /app/sub/c; chmod 700 /app/keep', 'two:1');
  await step('two:1', 'rm /big /app/link; echo new > /new', NAME);
  layers = (await engine.client.get(`/gantry/v1/images/${NAME}/layers`)).json;
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

describe.runIf(onGantry)('layers of an image', () => {
  it('tell what made them, what each adds, changes and removes, and what is wasted', () => {
    expect(layers.Layers).toHaveLength(4);
    const [base, one, two, three] = layers.Layers;
    expect(base).toMatchObject({
      CreatedBy: 'busybox-static',
      Changed: 0,
      Removed: 0,
      DiffId: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(base?.Entries).toBe(base?.Added);
    expect(one).toMatchObject({ Added: 8, Removed: 0, WastedBytes: 1_000_000 + 2 + 5000 });
    expect(one?.CreatedBy).toContain('head -c 1000000');
    // /big and /app/keep; of /app/sub all that was there.
    expect(two).toMatchObject({ Added: 1, Changed: 2, Removed: 2, WastedBytes: 10 });
    expect(three).toMatchObject({ Added: 1, Removed: 2, WastedBytes: 0 });
    expect(layers.WastedBytes).toBe(1_005_012);
    expect(layers.Wasted).toEqual([
      { Path: '/big', Bytes: 1_000_010, Copies: 2, Removed: true },
      { Path: '/app/sub/b', Bytes: 5000, Copies: 1, Removed: true },
      { Path: '/app/sub/a', Bytes: 2, Copies: 1, Removed: true },
    ]);
    expect(layers.Size).toBe(layers.Layers.reduce((sum, { Size }) => sum + Size, 0));
  });

  it('show their files, each against the layers below', async () => {
    const brief = ({ Files }: LayerFiles) => Files.map(({ Name, Type, Change, Size }) => [Name, Type, Change, Size]);
    expect(brief(await files(1, '/app'))).toEqual([
      ['keep', 'folder', 'added', 0],
      ['link', 'link', 'added', 0],
      ['sub', 'folder', 'added', 0],
    ]);
    expect((await files(1, '/app')).Files[1]).toMatchObject({ LinkTarget: '/etc/passwd', Uid: 0, Gid: 0 });
    expect(brief(await files(2, '/'))).toEqual([
      ['app', 'folder', 'unchanged', 0],
      ['big', 'file', 'changed', 10],
    ]);
    expect(brief(await files(2, '/app'))).toEqual([
      ['keep', 'folder', 'changed', 0],
      ['sub', 'folder', 'unchanged', 0],
    ]);
    expect(brief(await files(2, '/app/sub/'))).toEqual([['c', 'file', 'added', 2]]);
    expect(brief(await files(3, '/'))).toEqual([
      ['app', 'folder', 'unchanged', 0],
      ['big', 'file', 'removed', 10],
      ['new', 'file', 'added', 4],
    ]);
    expect((await files(2, '/app')).Files[0]?.Mode).toBe(0o700);
  });

  it('lead nowhere but into themselves', async () => {
    for (const path of ['/app/link', '/none', '/../..', '/app/../../etc', '/big']) {
      expect(await files(1, path)).toEqual({ message: `the layer has no folder ${path}` });
    }
    expect((await engine.client.get(`/gantry/v1/images/${NAME}/layers/sha256:0/files`)).status).toBe(404);
    expect((await engine.client.get('/gantry/v1/images/a/b/none/layers')).json).toEqual({ message: 'No such image: a/b/none:latest' });
  });

  it('hold nothing once they were told: the image can go', async () => {
    // From the top down: an image with children stays.
    const removed = await engine.docker(['rmi', '-f', NAME, 'two:1', 'one:1', BASE]);
    expect(removed).toMatchObject({ code: 0, stderr: '' });
  });
});
