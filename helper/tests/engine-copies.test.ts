import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CopyHave, CopyPlan, CopyResult, CopySendRequest } from '../contract/copy.ts';
import { getxattr, listxattr, setxattr } from '../system/syscall/index.ts';
import { BASE, create, eventually, launch, onGantry, startEngine, type TestEngine, waitFor } from './harness.ts';

const MEDIA_TYPE = 'application/vnd.gantry.copy';

interface Outcome {
  status: number;
  lines: any[];
  result: CopyResult | undefined;
  error: string | undefined;
}

/** Carries a copy as the app does: the source's answer is the target's request. `cut` after so many bytes breaks both off. */
async function carry(
  from: TestEngine,
  to: TestEngine,
  request: CopySendRequest,
  options: { name?: string; cut?: number } = {},
): Promise<Outcome> {
  const body = JSON.stringify(request);
  const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(body) };
  const source = await from.client.open('POST', '/gantry/v1/copy/send', headers, body);
  if (source.statusCode !== 200) {
    let text = '';
    for await (const chunk of source) text += chunk;
    return { status: source.statusCode ?? 0, lines: [], result: undefined, error: JSON.parse(text).message };
  }
  const target = http.request({
    socketPath: to.socketPath,
    method: 'POST',
    path: `/gantry/v1/copy/receive${options.name ? `?name=${options.name}` : ''}`,
    headers: { 'Content-Type': MEDIA_TYPE },
    agent: false,
  });
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => target.on('response', resolve).on('error', reject));
  answered.catch(() => undefined);
  let carried = 0;
  const piped = pipeline(
    source,
    async function* (chunks) {
      for await (const chunk of chunks) {
        carried += chunk.length;
        yield chunk;
        if (options.cut !== undefined && carried >= options.cut) throw new Error('cut');
      }
    },
    target,
  ).catch((error: Error) => error);
  if (options.cut !== undefined) {
    await piped;
    source.destroy();
    target.destroy();
    return { status: 0, lines: [], result: undefined, error: 'cut' };
  }
  const answer = await answered;
  let text = '';
  for await (const chunk of answer) text += chunk;
  await piped;
  const lines = text
    .split('\r\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
  return {
    status: answer.statusCode ?? 0,
    lines,
    result: lines.find((line) => line.aux)?.aux,
    error: lines.find((line) => line.error)?.error,
  };
}

async function planOf(engine: TestEngine, kind: string, name: string): Promise<CopyPlan> {
  const answer = await engine.client.get(`/gantry/v1/copy/plan?kind=${kind}&name=${encodeURIComponent(name)}`);
  expect(answer.status).toBe(200);
  return answer.json;
}

async function haveOf(engine: TestEngine, request: Record<string, string[]>): Promise<CopyHave> {
  return (await engine.client.post('/gantry/v1/copy/have', request)).json;
}

/** Nothing of a copy is left: no folders aside, no layers that no image has. */
function leftovers(engine: TestEngine): string[] {
  const copies = path.join(engine.folder, 'data/copies');
  const layers = path.join(engine.folder, 'data/layers/ingest');
  const ingest = path.join(engine.folder, 'data/images/ingest');
  return [copies, layers, ingest].flatMap((folder) =>
    existsSync(folder) ? readdirSync(folder).map((name) => path.join(folder, name)) : [],
  );
}

describe.runIf(onGantry)('copies between two engines', () => {
  let source: TestEngine;
  let target: TestEngine;

  beforeAll(async () => {
    [source, target] = await Promise.all([startEngine(), startEngine({ image: false })]);
  });
  afterAll(async () => {
    await Promise.all([source?.stop(), target?.stop()]);
  });
  afterEach(async () => {
    for (const engine of [source, target]) {
      for (const { Id } of (await engine.client.get('/containers/json?all=1')).json)
        await engine.client.delete(`/containers/${Id}?force=1&v=1`);
      for (const { Name } of (await engine.client.get('/volumes')).json.Volumes) await engine.client.delete(`/volumes/${Name}`);
      await engine.client.post('/networks/prune');
    }
    for (const { Id } of (await target.client.get('/images/json')).json) await target.client.delete(`/images/${Id}?force=1`);
  });

  it('an image: what the target lacks travels, and it is the same image there', async () => {
    expect((await source.client.get('/gantry/v1')).json.Features).toContain('copy');
    const plan = await planOf(source, 'image', BASE);
    expect(plan.Image?.Names).toEqual([BASE]);
    const layers = plan.Image?.Layers.map(({ DiffId }) => DiffId) ?? [];
    expect(await haveOf(target, { Layers: layers, Names: [BASE] })).toMatchObject({ Layers: [], Names: {} });

    const copied = await carry(source, target, { Kind: 'image', Name: BASE });
    expect(copied).toMatchObject({ status: 200, error: undefined, result: { Kind: 'image', Id: plan.Image?.Id } });
    expect(
      copied.lines.some((line) => line.progressDetail?.current === line.progressDetail?.total && line.status === 'Copying layer'),
    ).toBe(true);
    const [there, here] = await Promise.all([target, source].map((engine) => engine.client.get(`/images/${BASE}/json`)));
    expect(there?.json.Id).toBe(here?.json.Id);
    expect(there?.json.RootFS).toEqual(here?.json.RootFS);
    const id = await launch(target.client, { Cmd: ['echo', 'copied'] });
    expect(await waitFor(target.client, id)).toBe(0);

    // Once there, nothing but its description travels.
    expect(await haveOf(target, { Layers: layers, Names: [BASE] })).toEqual({
      Layers: layers,
      Names: { [BASE]: plan.Image?.Id },
      Containers: [],
      Volumes: [],
      Networks: [],
    });
    const again = await carry(source, target, { Kind: 'image', Name: BASE, Have: layers });
    expect(again.error).toBeUndefined();
    expect(again.lines.filter((line) => line.status === 'Copying layer')).toEqual([]);
    expect(leftovers(target)).toEqual([]);
  });

  it('a layer that the target was said to have, and has not, is a failure in words', async () => {
    const layers = (await planOf(source, 'image', BASE)).Image?.Layers.map(({ DiffId }) => DiffId) ?? [];
    const copied = await carry(source, target, { Kind: 'image', Name: BASE, Have: layers });
    expect(copied.error).toMatch(/is not here \(any more\), and was not sent/);
    expect((await target.client.get('/images/json?all=1')).json).toEqual([]);
  });

  it('a volume: owners, modes, times, attributes, hard links, links, devices, holes, any name', async () => {
    await source.client.post('/volumes/create', { Name: 'data', Labels: { kept: 'yes' } });
    const folder = (await source.client.get('/volumes/data')).json.Mountpoint;
    const shell = (script: string, where: string): string => execFileSync('bash', ['-ec', script], { cwd: where, encoding: 'utf8' });
    shell(
      `mkdir -p deep/er; echo one > deep/er/one; chown 1000:2000 deep/er/one; chmod 4751 deep/er/one; ln deep/er/one twin
       chmod 1777 deep; chown 5:6 deep; touch -d '2001-02-03 04:05:06.123456' deep/er/one deep/er deep
       ln -s /etc/passwd away; ln -s ../../.. up; mkfifo pipe; mknod zero c 1 5; mknod gone c 0 0
       truncate -s 96M sparse; echo end >> sparse; printf x | dd of=sparse bs=1 seek=33554432 conv=notrunc 2>&1
       setcap cap_net_raw+ep twin
       touch $'b\\xff\\xfe name'; touch 'new
line'; : > empty; chmod 700 .; chown 7:8 .`,
      folder,
    );
    setxattr(`${folder}/deep`, 'user.note', Buffer.from('hello'));
    setxattr(`${folder}/twin`, 'user.bytes', Buffer.from([0, 255, 0]));
    const copied = await carry(source, target, { Kind: 'volume', Name: 'data' }, { name: 'moved' });
    expect(copied).toMatchObject({ error: undefined, result: { Kind: 'volume', Id: 'moved', Name: 'moved' } });
    const there = (await target.client.get('/volumes/moved')).json;
    expect(there.Labels).toEqual({ kept: 'yes' });
    const view = `find . -printf '%P|%y|%m|%U:%G|%n|%s|%Tc|%l\\n' | sort; stat -c '%t,%T' zero gone; sha256sum sparse; getcap twin`;
    expect(shell(view, there.Mountpoint)).toBe(shell(view, folder));
    expect(Number(shell('stat -c %b sparse', there.Mountpoint))).toBeLessThan(1000);
    for (const name of ['deep', 'twin']) {
      const attributes = (where: string): string[] =>
        listxattr(`${where}/${name}`).map((key) => `${key}=${getxattr(`${where}/${name}`, key)?.toString('hex')}`);
      expect(attributes(there.Mountpoint)).toEqual(attributes(folder));
      expect(attributes(folder)).not.toEqual([]);
    }
    expect(shell('[ deep/er/one -ef twin ] && echo same', there.Mountpoint)).toBe('same\n');
    expect(leftovers(target)).toEqual([]);

    const taken = await carry(source, target, { Kind: 'volume', Name: 'data' }, { name: 'moved' });
    expect(taken.error).toBe('there is a volume with the name moved already: remove it, or have its own data used');
  });

  it('a container: its settings, what it wrote, its volumes and networks; it goes on where it stopped', async () => {
    await source.client.post('/networks/create', {
      Name: 'shop',
      IPAM: { Config: [{ Subnet: '10.213.7.0/24' }] },
      Labels: { team: 'a' },
      Options: { 'com.docker.network.driver.mtu': '1400' },
    });
    const script = 'echo written > /etc/mine; rm /etc/group; echo kept > /named/file; echo secret > /anonymous/file; sleep 1000';
    const id = await launch(source.client, {
      name: 'web',
      Cmd: ['sh', '-c', script],
      Env: ['GREETING=hello'],
      Labels: { role: 'front' },
      Hostname: 'given',
      Volumes: { '/anonymous': {} },
      HostConfig: { Binds: ['named:/named'], NetworkMode: 'shop', Memory: 64 << 20, RestartPolicy: { Name: 'unless-stopped' } },
      NetworkingConfig: { EndpointsConfig: { shop: { Aliases: ['www'], IPAMConfig: { IPv4Address: '10.213.7.77' } } } },
    });
    await eventually('its file', async () => (await source.client.get('/containers/web/changes')).text.includes('/etc/mine'));
    await eventually('its secret', async () => (await source.docker(['exec', 'web', 'cat', '/anonymous/file'])).stdout === 'secret\n');
    const plan = await planOf(source, 'container', 'web');
    expect(plan).toMatchObject({
      Name: 'web',
      Networks: ['shop'],
      Container: { Id: id, Running: true, AutoRemove: false },
      Image: { Names: [BASE] },
    });
    expect(plan.Volumes.map(({ Name, Anonymous, UsedBy }) => [Name === 'named', Anonymous, UsedBy])).toEqual(
      expect.arrayContaining([
        [true, false, ['web']],
        [false, true, ['web']],
      ]),
    );
    // The subnet is taken on the target, so it chooses another, and says so.
    await target.client.post('/networks/create', { Name: 'other', IPAM: { Config: [{ Subnet: '10.213.0.0/16' }] } });
    const copied = await carry(source, target, { Kind: 'container', Name: 'web' });
    expect(copied.error).toBeUndefined();
    expect(copied.result?.Warnings).toEqual([
      expect.stringMatching(/^the network shop has another subnet here: /),
      expect.stringMatching(/^the address 10\.213\.7\.77 in the network shop can't be kept: /),
    ]);
    expect((await source.client.get('/containers/web/json')).json.State).toMatchObject({ Running: true, Paused: false });

    const there = (await target.client.get('/containers/web/json')).json;
    expect(there.Id).toBe(copied.result?.Id);
    expect(there.Config).toMatchObject({
      Image: BASE,
      Env: expect.arrayContaining(['GREETING=hello']),
      Labels: { role: 'front', made: 'by-test' },
      Hostname: 'given',
    });
    expect(there.HostConfig).toMatchObject({ Memory: 64 << 20, RestartPolicy: { Name: 'unless-stopped' }, NetworkMode: 'shop' });
    expect((await target.client.get('/networks/shop')).json).toMatchObject({
      Labels: { team: 'a' },
      Options: { 'com.docker.network.driver.mtu': '1400' },
    });
    expect((await target.client.post('/containers/web/start')).status).toBe(204);
    const seen = await target.docker(['exec', 'web', 'sh', '-c', 'cat /etc/mine /named/file /anonymous/file; ls /etc/group; hostname']);
    expect(seen.stdout).toBe('written\nkept\nsecret\ngiven\n');
    expect(seen.stderr).toContain('/etc/group: No such file');
    expect(leftovers(source)).toEqual([]);
    expect(leftovers(target)).toEqual([]);
    // The anonymous volume still is the container's own.
    await target.client.delete('/containers/web?force=1&v=1');
    expect((await target.client.get('/volumes')).json.Volumes.map(({ Name }: { Name: string }) => Name)).toEqual(['named']);
  });

  it('names that are taken are told before any data travels, and a failure leaves nothing', async () => {
    await carry(source, target, { Kind: 'image', Name: BASE });
    await create(source.client, { name: 'web', HostConfig: { Binds: ['named:/named'] } });
    await create(target.client, { name: 'web' });
    expect((await carry(source, target, { Kind: 'container', Name: 'web' })).error).toMatch(
      /^there is a container with the name web already/,
    );
    await target.client.post('/volumes/create', { Name: 'named' });
    const options = { name: 'web-2' };
    expect((await carry(source, target, { Kind: 'container', Name: 'web' }, options)).error).toMatch(
      /^there is a volume with the name named/,
    );
    const used = await carry(source, target, { Kind: 'container', Name: 'web', LeaveVolumes: ['named'] }, options);
    expect(used).toMatchObject({ error: undefined, result: { Name: 'web-2' } });
    expect(leftovers(target)).toEqual([]);
  });

  it('a container that the target refuses takes back its image, its networks and its volumes', async () => {
    await source.client.post('/networks/create', { Name: 'shop' });
    const folder = mkdtempSync(path.join(os.tmpdir(), 'gantry-bind-'));
    await create(source.client, {
      name: 'bound',
      HostConfig: {
        NetworkMode: 'shop',
        Mounts: [
          { Type: 'bind', Source: folder, Target: '/bound' },
          { Type: 'volume', Source: 'named', Target: '/named' },
        ],
      },
    });
    rmSync(folder, { recursive: true });
    const copied = await carry(source, target, { Kind: 'container', Name: 'bound' });
    expect(copied.error).toContain('bind source path does not exist');
    expect((await target.client.get('/images/json?all=1')).json).toEqual([]);
    expect((await target.client.get('/volumes')).json.Volumes).toEqual([]);
    expect((await target.client.get('/networks?filters={"type":["custom"]}')).json).toEqual([]);
    expect(leftovers(target)).toEqual([]);
  });

  it('a copy that is broken off in the midst leaves nothing, and the source goes on', async () => {
    await launch(source.client, { name: 'busy', Cmd: ['sleep', '1000'], HostConfig: { Binds: ['large:/large'] } });
    const folder = (await source.client.get('/volumes/large')).json.Mountpoint;
    execFileSync('dd', ['if=/dev/urandom', `of=${folder}/file`, 'bs=1M', 'count=64'], { stdio: 'ignore' });
    await carry(source, target, { Kind: 'container', Name: 'busy' }, { cut: 24 << 20 });
    await eventually('the source to run', async () => (await source.client.get('/containers/busy/json')).json.State.Status === 'running');
    await eventually('all to be gone', () => leftovers(target).length === 0 && leftovers(source).length === 0);
    expect((await target.client.get('/images/json?all=1')).json).toEqual([]);
    expect((await target.client.get('/volumes')).json.Volumes).toEqual([]);
    expect((await target.client.get('/containers/json?all=1')).json).toEqual([]);
  });

  it('a target that dies in the midst of putting things in place takes them back at its next start', async () => {
    await carry(source, target, { Kind: 'image', Name: BASE });
    await target.client.post('/networks/create', { Name: 'half' });
    await target.client.post('/volumes/create', { Name: 'half' });
    await target.client.post('/volumes/create', { Name: 'theirs' });
    const id = await create(target.client, { name: 'half' });
    const image = (await target.client.get(`/images/${BASE}/json`)).json.Id;
    await target.crash();
    const job = path.join(target.folder, 'data/copies/0123456789abcdef');
    mkdirSync(path.join(job, 'volume-1/_data'), { recursive: true });
    const made = {
      since: '2026-01-01T00:00:00Z',
      image,
      networks: ['half'],
      volumes: { half: 'volume-0', theirs: 'volume-1' },
      container: id,
    };
    writeFileSync(path.join(job, 'journal.json'), JSON.stringify({ made }));
    await target.start();
    expect((await target.client.get('/containers/json?all=1')).json).toEqual([]);
    expect((await target.client.get('/images/json?all=1')).json).toEqual([]);
    expect((await target.client.get('/volumes')).json.Volumes.map(({ Name }: { Name: string }) => Name)).toEqual(['theirs']);
    expect((await target.client.get('/networks?filters={"type":["custom"]}')).json).toEqual([]);
    expect(leftovers(target)).toEqual([]);
  });

  it('a source that dies while containers are paused for it goes on with them at its next start', async () => {
    const id = await launch(source.client, { name: 'held', Cmd: ['sleep', '1000'] });
    await source.client.post('/containers/held/pause');
    await source.crash();
    const job = path.join(source.folder, 'data/copies/0123456789abcdef');
    mkdirSync(job, { recursive: true });
    writeFileSync(path.join(job, 'journal.json'), JSON.stringify({ paused: [id, 'f'.repeat(64)] }));
    await source.start();
    expect((await source.client.get('/containers/held/json')).json.State.Status).toBe('running');
    expect(leftovers(source)).toEqual([]);
  });

  it('a stream from a liar is refused and leaves nothing', async () => {
    const send = async (...messages: (object | Buffer)[]): Promise<string> => {
      const frame = (kind: number, body: Buffer): Buffer => {
        const head = Buffer.alloc(5);
        head.writeUInt8(kind, 0);
        head.writeUInt32BE(body.length, 1);
        return Buffer.concat([head, body]);
      };
      const body = Buffer.concat(
        messages.map((each) => (Buffer.isBuffer(each) ? frame(2, each) : frame(1, Buffer.from(JSON.stringify(each))))),
      );
      const answer = await target.client.ask('POST', '/gantry/v1/copy/receive', { body, headers: { 'Content-Type': MEDIA_TYPE } });
      return answer.json?.error ?? answer.json?.message ?? answer.text;
    };
    const volume = { Name: 'bad', Anonymous: false, Labels: {}, Options: {}, Sent: true };
    const manifest = { Type: 'manifest', Version: 1, Kind: 'volume', Volumes: [volume], Networks: [] };
    const tree = { Type: 'tree', Tree: 'volume', Name: 'bad' };
    const entry = (Path: string, Kind: string, more: object = {}): object => ({
      Type: 'entry',
      Path,
      Kind,
      Mode: 0o755,
      Uid: 0,
      Gid: 0,
      Mtime: '0',
      ...more,
    });
    const root = entry('', 'folder');
    expect(await send(Buffer.from('x'))).toMatch(/data where a message should be/);
    expect(await send(manifest, tree, root, entry('../x', 'file'))).toMatch(/outside of the folders/);
    expect(await send(manifest, tree, root, entry('..', 'folder'))).toMatch(/a name that is none/);
    expect(await send(manifest, tree, root, entry('\u012f\u012f', 'file'))).toMatch(/not one character a byte/);
    expect(await send(manifest, tree, root, entry('l', 'symlink', { Target: '/etc' }), entry('l/x', 'file', { Size: 0 }))).toMatch(
      /outside of the folders/,
    );
    expect(await send(manifest, tree, root, entry('h', 'link', { Node: 3 }))).toMatch(/was not sent/);
    expect(await send(manifest, tree, root, entry('a', 'file', { Size: 3 }), Buffer.from('1234'))).toMatch(/longer than was said/);
    expect(await send(manifest, tree, root, entry('a', 'file', { Size: 3 }), entry('b', 'file'))).toMatch(/shorter than was said/);
    expect(await send(manifest, tree, root, entry('a', 'file'), entry('a', 'file'))).toMatch(/EEXIST/);
    expect(await send(manifest, tree, root, { Type: 'end', Sha256: 'no' })).toMatch(/its digest is not/);
    expect(await send(manifest, { ...tree, Name: 'other' }, root)).toMatch(/not announced/);
    expect(await send(manifest, { Type: 'done' })).toMatch(/no data of the volume bad/);
    expect(await send(manifest, tree, root)).toMatch(/breaks off/);
    expect(await send({ ...manifest, Volumes: [{ ...volume, Name: '../../x' }] }, { ...tree, Name: '../../x' }, root)).toMatch(
      /includes invalid characters|breaks off/,
    );
    expect(await send({ ...manifest, Version: 2 })).toMatch(/stream is damaged/);
    expect(leftovers(target)).toEqual([]);
    expect((await target.client.get('/volumes')).json.Volumes).toEqual([]);
    expect((await target.client.get('/gantry/v1/copy/plan?kind=pod&name=x')).status).toBe(400);
    expect((await target.client.get('/gantry/v1/copy/plan?kind=container&name=x')).status).toBe(404);
  });
});
