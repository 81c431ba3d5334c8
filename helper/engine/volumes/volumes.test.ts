import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { resolveConfig } from '../../config/index.ts';
import type { EngineContext } from '../context.ts';
import type { Events, Filters } from '../events/types.ts';
import { createVolumes } from './index.ts';
import { checkVolumeName } from './names.ts';
import { checkDriverOptions, mountArguments } from './options.ts';
import type { Volumes } from './types.ts';

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const asRoot = process.getuid?.() === 0;
let root: string;
let seen: string[];
let volumes: Volumes;

const filters = (entries: Record<string, string[]> = {}): Filters => new Map(Object.entries(entries));
const events = {
  publish: (type: string, action: string, id: string) => void seen.push(`${type} ${action} ${id}`),
  observe: () => () => {},
  subscribe: async function* () {},
} as unknown as Events;

async function open(): Promise<Volumes> {
  const context: EngineContext = {
    paths: { data: path.join(root, 'data'), run: path.join(root, 'run') },
    config: resolveConfig().engine,
    log: quiet,
    instance: 'test',
  };
  const opened = createVolumes(context, events);
  await opened.start();
  return opened;
}

beforeEach(async () => {
  root = mkdtempSync(path.join(os.tmpdir(), 'gantry-volumes-'));
  seen = [];
  volumes = await open();
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

describe('names and options', () => {
  it('refuses names as dockerd does', () => {
    expect(() => checkVolumeName('x!')).toThrow(
      'create x!: "x!" includes invalid characters for a local volume name, only "[a-zA-Z0-9][a-zA-Z0-9_.-]" are allowed. If you intended to pass a host directory, use absolute path',
    );
    expect(() => checkVolumeName('..')).toThrow('includes invalid characters');
    expect(() => checkVolumeName('a')).toThrow('create a: volume name is too short, names should be at least two alphanumeric characters');
    expect(() => checkVolumeName('a1_.-')).not.toThrow();
  });

  it('checks driver options', () => {
    expect(() => checkDriverOptions('v', { foo: 'x' })).toThrow('create v: invalid option: "foo"');
    expect(() => checkDriverOptions('v', { device: '/x' })).toThrow('create v: missing required option: "type"');
    expect(() => checkDriverOptions('v', { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' })).not.toThrow();
    const cifs = (device: string) => () => checkDriverOptions('v', { type: 'cifs', device, o: 'user=me' });
    expect(cifs('//nas:4455/share')).toThrow("create v: port not allowed in CIFS device URL, include 'port' in 'o='");
    expect(cifs('//nas/share:2')).not.toThrow();
    for (const size of ['0', '0k', '0 MiB']) expect(() => checkDriverOptions('v', { size })).not.toThrow();
    for (const size of ['', 'x', '-1', '1 q']) expect(() => checkDriverOptions('v', { size })).toThrow(`create v: invalid size: '${size}'`);
  });

  it('gives mount.nfs its host in front', () => {
    expect(mountArguments({ type: 'nfs', o: 'addr=10.0.0.9,rw', device: ':/srv' }, '/t')).toEqual([
      '-t',
      'nfs',
      '-o',
      'addr=10.0.0.9,rw',
      '--',
      '10.0.0.9:/srv',
      '/t',
    ]);
  });
});

describe('volumes', () => {
  it('creates, inspects, lists, removes, and survives a restart', async () => {
    const made = await volumes.create({ Name: 'db', Labels: { a: '1' } });
    expect(made).toMatchObject({ Name: 'db', Driver: 'local', Scope: 'local', Labels: { a: '1' }, Options: null });
    expect(existsSync(made.Mountpoint)).toBe(true);
    writeFileSync(path.join(made.Mountpoint, 'x'), 'data');
    volumes = await open();
    expect(await volumes.inspect('db')).toEqual(made);
    expect((await volumes.list(filters({ label: ['a=1'] }))).Volumes).toHaveLength(1);
    expect((await volumes.list(filters({ label: ['a=2'] }))).Volumes).toHaveLength(0);
    await expect(volumes.list(filters({ foo: ['x'] }))).rejects.toThrow("invalid filter 'foo'");
    await volumes.remove('db', false);
    await expect(volumes.inspect('db')).rejects.toThrow('get db: no such volume');
    await volumes.remove('db', true);
    expect(seen).toEqual(['volume create db', 'volume destroy db']);
  });

  it('refuses unknown drivers and volumes in use', async () => {
    await expect(volumes.create({ Name: 'vv', Driver: 'foo' })).rejects.toThrow(
      'error looking up volume plugin foo: plugin "foo" not found',
    );
    await volumes.acquire('vv', 'c1');
    await expect(volumes.remove('vv', true)).rejects.toThrow('remove vv: volume is in use - [c1]');
    expect((await volumes.list(filters({ dangling: ['true'] }))).Volumes).toHaveLength(0);
    await volumes.release('c1', true);
    expect((await volumes.list(filters({ dangling: ['true'] }))).Volumes).toHaveLength(1);
  });

  it('tells sizes and users of those whose data is its own', async () => {
    await volumes.create({ Name: 'own' });
    await volumes.create({ Name: 'elsewhere', DriverOpts: { type: 'none', o: 'bind', device: '/' } });
    await volumes.acquire('own', 'c1');
    expect((await volumes.usage()).map(({ Name, UsageData }) => [Name, UsageData])).toEqual([['own', { Size: 0, RefCount: 1 }]]);
  });

  it('removes anonymous volumes with the container they were made for only', async () => {
    const mine = await volumes.acquire(undefined, 'c1');
    expect(mine.name).toMatch(/^[0-9a-f]{64}$/);
    const kept = await volumes.acquire(undefined, 'c1');
    await volumes.acquire(kept.name, 'c2');
    volumes = await open();
    volumes.adopt([
      { container: 'c1', volumes: [mine.name, kept.name] },
      { container: 'c2', volumes: [kept.name] },
    ]);
    await volumes.release('c1', true);
    await expect(volumes.inspect(mine.name)).rejects.toThrow('no such volume');
    await volumes.release('c2', true);
    await volumes.inspect(kept.name);
  });

  it('the last user that borrowed an anonymous volume takes it along', async () => {
    const { name } = await volumes.acquire(undefined, 'c1');
    await volumes.acquire(name, 'c2');
    await volumes.release('c1', true);
    await volumes.inspect(name);
    await volumes.release('c2', true, [name]);
    await expect(volumes.inspect(name)).rejects.toThrow('no such volume');
  });

  it('prunes none with driver options: their data lies elsewhere', async () => {
    await volumes.create({ Name: 'remote', DriverOpts: { type: 'nfs', device: ':/x', o: 'addr=127.0.0.1' } });
    expect((await volumes.prune(filters({ all: ['true'] }))).VolumesDeleted).toEqual([]);
  });

  it('prunes anonymous ones by default, all when asked', async () => {
    await volumes.create({ Name: 'named' });
    const { Name } = await volumes.create({});
    writeFileSync(path.join((await volumes.inspect(Name)).Mountpoint, 'x'), Buffer.alloc(1000));
    expect(await volumes.prune(filters())).toEqual({ VolumesDeleted: [Name], SpaceReclaimed: 1000 });
    expect(await volumes.prune(filters({ all: ['true'] }))).toEqual({ VolumesDeleted: ['named'], SpaceReclaimed: 0 });
  });

  it('prunes by labels, those that are there and those that are not', async () => {
    await volumes.create({ Name: 'keep', Labels: { keep: 'yes' } });
    await volumes.create({ Name: 'drop', Labels: { keep: 'no' } });
    await volumes.create({ Name: 'plain' });
    const prune = async (entries: Record<string, string[]>) => (await volumes.prune(filters({ all: ['true'], ...entries }))).VolumesDeleted;
    expect(await prune({ label: ['other'] })).toEqual([]);
    expect(await prune({ label: ['keep=no'] })).toEqual(['drop']);
    expect(await prune({ 'label!': ['keep'] })).toEqual(['plain']);
    expect(await prune({ 'label!': ['keep=no'] })).toEqual(['keep']);
    await expect(prune({ name: ['x'] })).rejects.toThrow("invalid filter 'name'");
  });

  it('keeps data whose volume.json is lost, removes a half-made empty one', async () => {
    mkdirSync(path.join(root, 'data/volumes/half/_data'), { recursive: true });
    mkdirSync(path.join(root, 'data/volumes/full/_data'), { recursive: true });
    writeFileSync(path.join(root, 'data/volumes/full/_data/x'), 'x');
    volumes = await open();
    expect((await volumes.list(filters())).Volumes.map((volume) => volume.Name)).toEqual(['full']);
  });

  it.runIf(asRoot)('copies image content up once, with owners, modes, links and times', async () => {
    const source = path.join(root, 'image');
    mkdirSync(source, { mode: 0o750 });
    execFileSync('sh', ['-c', 'echo hi > a; ln a b; chown 7:8 . a; chmod 4711 a; touch -d 2001-01-01 a; mkfifo p'], { cwd: source });
    symlinkSync('/etc/passwd', path.join(source, 'l'));
    const { path: data } = await volumes.acquire('web', 'c1');
    await volumes.populate('web', source);
    const a = lstatSync(path.join(data, 'a'));
    expect([a.uid, a.gid, a.mode & 0o7777, a.nlink, a.mtime.getUTCFullYear()]).toEqual([7, 8, 0o4711, 2, 2001]);
    expect(lstatSync(path.join(data, 'l')).isSymbolicLink()).toBe(true);
    expect([lstatSync(data).uid, lstatSync(data).mode & 0o777]).toEqual([7, 0o750]);
    writeFileSync(path.join(data, 'a'), 'changed');
    await volumes.populate('web', source);
    expect(readFileSync(path.join(data, 'a'), 'utf8')).toBe('changed');
  });

  it.runIf(asRoot)('mounts what the driver options say, and tells mount’s own error', async () => {
    await volumes.create({ Name: 'mem', DriverOpts: { type: 'tmpfs', device: 'tmpfs', o: 'size=1m' } });
    const { path: data } = await volumes.acquire('mem', 'c1');
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(data);
    try {
      await volumes.hold('mem', 'c1');
      await volumes.hold('mem', 'c2');
      expect(readFileSync('/proc/self/mounts', 'utf8').split(`tmpfs ${data} tmpfs`)).toHaveLength(2);
      await volumes.letGo('mem', 'c1');
      await volumes.letGo('mem', 'c1');
      expect(readFileSync('/proc/self/mounts', 'utf8')).toContain(data);
    } finally {
      await volumes.letGo('mem', 'c2');
    }
    expect(readFileSync('/proc/self/mounts', 'utf8')).not.toContain(data);
    await volumes.create({ Name: 'bad', DriverOpts: { type: 'none', device: '/nowhere/at/all', o: 'bind' } });
    await expect(volumes.hold('bad', 'c1')).rejects.toThrow(
      /^error while mounting volume '\S+bad\/_data': failed to mount local volume.*\/nowhere\/at\/all/,
    );
  });
});
