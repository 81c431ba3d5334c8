import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type FixtureEntry, tarOf } from '../store/tar/fixture.ts';
import { rootfs } from './base-image.ts';
import { BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { configOf, savedImage } from './images.ts';

/**
 * Archives, images and containers made to reach the host through the engine. A canary on the host is what they aim at: nobody
 * writes it, reads it out, or puts anything beside it.
 */
const TAR = { 'Content-Type': 'application/x-tar' };
const SECRET = 'the secret of the host';
const canary = mkdtempSync(path.join(os.tmpdir(), 'gantry-canary-'));
mkdirSync(path.join(canary, 'dir'));
writeFileSync(path.join(canary, 'file'), SECRET);
afterAll(() => rmSync(canary, { recursive: true }));

const file = (name: string, more: Partial<FixtureEntry> = {}): FixtureEntry => ({ name, data: Buffer.from('hostile'), ...more });
/** Climbs to the host's root from any depth. */
const UP = '../'.repeat(24);

const attacks: [string, FixtureEntry[]][] = [
  ['names with ..', [file(`${UP}${canary}/file`), file(`a/${UP}${canary}/new`)]],
  ['absolute names', [file(`${canary}/file`), file(`${canary}/new`)]],
  ['a link, then a file through it', [{ name: 'l', type: 'symlink', link: canary }, file('l/file'), file('l/new')]],
  ['a link by .., then a file through it', [{ name: 'l', type: 'symlink', link: `${UP}${canary}` }, file('l/file'), file('l/dir/new')]],
  ['a link to a file, then the file', [{ name: 'l', type: 'symlink', link: `${canary}/file` }, file('l', { mode: 0o777 })]],
  ['a hard link to the host', [{ name: 'l', type: 'link', link: `${canary}/file` }, file('l')]],
  ['a hard link by ..', [{ name: 'l', type: 'link', link: `${UP}${canary}/file` }, file('l')]],
  ['a hard link through a link', [{ name: 'l', type: 'symlink', link: canary }, { name: 'h', type: 'link', link: 'l/file' }, file('h')]],
  ['whiteouts', [{ name: 'l', type: 'symlink', link: canary }, file('l/.wh.file'), file(`${UP}${canary}/.wh.file`), file('.wh...')]],
  [
    'a folder of other rights over a link',
    [
      { name: 'l', type: 'symlink', link: canary },
      { name: 'l', type: 'directory', mode: 0o777 },
    ],
  ],
];

const untouched = (): void => {
  expect(readdirSync(canary).sort()).toEqual(['dir', 'file']);
  expect(readdirSync(path.join(canary, 'dir'))).toEqual([]);
  expect(readFileSync(path.join(canary, 'file'), 'utf8')).toBe(SECRET);
};

describe.runIf(onGantry).each([
  ['images', {}],
  ['folders', { GANTRY_LAYERS: 'folders' }],
])('with layers as %s', { timeout: 60_000 }, (kind, env) => {
  let engine: TestEngine;
  beforeAll(async () => {
    engine = await startEngine({ env });
  }, 60_000);
  afterAll(() => engine?.stop(), 60_000);
  afterEach(() => {
    untouched();
    expect(engine.log()).not.toMatch(/nobody handled/);
  });

  const load = (body: Buffer) => engine.client.ask('POST', '/images/load', { body, headers: TAR });
  const importTar = (body: Buffer, query = '') => engine.client.ask('POST', `/images/create?fromSrc=-${query}`, { body, headers: TAR });
  const put = (id: string, body: Buffer, where = '/tmp') =>
    engine.client.ask('PUT', `/containers/${id}/archive?path=${where}`, { body, headers: TAR });
  /** What the engine keeps of images, by file. */
  const stored = (): string[] =>
    ['images/blobs/sha256', 'images/ingest', 'layers', 'layers/ingest'].flatMap((folder) =>
      readdirSync(path.join(engine.folder, 'data', folder)).sort(),
    );

  /** What is stored when nothing more of what was removed goes: files are deleted behind the answer. */
  const settled = async (): Promise<string[]> => {
    let last = stored();
    await eventually('what was removed is gone', async () => {
      await delay(300);
      const now = stored();
      const same = now.join() === last.join();
      last = now;
      return same;
    });
    return last;
  };

  it('has them as the kind that is tested', () => {
    const layer = readdirSync(path.join(engine.folder, 'data/layers')).find((name) => /^[0-9a-f]{32}$/.test(name)) ?? '';
    // Before Linux 6.12 there is no other kind than folders.
    const [major = 0, minor = 0] = os.release().split('.').map(Number);
    const images = kind === 'images' && (major > 6 || (major === 6 && minor >= 12));
    expect(readdirSync(path.join(engine.folder, 'data/layers', layer))).toContain(images ? 'layer.erofs' : 'tree');
  });

  it.each(attacks)('load, import and cp of %s touch nothing of the host', async (_what, entries) => {
    const layer = tarOf(entries);
    for (const answer of [
      await load(savedImage('hostile:1', [layer])),
      await importTar(layer, '&repo=hostile:2'),
      await importTar(gzipSync(layer)),
    ]) {
      expect(answer.status).toBeLessThan(500);
      untouched();
    }
    const running = await launch(engine.client, { Cmd: ['sleep', '1000'] });
    const stopped = await create(engine.client, {});
    for (const id of [running, stopped]) {
      expect((await put(id, layer)).status).not.toBe(0);
      expect((await put(id, layer, '/')).status).not.toBe(0);
      untouched();
      const changes = await engine.client.get(`/containers/${id}/changes`);
      expect(changes.status).toBe(200);
      expect((await engine.client.post(`/commit?container=${id}&repo=hostile:3`)).status).toBe(201);
      await engine.client.delete(`/containers/${id}?force=1`);
    }
    for (const image of (await engine.client.get('/images/json')).json) {
      if (!image.RepoTags.includes(BASE)) expect((await engine.client.delete(`/images/${image.Id}?force=1`)).status).toBe(200);
    }
  });

  it('refuses archives of images that name what is outside of them, or lie', async () => {
    const before = await settled();
    const layer = tarOf([file('a')]);
    const config = configOf([layer]);
    const manifest = (value: unknown): FixtureEntry => ({ name: 'manifest.json', data: Buffer.from(JSON.stringify(value)) });
    const good: FixtureEntry[] = [
      { name: 'layer.tar', data: layer },
      { name: 'config.json', data: config },
    ];
    const archives: [string, FixtureEntry[]][] = [
      ['config outside', [...good, manifest([{ Config: `${UP}${canary}/file`, RepoTags: null, Layers: ['layer.tar'] }])]],
      ['layer outside', [...good, manifest([{ Config: 'config.json', RepoTags: null, Layers: [`${canary}/file`] }])]],
      [
        'config by a link',
        [{ name: 'c', type: 'symlink', link: `${canary}/file` }, manifest([{ Config: 'c', RepoTags: null, Layers: [] }])],
      ],
      [
        'links in a circle',
        [{ name: 'c', type: 'symlink', link: 'd' }, { name: 'd', type: 'symlink', link: 'c' }, manifest([{ Config: 'c', Layers: [] }])],
      ],
      [
        'wrong diffID',
        [
          { name: 'layer.tar', data: tarOf([file('b')]) },
          { name: 'config.json', data: config },
          manifest([{ Config: 'config.json', Layers: ['layer.tar'] }]),
        ],
      ],
      ['fewer layers', [...good, manifest([{ Config: 'config.json', Layers: [] }])]],
      ['types', [...good, manifest([{ Config: 5, RepoTags: 'x', Layers: 'layer.tar' }])]],
      ['types of names', [...good, manifest([{ Config: 'config.json', RepoTags: [5], Layers: ['layer.tar'] }])]],
      ['no list', [...good, manifest({ Config: 'config.json' })]],
      ['nothing in the list', [...good, manifest([null])]],
      ['bad name', [...good, manifest([{ Config: 'config.json', RepoTags: ['../../x:1'], Layers: ['layer.tar'] }])]],
      [
        'bad config',
        [
          { name: 'layer.tar', data: layer },
          { name: 'config.json', data: configOf([layer], { config: { Labels: { a: 1 } } }) },
          manifest([{ Config: 'config.json', Layers: ['layer.tar'] }]),
        ],
      ],
      [
        'an index that leads out',
        [{ name: 'index.json', data: Buffer.from(JSON.stringify({ manifests: [{ digest: `sha256:${UP}`, size: 1 }] })) }],
      ],
      ['no manifest', good],
    ];
    for (const [what, entries] of archives) {
      const answer = await load(tarOf(entries));
      expect(answer.text, what).toMatch(/"errorDetail":\{"message":"[^"]/);
      expect(answer.text, what).not.toMatch(/TypeError|undefined|is not a function|not iterable/);
    }
    expect((await engine.client.get('/images/json')).json).toHaveLength(1);
    await expect.poll(stored, { timeout: 10_000, interval: 5 }).toEqual(before);
  });

  it('refuses archives with more names than an image has', async () => {
    const many = Buffer.alloc(512 * 200_001);
    const one = tarOf([{ name: 'e', type: 'directory' }]).subarray(0, 512);
    for (let at = 0; at + 512 <= many.length; at += 512) one.copy(many, at);
    expect((await load(gzipSync(many, { level: 1 }))).text).toContain('too many entries');
  });

  it('starts containers of images whose files are traps', async () => {
    const trap = (name: string, entry: Partial<FixtureEntry>): FixtureEntry => ({ name, data: Buffer.alloc(0), ...entry });
    const base = await rootfs();
    const traps: [string, FixtureEntry[]][] = [
      ['pipes', ['etc/passwd', 'etc/group', 'etc/hosts', 'etc/resolv.conf'].map((name) => trap(name, { type: 'fifo' }))],
      ['endless devices', ['etc/passwd', 'etc/group'].map((name) => trap(name, { type: 'character', major: 1, minor: 5 }))],
      [
        'links to the host',
        ['etc/passwd', 'etc/group', 'etc/hosts', 'etc/resolv.conf', 'etc/hostname'].map((name) =>
          trap(name, { type: 'symlink', link: `${canary}/file` }),
        ),
      ],
      ['links by ..', ['etc/hosts', 'etc/resolv.conf', 'place'].map((name) => trap(name, { type: 'symlink', link: `${UP}${canary}/new` }))],
      [
        'a folder as a link',
        [trap('place', { type: 'symlink', link: `${canary}/dir` }), trap('data', { type: 'symlink', link: `${canary}/dir` })],
      ],
      ['proc as a link', ['.wh.proc', '.wh.sys'].map((name) => trap(name, {}))],
      [
        'proc and sys as links',
        [trap('.wh.proc', {}), trap('proc', { type: 'symlink', link: canary }), trap('sys', { type: 'symlink', link: canary })],
      ],
    ];
    for (const [what, entries] of traps) {
      const layer = tarOf(entries);
      const loaded = await load(
        savedImage('trap:1', [base, layer], {
          config: configOf([base, layer], { config: { WorkingDir: '/place/inside', Volumes: { '/data': {} } } }),
        }),
      );
      expect(loaded.text, what).toContain('Loaded image');
      const made = await engine.client.post('/containers/create', {
        Image: 'trap:1',
        Cmd: ['sh', '-c', 'cat /etc/hosts; echo x > /data/new; true'],
        User: '0',
        Volumes: { '/data': {} },
      });
      if (made.status === 201) {
        const started = await engine.client.post(`/containers/${made.json.Id}/start`);
        expect(started.status === 204 || started.json.message.length > 0, what).toBe(true);
        if (started.status === 204) await waitFor(engine.client, made.json.Id);
        const logs = await engine.client.get(`/containers/${made.json.Id}/logs?stdout=1&stderr=1`);
        expect(logs.text, what).not.toContain(SECRET);
        expect((await engine.client.get(`/containers/${made.json.Id}/archive?path=/etc`)).text, what).not.toContain(SECRET);
        expect((await engine.client.delete(`/containers/${made.json.Id}?force=1&v=1`)).status, what).toBe(204);
      } else expect(made.json.message, what).not.toMatch(/TypeError|ERR_/);
      untouched();
      await engine.client.delete('/images/trap:1');
    }
  });

  it('a volume gets copies of what an image has there, and of nothing that its links name', async () => {
    const base = await rootfs();
    const layer = tarOf([
      file('data/own'),
      { name: 'data/l', type: 'symlink', link: `${canary}/file` },
      { name: 'data/d', type: 'symlink', link: canary },
      { name: 'data/p', type: 'fifo' },
      { name: 'out', type: 'symlink', link: canary },
      file(`${canary.slice(1)}/of-the-image`),
    ]);
    await load(savedImage('copy:1', [base, layer]));
    const id = (
      await engine.client.post('/containers/create', {
        Image: 'copy:1',
        Cmd: ['ls', '-l', '/data'],
        Volumes: { '/data': {}, '/out': {} },
        Tty: true,
      })
    ).json.Id;
    for (const { Source } of (await engine.client.get(`/containers/${id}/json`)).json.Mounts) {
      const found = spawnSync('grep', ['-rsl', '--devices=skip', SECRET, Source], { encoding: 'utf8' });
      expect(found.stdout).toBe('');
    }
    expect((await engine.client.post(`/containers/${id}/start`)).text).toBe('');
    await waitFor(engine.client, id);
    expect((await engine.client.get(`/containers/${id}/logs?stdout=1`)).text).toContain('own');
    await engine.client.delete(`/containers/${id}?v=1`);
    await engine.client.delete('/images/copy:1');
  });
});

describe.runIf(onGantry)('against a process that swaps a folder for a link to the host all the time', { timeout: 60_000 }, () => {
  const ROUNDS = 150;
  const swapInShell = `cd /tmp; mkdir f; touch f/inside; ln -s ${canary} l; while :; do mv f x; mv x f; mv l x; mv x l; done`;
  let engine: TestEngine;
  let id: string;
  let swapping: ChildProcess;
  /** `/vol/x` in the container: a folder at one moment, a link to the canary at the next. */
  beforeAll(async () => {
    engine = await startEngine();
    id = await launch(engine.client, { Cmd: ['sleep', '1000'], HostConfig: { Binds: ['swapped:/vol'] } });
    const pid = (await engine.client.get(`/containers/${id}/json`)).json.State.Pid;
    const swap = `
      const fs = require('node:fs');
      process.chdir('/proc/${pid}/root/vol');
      const make = () => {
        for (const name of ['x', 'folder', 'link']) fs.rmSync(name, { recursive: true, force: true });
        fs.mkdirSync('folder'); fs.writeFileSync('folder/file', 'of the container'); fs.symlinkSync(${JSON.stringify(canary)}, 'link');
      };
      process.stdout.write('ready');
      for (;;) {
        try {
          make();
          for (;;) { fs.renameSync('folder', 'x'); fs.renameSync('x', 'folder'); fs.renameSync('link', 'x'); fs.renameSync('x', 'link'); }
        } catch {} // a copy has put something in the way
      }`;
    swapping = spawn(process.execPath, ['-e', swap], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(swapping.stdout as Readable, 'data');
  }, 60_000);
  afterAll(async () => {
    swapping?.kill('SIGKILL');
    await engine?.stop();
  }, 60_000);
  afterEach(() => {
    untouched();
    expect(swapping.exitCode).toBeNull();
  });

  it('cp puts nothing on the host', async () => {
    const body = tarOf([
      file('x/planted'),
      { name: 'x/dir/', type: 'directory', mode: 0o777 },
      file('x/dir/planted'),
      { name: 'h', type: 'link', link: 'x/file' },
    ]);
    let done = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const answers = await Promise.all([
        engine.client.ask('PUT', `/containers/${id}/archive?path=/vol`, { body, headers: TAR }),
        engine.client.ask('PUT', `/containers/${id}/archive?path=/vol/x`, { body: tarOf([file('planted'), file('file')]), headers: TAR }),
      ]);
      done += answers.filter(({ status }) => status === 200).length;
    }
    expect(done).toBeGreaterThan(0);
  });

  it('cp brings nothing from the host', async () => {
    const seen = new Set<string>();
    for (let round = 0; round < ROUNDS; round++) {
      for (const where of ['/vol/x/file', '/vol/x/', '/vol']) {
        const answer = await engine.client.get(`/containers/${id}/archive?path=${where}`);
        expect(answer.text).not.toContain(SECRET);
        seen.add(`${where} ${answer.status}`);
      }
    }
    expect(seen).toContain('/vol 200');
  });

  it('the list of changes names nothing of the host', async () => {
    const own = await launch(engine.client, { Cmd: ['sh', '-c', swapInShell] });
    for (let round = 0; round < ROUNDS; round++) {
      const { json } = await engine.client.get(`/containers/${own}/changes`);
      for (const { Path } of json ?? []) expect(Path).toMatch(/^\/tmp(\/(x|f|l)(\/inside)?)?$/);
    }
    await engine.client.delete(`/containers/${own}?force=1`);
  });

  it('a part of a volume is never a part of the host', async () => {
    let mounted = 0;
    for (let round = 0; round < 25; round++) {
      const made = await create(engine.client, {
        Cmd: ['sh', '-c', 'cat /mnt/file; echo end'],
        Tty: true,
        HostConfig: {
          NetworkMode: 'none',
          Mounts: [{ Type: 'volume', Source: 'swapped', Target: '/mnt', VolumeOptions: { Subpath: 'x' } }],
        },
      });
      if ((await engine.client.post(`/containers/${made}/start`)).status === 204) {
        mounted++;
        await waitFor(engine.client, made);
        const { text } = await engine.client.get(`/containers/${made}/logs?stdout=1`);
        expect(text).toContain('end');
        expect(text).not.toContain(SECRET);
      }
      expect((await engine.client.delete(`/containers/${made}?force=1`)).status).toBe(204);
    }
    expect(mounted).toBeGreaterThan(0);
  });
});
