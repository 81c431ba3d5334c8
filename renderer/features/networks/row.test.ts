import { describe, expect, it } from 'vitest';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, NetworkInspect } from '../../../helper/contract/docker/index.ts';
import { parseFilter } from '../../lib/filter.ts';
import { filterNames, isUnused, networkMatches, networkRows, sortNetworks, takesContainers } from './row.ts';

const host: Host = { id: 'a', name: 'nas', colour: 'grey', kind: 'local', state: { status: 'connecting' } };
const network = (Name: string, more: Partial<NetworkInspect> = {}) =>
  ({
    Name,
    Id: `id-${Name}`,
    Created: '2026-11-25T20:29:42Z',
    Scope: 'local',
    Driver: 'bridge',
    EnableIPv6: false,
    Internal: false,
    Ingress: false,
    ConfigOnly: false,
    IPAM: { Driver: 'default', Config: [] },
    Options: {},
    Labels: null,
    ...more,
  }) as unknown as NetworkInspect;
const container = (name: string, State: string, Networks: object) =>
  ({ Id: `c-${name}`, Names: [`/${name}`], State, NetworkSettings: { Networks } }) as unknown as ContainerSummary;

const rows = networkRows(
  host,
  [
    network('bridge'),
    network('host', { Driver: 'host' }),
    network('shop', {
      IPAM: { Driver: 'default', Config: [{ Subnet: '10.9.0.0/24' }, { Subnet: 'fd00:9::/64' }] },
      EnableIPv6: true,
      Labels: { tier: 'web', keep: '' },
    }),
    network('lab', { Internal: true, Driver: 'macvlan' }),
  ],
  [
    container('web', 'running', {
      shop: { NetworkID: 'id-shop', IPAddress: '10.9.0.2', GlobalIPv6Address: 'fd00:9::2', MacAddress: '02:42' },
    }),
    container('job', 'exited', { shop: { NetworkID: '' } }),
    // It was on a network of this name, that was deleted since.
    container('old', 'exited', { lab: { NetworkID: 'id-lab-before' } }),
    { Id: 'c-bare', Names: null, State: 'running' } as unknown as ContainerSummary,
  ],
);
const rowOf = (name: string) => rows.find((row) => row.name === name);
const names = (text: string) => rows.filter((row) => networkMatches(row, parseFilter(text, filterNames))).map(({ name }) => name);

describe('a network in the list', () => {
  it('knows who is on it, with addresses while it runs; not who was on another one of its name', () => {
    expect(rowOf('shop')?.users).toEqual([
      { id: 'c-web', name: 'web', running: true, ipv4: '10.9.0.2', ipv6: 'fd00:9::2', mac: '02:42' },
      { id: 'c-job', name: 'job', running: false, ipv4: '', ipv6: '', mac: '' },
    ]);
    expect(rowOf('lab')?.users).toEqual([]);
    expect(rowOf('shop')).toMatchObject({ subnets: ['10.9.0.0/24', 'fd00:9::/64'], labels: ['tier=web', 'keep'] });
  });

  it('is unused when no container has it and a user made it', () => {
    expect(rows.filter(isUnused).map(({ name }) => name)).toEqual(['lab']);
    expect(rows.filter(takesContainers).map(({ name }) => name)).toEqual(['bridge', 'shop', 'lab']);
  });

  it('of Podman is predefined by another name', () => {
    const engine = { product: 'Podman', version: '5', apiVersion: '1.41', os: 'linux', arch: 'amd64' } as const;
    const podman: Host = { ...host, state: { status: 'connected', engine, since: 0 } };
    expect(networkRows(podman, [network('podman')], [])[0]?.predefined).toBe(true);
    expect(networkRows(host, [network('podman')], [])[0]?.predefined).toBe(false);
  });

  it('is found by state, driver, subnet, label, container and free words', () => {
    expect(names('state:unused')).toEqual(['bridge', 'host', 'lab']);
    expect(names('state:own')).toEqual(['shop', 'lab']);
    expect(names('state:internal')).toEqual(['lab']);
    expect(names('driver:macvlan')).toEqual(['lab']);
    expect(names('subnet:10.9')).toEqual(['shop']);
    expect(names('label:tier=web')).toEqual(['shop']);
    expect(names('container:job')).toEqual(['shop']);
    expect(names('sho')).toEqual(['shop']);
  });

  it("is sorted by name with the user's own first, by containers with the fullest first", () => {
    const order = (column: string) => sortNetworks(rows, column, false).map(({ name }) => name);
    expect(order('name')).toEqual(['lab', 'shop', 'bridge', 'host']);
    expect(order('users')[0]).toBe('shop');
  });
});
