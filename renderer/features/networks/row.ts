import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, NetworkInspect } from '../../../helper/contract/docker/index.ts';
import { type Filter, matches } from '../../lib/filter.ts';
import { parseTime, shortId } from '../../lib/format.ts';

/** A container that has a place in a network; its addresses are there while it runs. */
export interface NetworkUser {
  id: string;
  name: string;
  running: boolean;
  ipv4: string;
  ipv6: string;
  mac: string;
}

export interface NetworkRow {
  /** `HOST/ID`. */
  key: string;
  host: Host;
  id: string;
  name: string;
  driver: string;
  scope: string;
  created: number;
  subnets: string[];
  users: NetworkUser[];
  /** `name=value`. */
  labels: string[];
  /** Of the engine itself: it is always there. */
  predefined: boolean;
  network: NetworkInspect;
}

/** Source: moby, runconfig: IsPreDefinedNetwork; Podman's default is called after itself. */
const PREDEFINED = { Gantry: ['bridge', 'host', 'none'], Docker: ['bridge', 'host', 'none'], Podman: ['podman', 'bridge', 'host', 'none'] };

function isPredefined(host: Host, { Name, Ingress }: NetworkInspect): boolean {
  const product = host.state.status === 'connected' || host.state.status === 'reconnecting' ? host.state.engine?.product : undefined;
  const names = product === 'Podman' ? PREDEFINED.Podman : PREDEFINED.Docker;
  return names.includes(Name) || Ingress;
}

const isRunning = (state: string): boolean => state === 'running' || state === 'paused' || state === 'restarting';

/** The containers of a host → those with a place in a network. Engines tell it in the list of containers alone, by the network's name. */
function usersOf({ Id, Name }: NetworkInspect, containers: ContainerSummary[]): NetworkUser[] {
  return containers.flatMap((container): NetworkUser[] => {
    const place = container.NetworkSettings?.Networks?.[Name];
    // Of another network that had this name.
    if (!place || (place.NetworkID && place.NetworkID !== Id && place.NetworkID !== Name)) return [];
    return [
      {
        id: container.Id,
        name: container.Names?.[0]?.replace(/^\//, '') ?? shortId(container.Id),
        running: isRunning(container.State),
        ipv4: place.IPAddress ?? '',
        ipv6: place.GlobalIPv6Address ?? '',
        mac: place.MacAddress ?? '',
      },
    ];
  });
}

export function networkRows(host: Host, networks: NetworkInspect[], containers: ContainerSummary[]): NetworkRow[] {
  return networks.map((network): NetworkRow => {
    const { Id, Name, Driver, Scope, Created, IPAM, Labels } = network;
    return {
      key: `${host.id}/${Id}`,
      host,
      id: Id,
      name: Name,
      driver: Driver,
      scope: Scope,
      created: parseTime(Created),
      subnets: (IPAM?.Config ?? []).flatMap(({ Subnet }) => Subnet ?? []),
      users: usersOf(network, containers),
      labels: Object.entries(Labels ?? {}).map(([name, value]) => (value ? `${name}=${value}` : name)),
      predefined: isPredefined(host, network),
      network,
    };
  });
}

/** A container can be given a place there, or lose it. Source: moby, daemon/container_operations.go. */
export const takesContainers = ({ name, driver, predefined, network }: NetworkRow): boolean =>
  !(predefined && (name === 'host' || name === 'none')) && driver !== 'host' && driver !== 'null' && !network.ConfigOnly;

/** No container has it, running or not, and nobody but a user made it. */
export const isUnused = ({ users, predefined }: NetworkRow): boolean => users.length === 0 && !predefined;

export const filterNames = ['host', 'state', 'name', 'driver', 'scope', 'subnet', 'label', 'container'] as const;

export function networkMatches(row: NetworkRow, filter: Filter): boolean {
  const names = row.users.map(({ name }) => name);
  return matches(filter, `${row.name} ${row.id.slice(0, 12)} ${row.subnets.join(' ')} ${names.join(' ')}`, {
    host: [row.host.name],
    name: [row.name],
    state: [
      row.users.length > 0 ? 'used' : 'unused',
      row.predefined ? 'predefined' : 'own',
      ...(row.network.Internal ? ['internal'] : []),
      ...(row.network.EnableIPv6 ? ['ipv6'] : []),
    ],
    driver: [row.driver],
    scope: [row.scope],
    subnet: row.subnets,
    label: row.labels,
    container: names,
  });
}

const compare: Record<string, (a: NetworkRow, b: NetworkRow) => number> = {
  // The user's own come first: the others are on every host.
  name: (a, b) => Number(a.predefined) - Number(b.predefined) || a.name.localeCompare(b.name, undefined, { numeric: true }),
  host: (a, b) => a.host.name.localeCompare(b.host.name),
  driver: (a, b) => a.driver.localeCompare(b.driver),
  scope: (a, b) => a.scope.localeCompare(b.scope),
  subnets: (a, b) => (a.subnets[0] ?? '~').localeCompare(b.subnets[0] ?? '~', undefined, { numeric: true }),
  users: (a, b) => b.users.length - a.users.length,
  created: (a, b) => b.created - a.created,
};

export function sortNetworks(rows: NetworkRow[], column: string, down: boolean): NetworkRow[] {
  const name = compare.name as (a: NetworkRow, b: NetworkRow) => number;
  const by = compare[column] ?? name;
  return [...rows].sort((a, b) => (down ? -by(a, b) : by(a, b)) || name(a, b));
}
