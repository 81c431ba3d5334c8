import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, VolumeInspect } from '../../../helper/contract/docker/index.ts';
import { type Filter, matches } from '../../lib/filter.ts';
import { parseTime, shortId } from '../../lib/format.ts';

/** A container that has a volume; it need not run. */
export interface VolumeUser {
  id: string;
  name: string;
  running: boolean;
  /** Where it sees the volume. */
  place: string;
  readOnly: boolean;
}

/** Where a volume's data lies: with the engine, in memory, in a folder of the host, on an NFS server, where its driver has it. */
export type VolumeKind = 'plain' | 'tmpfs' | 'folder' | 'nfs' | 'other';

export interface VolumeRow {
  /** `HOST/NAME`. */
  key: string;
  host: Host;
  /** What commands take. */
  name: string;
  /** What people read: an anonymous volume's name is cut like an id. */
  title: string;
  /** Made by the engine for a container, named by nobody. */
  anonymous: boolean;
  driver: string;
  kind: VolumeKind;
  created: number;
  /** Bytes; undefined where nobody has measured them. */
  size: number | undefined;
  users: VolumeUser[];
  /** `name=value`. */
  labels: string[];
  volume: VolumeInspect;
}

const ANONYMOUS_LABEL = 'com.docker.volume.anonymous';

function isAnonymous({ Name, Labels }: VolumeInspect): boolean {
  return Labels?.[ANONYMOUS_LABEL] !== undefined || /^[0-9a-f]{64}$/.test(Name);
}

export function kindOf({ Driver, Options }: Pick<VolumeInspect, 'Driver' | 'Options'>): VolumeKind {
  const { type = '', o = '' } = Options ?? {};
  if (Driver !== 'local') return 'other';
  if (type === 'tmpfs') return 'tmpfs';
  if (/^nfs4?$/.test(type)) return 'nfs';
  if (/(^|,)r?bind(,|$)/.test(o)) return 'folder';
  return type === '' ? 'plain' : 'other';
}

/** Names and volumes of a host → who has them, in the order of the engine's list. */
function usersByVolume(containers: ContainerSummary[]): Map<string, VolumeUser[]> {
  const users = new Map<string, VolumeUser[]>();
  for (const { Id, Names, State, Mounts } of containers) {
    for (const { Type, Name, Destination, RW } of Mounts ?? []) {
      if (Type !== 'volume' || !Name) continue;
      const user = {
        id: Id,
        name: Names?.[0]?.replace(/^\//, '') ?? shortId(Id),
        running: State === 'running' || State === 'paused' || State === 'restarting',
        place: Destination,
        readOnly: !RW,
      };
      users.set(Name, [...(users.get(Name) ?? []), user]);
    }
  }
  return users;
}

export function volumeRows(
  host: Host,
  volumes: VolumeInspect[],
  containers: ContainerSummary[],
  sizes: ReadonlyMap<string, number> | undefined,
): VolumeRow[] {
  const users = usersByVolume(containers);
  return volumes.map((volume): VolumeRow => {
    const anonymous = isAnonymous(volume);
    return {
      key: `${host.id}/${volume.Name}`,
      host,
      name: volume.Name,
      title: anonymous ? shortId(volume.Name) : volume.Name,
      anonymous,
      driver: volume.Driver,
      kind: kindOf(volume),
      created: parseTime(volume.CreatedAt),
      size: sizes?.get(volume.Name),
      users: users.get(volume.Name) ?? [],
      labels: Object.entries(volume.Labels ?? {})
        .filter(([name]) => name !== ANONYMOUS_LABEL)
        .map(([name, value]) => (value ? `${name}=${value}` : name)),
      volume,
    };
  });
}

export const filterNames = ['host', 'state', 'name', 'driver', 'label', 'container'] as const;

export function volumeMatches(row: VolumeRow, filter: Filter): boolean {
  return matches(filter, `${row.name} ${row.users.map(({ name }) => name).join(' ')}`, {
    host: [row.host.name],
    name: [row.name],
    state: [row.users.length > 0 ? 'used' : 'unused', row.anonymous ? 'anonymous' : 'named'],
    driver: [row.driver, row.kind],
    label: row.labels,
    container: row.users.map(({ name }) => name),
  });
}

/** Bytes of those that are known. */
export function bytesOf(rows: VolumeRow[]): number {
  return rows.reduce((sum, { size }) => sum + (size ?? 0), 0);
}

const compare: Record<string, (a: VolumeRow, b: VolumeRow) => number> = {
  name: (a, b) => Number(a.anonymous) - Number(b.anonymous) || a.name.localeCompare(b.name, undefined, { numeric: true }),
  host: (a, b) => a.host.name.localeCompare(b.host.name),
  driver: (a, b) => a.driver.localeCompare(b.driver) || a.kind.localeCompare(b.kind),
  users: (a, b) => b.users.length - a.users.length,
  created: (a, b) => b.created - a.created,
  size: (a, b) => (b.size ?? -1) - (a.size ?? -1),
};

export function sortVolumes(rows: VolumeRow[], column: string, down: boolean): VolumeRow[] {
  const name = compare.name as (a: VolumeRow, b: VolumeRow) => number;
  const by = compare[column] ?? name;
  return [...rows].sort((a, b) => (down ? -by(a, b) : by(a, b)) || name(a, b));
}
