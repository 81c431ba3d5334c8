import { mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Content, digestOf } from '../../store/content.ts';
import { layerStore } from '../../store/layers/fixture.ts';
import { Leases } from '../../store/leases.ts';
import { tarOf } from '../../store/tar/fixture.ts';
import { Catalog } from './catalog.ts';
import { store, takeIn } from './create.ts';
import { Holds } from './holds.ts';
import { Loose } from './loose.ts';
import type { Parts } from './parts.ts';
import { parseNamed } from './references.ts';
import { Orphans, sweep, sweepAll } from './sweep.ts';

const log = { debug() {}, info() {}, warn() {}, error() {} };
const never = new AbortController().signal;

let folder: string;
let parts: Parts;
const orphans = new Orphans();
beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'gantry-sweep-'));
  const loose = new Loose();
  const content = new Content(path.join(folder, 'images'), (error) => expect.unreachable(String(error)));
  const layers = await layerStore(folder, 'folder');
  const catalog = new Catalog(content, log, loose.add);
  const holds = new Holds(layers, loose.add);
  parts = { context: { log }, usage: () => [], content, layers, catalog, holds, loose, leases: new Leases(loose.add) } as unknown as Parts;
  parts.events = { publish() {} } as unknown as Parts['events'];
  await content.start();
  await catalog.start();
});
afterEach(async () => {
  await parts.layers.close();
  await parts.content.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An image of one layer. Whoever made it holds no lease any more. */
async function image(name: string, data = name): Promise<{ id: string; diffId: string }> {
  const lease = parts.leases.take();
  const archive = tarOf([{ name: 'file', type: 'file', data: Buffer.from(data) }]);
  const layer = await takeIn(
    parts,
    lease,
    (async function* () {
      yield archive;
    })(),
    never,
  );
  const id = await store(
    parts,
    lease,
    [layer],
    { config: { os: 'linux', architecture: 'amd64', comment: name } as never },
    parseNamed(`${name}:1`),
  );
  lease.release();
  return { id, diffId: layer.diffId };
}

const index = (): { manifests: { annotations: Record<string, string> }[] } =>
  JSON.parse(readFileSync(path.join(folder, 'images/index.json'), 'utf8'));
const namesOnDisk = (): string[] => index().manifests.map(({ annotations }) => annotations['io.containerd.image.name'] ?? '');

describe('a sweep', () => {
  it('takes what an image had alone, and leaves what others have', async () => {
    const [first, second] = [await image('one', 'same'), await image('two', 'same')];
    expect(second.diffId).toBe(first.diffId);
    const other = await image('three');
    await sweep(parts, orphans);
    expect(parts.layers.all()).toHaveLength(2);
    await parts.catalog.drop({ ids: [first.id] });
    await sweep(parts, orphans);
    expect(parts.content.has(first.id)).toBe(false);
    expect(parts.layers.get(first.diffId)).toBeDefined();
    await parts.catalog.drop({ ids: [second.id] });
    await sweep(parts, orphans);
    expect(parts.layers.all().map(({ diffId }) => diffId)).toEqual([other.diffId]);
    // Manifest, config and layer of the third.
    expect(parts.content.digests()).toHaveLength(3);
  });

  it('looks at nothing that nobody let go of; the one at start looks at all', async () => {
    const stray = await parts.content.put(Buffer.from('stray'));
    await image('one');
    await sweep(parts, orphans);
    expect(parts.content.has(stray)).toBe(true);
    await sweepAll(parts, orphans);
    expect(parts.content.has(stray)).toBe(false);
    expect(parts.layers.all()).toHaveLength(1);
  });

  it('leaves what is leased or held until the last has let go', async () => {
    const { id, diffId } = await image('one');
    const lease = parts.leases.take();
    lease.add(diffId);
    parts.holds.set('container', [diffId]);
    await parts.catalog.drop({ ids: [id] });
    await sweep(parts, orphans);
    expect(parts.layers.get(diffId)).toBeDefined();
    lease.release();
    await sweep(parts, orphans);
    const blob = parts.layers.get(diffId)?.blob?.digest ?? '';
    expect(parts.content.has(blob)).toBe(true);
    parts.holds.set('container', [diffId]);
    await sweep(parts, orphans);
    expect(parts.layers.get(diffId)).toBeDefined();
    parts.holds.release('container');
    await sweep(parts, orphans);
    expect(parts.layers.get(diffId)).toBeUndefined();
    expect(parts.content.has(blob)).toBe(false);
  });

  it('of a moved name takes the manifest that only the name had', async () => {
    const { id } = await image('one');
    const data = Buffer.from(
      JSON.stringify({
        ...JSON.parse((await parts.content.read(parts.catalog.get(id)?.manifestDescriptor.digest ?? '')).toString()),
        annotations: { a: 'b' },
      }),
    );
    const other = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: await parts.content.put(data), size: data.length };
    await parts.catalog.name(parseNamed('two:1'), id, other);
    await sweepAll(parts, orphans);
    expect(parts.content.has(other.digest)).toBe(true);
    await parts.catalog.name(parseNamed('two:1'), id);
    await sweep(parts, orphans);
    expect(parts.content.has(other.digest)).toBe(false);
  });

  it('while the index is written takes nothing that the one on disk refers to', async () => {
    const { id, diffId } = await image('one');
    const dropping = parts.catalog.drop({ ids: [id] });
    expect(parts.catalog.get(id)).toBeUndefined();
    await sweepAll(parts, orphans);
    expect(parts.content.has(id)).toBe(true);
    expect(parts.layers.get(diffId)).toBeDefined();
    await dropping;
    await sweep(parts, orphans);
    expect(parts.content.digests()).toEqual([]);
    expect(parts.layers.all()).toEqual([]);
  });
});

describe('changes of the index', () => {
  it('at once are all there, and on disk when they are answered', async () => {
    const { id } = await image('one');
    const names = Array.from({ length: 30 }, (_, at) => `copy-${at}`);
    await Promise.all(
      names.map(async (name) => {
        await parts.catalog.name(parseNamed(`${name}:1`), id);
        expect(namesOnDisk()).toContain(`docker.io/library/${name}:1`);
      }),
    );
    expect(namesOnDisk()).toHaveLength(31);
    await Promise.all(names.map((name) => parts.catalog.drop({ names: [parseNamed(`${name}:1`)], of: id })));
    expect(namesOnDisk()).toEqual(['docker.io/library/one:1']);
  });

  it('that can not be written did not happen, none of them; one that is refused keeps none back', async () => {
    const { id, diffId } = await image('one');
    const root = path.join(folder, 'images');
    renameSync(root, `${root}-away`);
    const lost = [...['a', 'b'].map((name) => parts.catalog.name(parseNamed(`${name}:1`), id)), parts.catalog.drop({ ids: [id] })];
    for (const result of await Promise.allSettled(lost)) expect(result.status).toBe('rejected');
    renameSync(`${root}-away`, root);
    expect(parts.catalog.namesOf(id).map(({ path: name }) => name)).toEqual(['library/one']);
    await sweep(parts, orphans);
    expect(parts.layers.get(diffId)).toBeDefined();
    const [refused, made] = await Promise.allSettled([
      parts.catalog.name(parseNamed('c:1'), digestOf(Buffer.from('no image'))),
      parts.catalog.name(parseNamed('d:1'), id),
    ]);
    expect([refused.status, made.status]).toEqual(['rejected', 'fulfilled']);
    expect(namesOnDisk().sort()).toEqual(['docker.io/library/d:1', 'docker.io/library/one:1']);
  });
});
