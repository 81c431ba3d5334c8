/** Measures of trees with many small files: copies in and out, export, import, commit, diff, and sizes. */
import { Readable } from 'node:stream';
import { fileArchive, smallImage, treeArchive } from './images.mjs';
import { timed } from './timed.mjs';

const tar = { 'Content-Type': 'application/x-tar' };
/** In pieces as a client sends them. */
const pieces = function* (archive, size = 65_536) {
  for (let at = 0; at < archive.length; at += size) yield archive.subarray(at, at + size);
};
const upload = (archive) => ({ body: Readable.from(pieces(archive)), headers: tar });

const put = (engine, id, archive, path) =>
  engine.api.call('PUT', `/containers/${id}/archive?path=${encodeURIComponent(path)}`, upload(archive));

async function started(engine) {
  const { Id } = await engine.api.create({ Image: smallImage, Cmd: ['sleep', '3600'], Labels: { bench: '1' } });
  await engine.api.call('POST', `/containers/${Id}/start`);
  return Id;
}

const remove = (engine, id) => engine.api.call('DELETE', `/containers/${id}?force=1&v=1`);

/** @param count  files of some 2 KB, a hundred in each folder */
export async function treeMeasures({ quick }) {
  const count = quick ? 5_000 : 20_000;
  const rounds = quick ? 3 : 5;
  const archive = await treeArchive(count);
  const withTree = async (engine) => {
    const id = await started(engine);
    await put(engine, id, archive, '/');
    return id;
  };
  const expect = (engine, bytes) => {
    if (bytes < archive.length) throw new Error(`${engine.name} gave ${bytes} bytes of ${archive.length}`);
  };
  const onTree = { unit: 'ms', rounds, uses: 'tree' };
  return [
    {
      name: 'copy-in',
      what: `copy of ${count.toLocaleString('en')} small files into a container`,
      unit: 'ms',
      rounds,
      before: started,
      sample: (engine, id) => timed(() => put(engine, id, archive, '/')),
      after: remove,
    },
    {
      name: 'copy-out',
      what: '… out of it',
      unit: 'ms',
      rounds,
      before: withTree,
      keep: 'tree',
      byHand: 'pack',
      sample: (engine, id) => timed(async () => expect(engine, await engine.api.drain('GET', `/containers/${id}/archive?path=/tree`))),
    },
    {
      ...onTree,
      name: 'export',
      what: '… export of it',
      sample: (engine, id) => timed(async () => expect(engine, await engine.api.drain('GET', `/containers/${id}/export`))),
    },
    {
      ...onTree,
      name: 'diff',
      what: '… diff of it',
      sample: (engine, id) => timed(() => engine.api.drain('GET', `/containers/${id}/changes`)),
    },
    {
      ...onTree,
      name: 'size',
      what: '… its size (inspect)',
      sample: (engine, id) => timed(() => engine.api.drain('GET', `/containers/${id}/json?size=1`)),
    },
    {
      ...onTree,
      name: 'commit',
      what: '… commit of it',
      sample: async (engine, id, note) => {
        const ms = await timed(() => engine.api.call('POST', `/commit?container=${id}&repo=bench/committed&tag=1`, { body: {} }));
        note('save', await timed(async () => expect(engine, await engine.api.drain('GET', '/images/bench/committed:1/get'))));
        await engine.api.call('DELETE', '/images/bench/committed:1?force=1');
        return ms;
      },
      after: remove,
    },
    { name: 'save', what: '… save of that', unit: 'ms', notedBy: 'commit' },
    {
      name: 'import',
      what: '… import of it',
      unit: 'ms',
      rounds,
      sample: async (engine) => {
        const ms = await timed(() => engine.api.call('POST', '/images/create?fromSrc=-&repo=bench/imported&tag=1', upload(archive)));
        await engine.api.call('DELETE', '/images/bench/imported:1?force=1');
        return ms;
      },
    },
    {
      name: 'copy-large',
      what: 'copy of a file of 200 MB into a container',
      unit: 'ms',
      rounds,
      before: async (engine) => ({ id: await started(engine), archive: await fileArchive('large', 200_000_000) }),
      sample: (engine, context) => timed(() => put(engine, context.id, context.archive, '/')),
      keep: 'large',
    },
    {
      name: 'copy-large-out',
      what: '… out of it',
      unit: 'ms',
      rounds,
      uses: 'large',
      sample: (engine, { id }) => timed(() => engine.api.drain('GET', `/containers/${id}/archive?path=/large`)),
      after: (engine, { id }) => remove(engine, id),
    },
  ];
}
