import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, PortSummary } from '../../../helper/contract/docker/index.ts';
import { type Filter, matches } from '../../lib/filter.ts';
import { type StateView, stateOf } from './state.ts';

export interface ContainerRow {
  /** `HOST/ID`. */
  key: string;
  host: Host;
  id: string;
  name: string;
  image: string;
  imageId: string;
  command: string;
  created: number;
  state: StateView;
  /** The engine's own words, for the tooltip. */
  status: string;
  ports: PublishedPort[];
  labels: Record<string, string>;
  /** Names of those that it has. */
  volumes: string[];
  networks: string[];
  project: string | undefined;
  service: string | undefined;
  running: boolean;
  paused: boolean;
}
export interface PublishedPort {
  public: number | undefined;
  private: number;
  type: string;
  ip: string | undefined;
}

/** One entry a published port, though engines list IPv4 and IPv6 apart; exposed ports last. */
export function portsOf(ports: PortSummary[] | null): PublishedPort[] {
  const seen = new Map<string, PublishedPort>();
  for (const port of ports ?? []) {
    const key = `${port.PublicPort ?? ''}:${port.PrivatePort}/${port.Type}`;
    if (!seen.has(key)) seen.set(key, { public: port.PublicPort || undefined, private: port.PrivatePort, type: port.Type, ip: port.IP });
  }
  return [...seen.values()].sort(
    (a, b) =>
      Number(a.public === undefined) - Number(b.public === undefined) ||
      Number(a.type !== 'tcp') - Number(b.type !== 'tcp') ||
      a.private - b.private,
  );
}

/** `8080→80`, `53→53/udp`, `443`. */
export function portText(port: PublishedPort): string {
  const type = port.type === 'tcp' ? '' : `/${port.type}`;
  return port.public === undefined ? `${port.private}${type}` : `${port.public}→${port.private}${type}`;
}

export function nameOf(summary: Pick<ContainerSummary, 'Names' | 'Id'>): string {
  const name = (summary.Names ?? []).find((n) => n.lastIndexOf('/') === 0) ?? summary.Names?.[0];
  return name?.replace(/^\//, '') ?? summary.Id.slice(0, 12);
}

export function rowOf(host: Host, summary: ContainerSummary, readAt: number, stopped: boolean): ContainerRow {
  const labels = summary.Labels ?? {};
  return {
    key: `${host.id}/${summary.Id}`,
    host,
    id: summary.Id,
    name: nameOf(summary),
    image: summary.Image.replace(/^sha256:([0-9a-f]{12})[0-9a-f]+$/, '$1'),
    imageId: summary.ImageID,
    command: summary.Command,
    created: summary.Created * 1000,
    state: stateOf(summary, readAt, stopped),
    status: summary.Status,
    ports: portsOf(summary.Ports),
    labels,
    volumes: (summary.Mounts ?? []).flatMap(({ Type, Name }) => (Type === 'volume' && Name ? [Name] : [])),
    networks: Object.keys(summary.NetworkSettings?.Networks ?? {}),
    project: labels['com.docker.compose.project'],
    service: labels['com.docker.compose.service'],
    running: summary.State === 'running' || summary.State === 'restarting' || summary.State === 'paused',
    paused: summary.State === 'paused',
  };
}

export const filterNames = ['state', 'host', 'image', 'label', 'project', 'port', 'volume', 'network'] as const;

export function rowMatches(row: ContainerRow, filter: Filter): boolean {
  return matches(filter, `${row.name} ${row.image} ${row.id.slice(0, 12)} ${row.project ?? ''}`, {
    state: [row.state.word, row.state.tone, row.running ? 'up' : 'down'],
    host: [row.host.name],
    image: [row.image],
    project: [row.project ?? ''],
    port: row.ports.map(portText),
    volume: row.volumes,
    network: row.networks,
    label: Object.entries(row.labels).map(([k, v]) => `${k}=${v}`),
  });
}

const byName = (a: ContainerRow, b: ContainerRow) =>
  a.name.localeCompare(b.name, undefined, { numeric: true }) || a.host.name.localeCompare(b.host.name);
const toneOrder = ['running', 'working', 'attention', 'failed', 'idle'];
const compare: Record<string, (a: ContainerRow, b: ContainerRow) => number> = {
  name: byName,
  state: (a, b) => toneOrder.indexOf(a.state.tone) - toneOrder.indexOf(b.state.tone),
  host: (a, b) => a.host.name.localeCompare(b.host.name),
  image: (a, b) => a.image.localeCompare(b.image),
  ports: (a, b) => (a.ports[0]?.public ?? 1e6) - (b.ports[0]?.public ?? 1e6),
  since: (a, b) => (b.state.since ?? b.created) - (a.state.since ?? a.created),
};

export function sortRows(rows: ContainerRow[], column: string, down: boolean): ContainerRow[] {
  const by = compare[column] ?? byName;
  return [...rows].sort((a, b) => (down ? -by(a, b) : by(a, b)) || byName(a, b));
}

export interface Grouped {
  groups: { key: string; project: string; host: Host; rows: ContainerRow[] }[];
  single: ContainerRow[];
}
/** Compose projects (per host) by name, the others after them. Keeps the rows' order. */
export function groupRows(rows: ContainerRow[]): Grouped {
  const groups = new Map<string, Grouped['groups'][number]>();
  const single: ContainerRow[] = [];
  for (const row of rows) {
    if (!row.project) {
      single.push(row);
      continue;
    }
    const key = `${row.host.id}//${row.project}`;
    const group = groups.get(key) ?? { key, project: row.project, host: row.host, rows: [] };
    group.rows.push(row);
    groups.set(key, group);
  }
  return {
    groups: [...groups.values()].sort((a, b) => a.project.localeCompare(b.project) || a.host.name.localeCompare(b.host.name)),
    single,
  };
}
