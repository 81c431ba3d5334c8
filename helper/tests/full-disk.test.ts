import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { tarOf } from '../store/tar/fixture.ts';
import { FakeRegistry } from './fake-registry.ts';
import { type Answer, BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';
import { savedImage } from './images.ts';
import { engineTraces } from './leftovers.ts';

/** Of nothing that fails for want of space anything is left, and when there is space again all works. */
describe.runIf(onGantry)('a full disk', { timeout: 60_000 }, () => {
  let engine: TestEngine;
  let registry: FakeRegistry;
  const data = (...names: string[]): string => path.join(engine.folder, 'data', ...names);

  const free = (): void => {
    for (const name of readdirSync(data())) if (name.startsWith('filler-')) rmSync(data(name));
  };
  /** Takes all but `spare` bytes. */
  const fill = (spare = 0): void => {
    free();
    if (spare > 0) writeFileSync(data('filler-spare'), Buffer.alloc(spare));
    const { bavail, bsize } = statfsSync(data());
    execFileSync('fallocate', ['-l', String(bavail * bsize - 2 ** 20), data('filler-most')]);
    for (let size = 2 ** 18; size >= 1; size = Math.floor(size / 8)) {
      try {
        for (let at = 0; at < 8; at += 1) writeFileSync(data(`filler-${size}-${at}`), Buffer.alloc(size));
      } catch {
        // As much as there is.
      }
    }
    rmSync(data('filler-spare'), { force: true });
  };
  /** All that the engine keeps, by name. Logs and statistics come by themselves. */
  const kept = (folder = data()): string[] =>
    readdirSync(folder, { withFileTypes: true })
      .filter(
        ({ name }) =>
          !/^(filler-.*|lost\+found|hostname|hosts|resolv.conf|\.?trash|ingest|lock|stops|statistics|container\.log|.*\.previous)$/.test(
            name,
          ),
      )
      .flatMap((entry) => [
        path.join(folder, entry.name),
        ...(entry.isDirectory() && !['upper', 'work'].includes(entry.name) ? kept(path.join(folder, entry.name)) : []),
      ])
      .sort();
  const TAR = { 'Content-Type': 'application/x-tar' };
  beforeAll(async () => {
    registry = await FakeRegistry.start();
    engine = await startEngine({ dataSize: '40M' });
  }, 60_000);
  afterEach(free);
  afterAll(async () => {
    await engine?.stop();
    await registry?.stop();
  }, 60_000);

  it('is said, with nothing left of what failed, wherever it ended', async () => {
    const { client } = engine;
    const stopped = await launch(client, { Cmd: ['sh', '-c', 'echo hello > /file; cat /file'] });
    await waitFor(client, stopped);
    const named = await create(client, { name: 'old', Cmd: ['true'] });
    const fresh = await create(client, { Cmd: ['true'] });
    // The durable record follows a moment after the exit.
    await eventually('all is written', () => readFileSync(data('containers', stopped, 'container.json'), 'utf8').includes('"exited"'));
    const root = tarOf([{ name: 'file', data: Buffer.alloc(100_000, 'r') }]);
    const noise = tarOf([{ name: 'file', data: randomBytes(100_000) }]);
    registry.add('full:1', [noise]);

    // A container with a volume that has something in it, as it travels from engine to engine.
    await client.post('/volumes/create', { Name: 'noise' });
    const travels = await launch(client, {
      Cmd: ['sh', '-c', 'head -c 100000 /dev/urandom > /noise/file; head -c 100000 /dev/urandom > /written'],
      HostConfig: { Binds: ['noise:/noise'] },
    });
    await waitFor(client, travels);
    const [aVolume, aContainer] = await Promise.all(
      [
        { Kind: 'volume', Name: 'noise' },
        { Kind: 'container', Name: travels, LeaveVolumes: ['noise'] },
      ].map(async (wish) => {
        const body = JSON.stringify(wish);
        const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
        return buffer(await client.open('POST', '/gantry/v1/copy/send', headers, body));
      }),
    );
    const receive = (name: string, body: Buffer | undefined) =>
      client.ask('POST', `/gantry/v1/copy/receive?name=${name}`, {
        ...(body ? { body } : {}),
        headers: { 'Content-Type': 'application/vnd.gantry.copy' },
      });

    // The first one makes the folder for all.
    expect((await receive('copied', aVolume)).json.aux).toMatchObject({ Name: 'copied' });
    await client.delete('/volumes/copied');

    const attempts: { what: string; attempt(): Promise<Answer>; undo(answer: Answer): Promise<Answer> }[] = [
      {
        what: 'load',
        attempt: () => client.ask('POST', '/images/load?quiet=1', { body: savedImage('loaded:1', [root]), headers: TAR }),
        undo: () => client.delete('/images/loaded:1'),
      },
      {
        what: 'import',
        attempt: () => client.ask('POST', '/images/create?fromSrc=-&repo=imported', { body: root, headers: TAR }),
        undo: () => client.delete('/images/imported'),
      },
      {
        what: 'pull',
        attempt: () => client.post(`/images/create?fromImage=${registry.host}/full&tag=1`),
        undo: () => client.delete(`/images/${registry.host}/full:1`),
      },
      {
        what: 'create',
        attempt: () => client.post('/containers/create', { Image: BASE, HostConfig: { Binds: ['made:/bin'] } }),
        undo: async ({ json }) => {
          await client.delete(`/containers/${json.Id}`);
          return client.delete('/volumes/made');
        },
      },
      {
        what: 'start',
        attempt: () => client.post(`/containers/${fresh}/start`),
        undo: () => client.post(`/containers/${fresh}/wait`),
      },
      {
        what: 'commit',
        attempt: () => client.post(`/commit?container=${stopped}&repo=committed`),
        undo: () => client.delete('/images/committed'),
      },
      { what: 'copied volume', attempt: () => receive('copied', aVolume), undo: () => client.delete('/volumes/copied') },
      { what: 'copied container', attempt: () => receive('copied', aContainer), undo: () => client.delete('/containers/copied') },
      {
        what: 'bin',
        attempt: () => client.post('/gantry/v1/bin', { Container: named }),
        undo: ({ json }) => client.post(`/gantry/v1/bin/${json.Id}/restore`),
      },
      { what: 'tag', attempt: () => client.post(`/images/${BASE}/tag?repo=other&tag=1`), undo: () => client.delete('/images/other:1') },
      { what: 'volume', attempt: () => client.post('/volumes/create', { Name: 'own' }), undo: () => client.delete('/volumes/own') },
      { what: 'network', attempt: () => client.post('/networks/create', { Name: 'own' }), undo: () => client.delete('/networks/own') },
      {
        what: 'rename',
        attempt: () => client.post(`/containers/${named}/rename?name=new`),
        undo: () => client.post(`/containers/${named}/rename?name=old`),
      },
      {
        what: 'update',
        attempt: () => client.post(`/containers/${named}/update`, { Memory: 2 ** 26, MemorySwap: 2 ** 26 }),
        undo: () => client.post(`/containers/${named}/update`, { Memory: 2 ** 25, MemorySwap: 2 ** 25 }),
      },
    ];
    const shown = async () => {
      const [images, containers, volumes, networks] = await Promise.all(
        ['/images/json?all=1', '/containers/json?all=1', '/volumes', '/networks'].map(async (path) => (await client.get(path)).json),
      );
      return {
        images: images.map(({ Id, RepoTags }: { Id: string; RepoTags: string[] }) => `${Id} ${RepoTags}`).sort(),
        containers: containers.map(({ Id, Names }: { Id: string; Names: string[] }) => `${Id} ${Names}`).sort(),
        volumes: volumes.Volumes.map(({ Name }: { Name: string }) => Name).sort(),
        networks: networks.map(({ Name }: { Name: string }) => Name).sort(),
      };
    };
    const before = { kept: kept(), shown: await shown(), links: engineTraces(engine.folder).links };
    const failed = new Set<string>();
    for (const spare of [0, 8192, 40_960]) {
      for (const { what, attempt, undo } of attempts) {
        fill(spare);
        const answer = await attempt();
        const error = answer.status >= 400 ? answer.json.message : answer.text.includes('"error"') ? answer.json.error : undefined;
        if (error === undefined) {
          free();
          expect((await undo(answer)).status, `${what} is undone`).toBeLessThan(300);
          continue;
        }
        failed.add(what);
        expect(error, `${what} with ${spare} bytes`).toMatch(/no space left on device/i);
        expect(answer.status === 200 || answer.status === 500, `${what}: ${answer.status}`).toBe(true);
      }
      free();
      expect(await shown(), `with ${spare} bytes`).toEqual(before.shown);
      // A record that is being written a moment late has a name of its own until it is.
      await expect.poll(() => kept(), { message: `with ${spare} bytes`, timeout: 10_000 }).toEqual(before.kept);
      expect(engineTraces(engine.folder).links).toEqual(before.links);
    }
    expect([...failed].sort()).toEqual(attempts.map(({ what }) => what).sort());
    expect((await client.get(`/containers/${named}/json`)).json).toMatchObject({ Name: '/old', HostConfig: { Memory: 2 ** 25 } });
  });

  it('keeps no container from running, ending and being removed, and the engine not from starting', async () => {
    const { client } = engine;
    const writer = await launch(client, {
      Cmd: ['sh', '-c', 'while ! [ -e /tmp/go ]; do echo line; sleep 0.02; done; exit 3'],
      HostConfig: { Tmpfs: { '/tmp': '' } },
    });
    const stopped = await launch(client, { Cmd: ['sleep', '1000'] });
    const removed = await launch(client, { Cmd: ['sleep', '1000'] });
    await client.post('/volumes/create', { Name: 'full' });
    const image = savedImage('full:1', [tarOf([{ name: 'file', data: Buffer.alloc(100_000, 'i') }])]);
    await client.ask('POST', '/images/load?quiet=1', { body: image, headers: TAR });
    fill();
    const full = await launch(client, { Cmd: ['sh', '-c', 'echo much > /file'] }).catch((error: Error) => error.message);
    expect(full).toMatch(/no space left on device/i);
    expect((await client.post(`/containers/${stopped}/stop?t=0`)).status).toBe(204);
    expect((await client.delete(`/containers/${removed}?force=1`)).status).toBe(204);
    expect((await client.delete('/volumes/full')).status).toBe(204);
    expect((await client.delete('/images/full:1')).status).toBe(200);
    fill();
    await engine.crash();
    await engine.start();
    expect((await client.get(`/containers/${stopped}/json`)).json.State).toMatchObject({ Status: 'exited', ExitCode: 137 });
    expect((await client.get(`/containers/${writer}/json`)).json.State).toMatchObject({ Running: true });
    const go = (await client.post(`/containers/${writer}/exec`, { Cmd: ['touch', '/tmp/go'] })).json.Id;
    expect((await client.post(`/exec/${go}/start`, { Detach: true })).status).toBe(200);
    expect(await waitFor(client, writer)).toBe(3);
    // What could not be written is written when there is room.
    free();
    for (const id of [stopped, writer]) {
      await eventually('its end is on disk', () => readFileSync(data('containers', id, 'container.json'), 'utf8').includes('"exited"'));
    }
    expect(await waitFor(client, await launch(client, { Cmd: ['sh', '-c', 'echo much > /file'] }))).toBe(0);
  });
});
