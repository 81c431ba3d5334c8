import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { baseImageArchive, rootfs } from './base-image.ts';
import { BASE, create, ENGINE, onGantry, startEngine, type TestEngine } from './harness.ts';

let engine: TestEngine;
beforeAll(async () => {
  engine = await startEngine();
}, 60_000);
afterAll(() => engine?.stop(), 60_000);

const TAR = { 'Content-Type': 'application/x-tar' };

describe(`images on ${ENGINE}`, { timeout: 30_000 }, () => {
  it('list, inspect and history agree', async () => {
    const list = (await engine.client.get('/images/json')).json;
    expect(list).toHaveLength(1);
    expect(list[0]).toMatchObject({
      Id: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      RepoTags: [BASE],
      Containers: -1,
      Labels: { made: 'by-test' },
    });
    const inspect = (await engine.client.get(`/images/${BASE}/json`)).json;
    expect(inspect).toMatchObject({
      Id: list[0].Id,
      RepoTags: [BASE],
      Created: '2026-01-02T03:04:05.123456789Z',
      Os: 'linux',
      Size: list[0].Size,
      Config: { Cmd: ['sh'], Labels: { made: 'by-test' }, Entrypoint: null },
      RootFS: { Type: 'layers', Layers: [expect.stringMatching(/^sha256:/)] },
    });
    expect((await engine.client.get(`/images/${BASE}/history`)).json).toEqual([
      expect.objectContaining({ Id: list[0].Id, CreatedBy: 'busybox-static', Tags: [BASE], Size: list[0].Size }),
    ]);
  });

  it.runIf(onGantry)('are of a platform, which requests of newer versions may ask for', async () => {
    const { Architecture } = (await engine.client.get(`/images/${BASE}/json`)).json;
    const own = encodeURIComponent(JSON.stringify({ os: 'linux', architecture: Architecture }));
    const other = encodeURIComponent(JSON.stringify({ os: 'linux', architecture: 'riscv64' }));
    for (const path of [`/images/${BASE}/json`, `/images/${BASE}/history`, `/images/${BASE}/get`]) {
      expect((await engine.client.get(`${path}?platform=${own}`)).status).toBe(200);
      expect((await engine.client.get(`${path}?platform=${encodeURIComponent('{"os":"linux"}')}`)).json.message).toBe(
        'both OS and Architecture must be provided',
      );
    }
    expect(await engine.client.get(`/images/${BASE}/json?platform=${other}`)).toMatchObject({
      status: 404,
      json: {
        message: `image with reference ${BASE} was found but its platform (linux/${Architecture}) does not match the specified platform (linux/riscv64)`,
      },
    });
    expect((await engine.client.get(`/images/${BASE}/get?platform=${other}`)).json.message).toBe(
      'no suitable export target found for platform linux/riscv64',
    );
    expect((await engine.at('1.47').get(`/images/${BASE}/json?platform=${other}`)).status).toBe(200);
    const loaded = await engine.client.ask('POST', `/images/load?platform=${other}`, { body: await baseImageArchive(), headers: TAR });
    expect(loaded.text).toContain('requested platform (linux/riscv64) not found');
    expect((await engine.client.delete(`/images/${BASE}?platforms=${other}`)).status).toBe(404);
  });

  it.runIf(onGantry)('have the config of their version: before 1.50 with the fields of a container', async () => {
    expect((await engine.at('1.50').get(`/images/${BASE}/json`)).json.Config).not.toHaveProperty('Hostname');
    expect((await engine.at('1.49').get(`/images/${BASE}/json`)).json.Config).toMatchObject({ Hostname: '', Tty: false });
  });

  it('are found by name, id and prefix of the id', async () => {
    const { Id } = (await engine.client.get(`/images/${BASE}/json`)).json;
    for (const name of [`docker.io/${BASE}`, Id, Id.slice(7), Id.slice(7, 15)])
      expect((await engine.client.get(`/images/${name}/json`)).json.Id, name).toBe(Id);
  });

  it('old versions get their shapes', async () => {
    const [entry] = (await engine.at('1.40').get('/images/json')).json;
    expect(entry.VirtualSize).toBe(entry.Size);
    expect((await engine.at('1.40').get(`/images/${BASE}/json`)).json).toMatchObject({
      VirtualSize: entry.Size,
      ContainerConfig: expect.anything(),
    });
    if (onGantry) {
      expect((await engine.at('1.44').get('/images/json')).json[0]).not.toHaveProperty('VirtualSize');
      expect((await engine.at('1.44').get(`/images/${BASE}/json`)).json).not.toHaveProperty('VirtualSize');
    }
  });

  it.runIf(onGantry)('have the container’s config that docker-compose 1 asks the newest version for', async () => {
    expect((await engine.client.get(`/images/${BASE}/json`)).json.ContainerConfig).toMatchObject({ Volumes: null });
  });

  it('a tag more is one name more of the same image', async () => {
    expect((await engine.client.post(`/images/${BASE}/tag?repo=registry.example:5000/a/b&tag=2`)).status).toBe(201);
    const { RepoTags } = (await engine.client.get('/images/registry.example:5000/a/b:2/json')).json;
    expect(RepoTags.sort()).toEqual([BASE, 'registry.example:5000/a/b:2']);
    expect((await engine.client.delete('/images/registry.example:5000/a/b:2')).json).toEqual([{ Untagged: 'registry.example:5000/a/b:2' }]);
  });

  it('a commit of nothing changed is an image of no more layers', async () => {
    const id = await create(engine.client, { Cmd: ['a', 'command'], Entrypoint: ['an', 'entrypoint'] });
    expect((await engine.client.post(`/commit?container=${id}&repo=unchanged`)).status).toBe(201);
    const layers = async (name: string): Promise<string[]> => (await engine.client.get(`/images/${name}/json`)).json.RootFS.Layers;
    expect(await layers('unchanged')).toEqual(await layers(BASE));
    const [newest] = (await engine.client.get('/images/unchanged/history')).json;
    expect(newest).toMatchObject({ CreatedBy: 'a command', Size: 0 });
    await engine.client.delete(`/containers/${id}`);
    await engine.client.delete('/images/unchanged');
  });

  // dockerd 20.10 has no `until`.
  it.runIf(onGantry)('are listed by when they were made, to the nanosecond: what came before is not what came then', async () => {
    const id = await create(engine.client, {});
    const made: { Id: string; Created: string }[] = [];
    for (const tag of ['1', '2', '3', '4']) {
      await engine.client.post(`/commit?container=${id}&repo=timed&tag=${tag}`);
      made.push((await engine.client.get(`/images/timed:${tag}/json`)).json);
    }
    const list = async (filters: Record<string, string[]>): Promise<string[]> =>
      (await engine.client.get(`/images/json?filters=${encodeURIComponent(JSON.stringify(filters))}`)).json.flatMap(
        ({ RepoTags }: { RepoTags: string[] }) => RepoTags.filter((name) => name.startsWith('timed')),
      );
    const until = [made[2]?.Created ?? '', made[3]?.Created ?? ''];
    expect(await list({ since: ['timed:1'], until, before: ['timed:4'] })).toEqual(['timed:2']);
    expect(await list({ since: ['timed:1'], before: ['timed:4'] })).toHaveLength(2);
    expect(await list({ until: ['1h'] })).toEqual([]);
    await engine.client.delete(`/containers/${id}`);
    for (const { Id } of made) await engine.client.delete(`/images/${Id}?force=1`);
  });

  it('a digest’s algorithm is no name', async () => {
    const refused = await engine.client.post(`/images/${BASE}/tag?repo=sha256&tag=1`);
    expect([refused.status, refused.json.message]).toEqual([400, 'refusing to create an ambiguous tag using digest algorithm as name']);
  });

  it('import makes an image of a file system, also a compressed one', async () => {
    const answer = await engine.client.ask(
      'POST',
      '/images/create?fromSrc=-&repo=imported&tag=1&changes=CMD%20%5B%22true%22%5D&message=made',
      {
        body: gzipSync(await rootfs(), { level: 1 }),
        headers: TAR,
      },
    );
    expect(answer.status).toBe(200);
    expect(answer.json.status).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect((await engine.client.get('/images/imported:1/json')).json).toMatchObject({
      Id: answer.json.status,
      Comment: 'made',
      Config: { Cmd: ['true'] },
    });
    expect((await engine.client.delete('/images/imported:1')).json.at(-1)).toHaveProperty('Deleted');
  });

  it('what was saved loads again to the same image', async () => {
    const { Id } = (await engine.client.get(`/images/${BASE}/json`)).json;
    const chunks: Buffer[] = [];
    for await (const chunk of await engine.client.open('GET', `/images/${BASE}/get`)) chunks.push(chunk as Buffer);
    expect((await engine.client.delete(`/images/${BASE}`)).status).toBe(200);
    const loaded = await engine.client.ask('POST', '/images/load', { body: Buffer.concat(chunks), headers: TAR });
    expect(loaded.text).toContain(`Loaded image: ${BASE}`);
    expect((await engine.client.get(`/images/${BASE}/json`)).json.Id).toBe(Id);
  });

  it('a damaged archive is refused and leaves nothing', async () => {
    const archive = Buffer.from(await baseImageArchive());
    const before = (await engine.client.get('/images/json?all=1')).json;
    const answer = await engine.client.ask('POST', '/images/load', { body: archive.subarray(0, 200_000), headers: TAR });
    expect(answer.status >= 400 || answer.text.includes('"error"')).toBe(true);
    expect((await engine.client.get('/images/json?all=1')).json).toEqual(before);
  });

  it('prune removes the untagged ones only', async () => {
    await engine.client.ask('POST', '/images/create?fromSrc=-', { body: await rootfs(), headers: TAR });
    const pruned = (await engine.client.post('/images/prune')).json;
    expect(pruned.ImagesDeleted.some((entry: object) => 'Deleted' in entry)).toBe(true);
    expect((await engine.client.get('/images/json')).json).toHaveLength(1);
  });

  it('one that others are made of loses its name, and goes with the last of them', async () => {
    const docker = async (...args: string[]): Promise<string> => {
      const { code, stdout, stderr } = await engine.docker(args);
      if (code !== 0) throw new Error(`docker ${args.join(' ')}: ${stderr}`);
      return stdout.trim();
    };
    await docker('run', '--name', 'below', BASE, 'mkdir', '/below');
    await docker('commit', 'below', 'below:1');
    await docker('run', '--name', 'above', 'below:1', 'mkdir', '/above');
    await docker('commit', 'above', 'above:1');
    await docker('rm', 'below', 'above');
    expect(await docker('rmi', 'below:1')).toBe('Untagged: below:1');
    expect((await docker('images', '-a', '--format', '{{.Repository}}')).split('\n').sort()).toEqual(
      ['<none>', 'above', BASE.split(':')[0]].sort(),
    );
    expect(await docker('images', '-aq', '-f', 'dangling=true')).toBe('');
    expect((await docker('rmi', 'above:1')).match(/^Deleted: /gm)).toHaveLength(4);
    expect(await docker('images', '-a', '--format', '{{.Repository}}')).toBe(BASE.split(':')[0]);
  });
});
