import { describe, expect, it } from 'vitest';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, VolumeInspect } from '../../../helper/contract/docker/index.ts';
import { parseFilter } from '../../lib/filter.ts';
import { filterNames, kindOf, sortVolumes, volumeMatches, volumeRows } from './row.ts';

const host: Host = { id: 'a', name: 'nas', colour: 'grey', kind: 'local', state: { status: 'connecting' } };
const volume = (Name: string, more: Partial<VolumeInspect> = {}): VolumeInspect => ({
  Name,
  Driver: 'local',
  Mountpoint: `/volumes/${Name}/_data`,
  CreatedAt: '2026-11-25T20:29:42Z',
  Labels: null,
  Scope: 'local',
  Options: null,
  ...more,
});
const anonymous = 'f'.repeat(64);
const web = {
  Id: 'c1',
  Names: ['/web'],
  State: 'running',
  Mounts: [
    { Type: 'volume', Name: 'data', Destination: '/data', RW: false },
    { Type: 'bind', Source: '/srv', Destination: '/srv', RW: true },
  ],
} as unknown as ContainerSummary;
const idle = { Id: 'c2', Names: ['/idle'], State: 'exited', Mounts: null } as unknown as ContainerSummary;

const rows = volumeRows(
  host,
  [volume(anonymous), volume('data', { Labels: { tier: 'web', keep: '' } }), volume('cache')],
  [web, idle],
  new Map([
    ['data', 2000],
    ['cache', 0],
  ]),
);
const names = (text: string) => rows.filter((row) => volumeMatches(row, parseFilter(text, filterNames))).map(({ title }) => title);

describe('a volume in the list', () => {
  it('knows who has it, where and how; a bind is none', () => {
    expect(rows.map(({ users }) => users)).toEqual([[], [{ id: 'c1', name: 'web', running: true, place: '/data', readOnly: true }], []]);
  });

  it('that nobody named is cut like an id; labels are read as they are written', () => {
    expect(rows[0]).toMatchObject({ anonymous: true, title: 'f'.repeat(12), name: anonymous, size: undefined });
    expect(rows[1]?.labels).toEqual(['tier=web', 'keep']);
  });

  it('is found by state, label, container and free words', () => {
    expect(names('state:used')).toEqual(['data']);
    expect(names('state:unused')).toEqual(['f'.repeat(12), 'cache']);
    expect(names('state:anonymous')).toEqual(['f'.repeat(12)]);
    expect(names('label:tier=web')).toEqual(['data']);
    expect(names('container:web')).toEqual(['data']);
    expect(names('cach')).toEqual(['cache']);
  });

  it('is sorted by name with anonymous ones last, by size with unknown ones last', () => {
    const order = (column: string) => sortVolumes(rows, column, false).map(({ title }) => title);
    expect(order('name')).toEqual(['cache', 'data', 'f'.repeat(12)]);
    expect(order('size')).toEqual(['data', 'cache', 'f'.repeat(12)]);
  });
});

it('tells where the data lies from the options of the driver', () => {
  const kind = (Options: Record<string, string> | null, Driver = 'local') => kindOf({ Driver, Options });
  expect(kind(null)).toBe('plain');
  expect(kind({})).toBe('plain');
  expect(kind({ type: 'tmpfs', device: 'tmpfs' })).toBe('tmpfs');
  expect(kind({ type: 'none', device: '/srv', o: 'bind' })).toBe('folder');
  expect(kind({ type: 'nfs', device: ':/x', o: 'addr=h,nfsvers=4' })).toBe('nfs');
  expect(kind({ type: 'ext4', device: '/dev/sdb1' })).toBe('other');
  expect(kind(null, 'rclone')).toBe('other');
});
