import type { NetworkInspect } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import { Failure } from '../failure.ts';
import { toNanos } from '../instant.ts';
import { untilFilter } from '../until.ts';
import type { Network } from './model.ts';

/** `GET /networks/{id}`; lists show the same with no containers. */
export function describeNetwork(network: Network, withContainers: boolean): NetworkInspect {
  const { stored } = network;
  return {
    Name: stored.name,
    Id: stored.id,
    Created: stored.createdAt,
    Scope: 'local',
    Driver: stored.driver,
    EnableIPv4: stored.ipv4,
    EnableIPv6: stored.ipv6,
    IPAM: {
      Driver: stored.ipam.driver,
      Options: stored.ipam.options,
      Config:
        stored.driver === 'host' || (stored.driver === 'null' && !network.configOnly)
          ? null
          : [...stored.ipam.config, ...(stored.ipam.idle ?? [])].map(({ subnet, range, gateway, aux }) => ({
              Subnet: subnet,
              ...(range ? { IPRange: range } : {}),
              ...(gateway ? { Gateway: gateway } : {}),
              ...(Object.keys(aux).length > 0 ? { AuxiliaryAddresses: aux } : {}),
            })),
    },
    Internal: stored.internal,
    Attachable: stored.attachable,
    Ingress: false,
    ConfigFrom: { Network: stored.configFrom ?? '' },
    ConfigOnly: network.configOnly,
    Containers: withContainers
      ? Object.fromEntries(
          [...network.endpoints.values()].map((endpoint) => [
            endpoint.containerId,
            {
              Name: endpoint.containerName,
              EndpointID: endpoint.id,
              MacAddress: endpoint.mac,
              IPv4Address: endpoint.v4 ? `${endpoint.v4.address}/${endpoint.v4.prefix}` : '',
              IPv6Address: endpoint.v6 ? `${endpoint.v6.address}/${endpoint.v6.prefix}` : '',
            },
          ]),
        )
      : {},
    Options: stored.options,
    Labels: stored.labels,
  };
}

const LIST = new Set(['dangling', 'driver', 'id', 'label', 'name', 'scope', 'type']);
const PRUNE = new Set(['label', 'label!', 'until']);

function checkKeys(filters: Filters, known: Set<string>): void {
  for (const key of filters.keys()) if (!known.has(key)) throw new Failure('invalidParameter', `invalid filter '${key}'`);
}

/** @param attached whether a container, running or not, has the network */
export function listFilter(filters: Filters): (network: Network) => boolean {
  checkKeys(filters, LIST);
  const values = (key: string): readonly string[] => filters.get(key) ?? [];
  const [dangling, more] = values('dangling');
  if (more !== undefined) throw new Failure('invalidParameter', 'got more than one value for filter key "dangling"');
  if (dangling !== undefined && !['0', '1', 'true', 'false'].includes(dangling)) {
    throw new Failure('invalidParameter', `invalid value for filter 'dangling', must be "true" (or "1"), or "false" (or "0")`);
  }
  for (const type of values('type')) {
    if (type !== 'custom' && type !== 'builtin') throw new Failure('invalidParameter', `invalid filter: 'type'='${type}'`);
  }
  const some = (key: string, test: (value: string) => boolean): boolean => values(key).length === 0 || values(key).some(test);
  return (network) =>
    some('driver', (value) => value === network.stored.driver) &&
    some('scope', (value) => value === 'local') &&
    some('name', (value) => matches(network.name, value)) &&
    some('id', (value) => matches(network.id, value)) &&
    some('type', (value) => (value === 'builtin') === network.predefined) &&
    values('label').every((value) => hasLabel(network.stored.labels, value)) &&
    (dangling === undefined || (dangling === '1' || dangling === 'true') === (!network.predefined && network.endpoints.size === 0));
}

export function pruneFilter(filters: Filters): (network: Network) => boolean {
  checkKeys(filters, PRUNE);
  const before = untilFilter(filters.get('until'));
  return (network) =>
    (before === undefined || toNanos(network.stored.createdAt) < before) &&
    (filters.get('label') ?? []).every((value) => hasLabel(network.stored.labels, value)) &&
    !(filters.get('label!') ?? []).some((value) => hasLabel(network.stored.labels, value));
}

/** As dockerd: a pattern that may match anywhere; what is no pattern is compared as text. */
function matches(text: string, pattern: string): boolean {
  if (text.includes(pattern)) return true;
  try {
    return new RegExp(pattern).test(text);
  } catch {
    return false;
  }
}

function hasLabel(labels: Record<string, string>, wanted: string): boolean {
  const cut = wanted.indexOf('=');
  if (cut < 0) return Object.hasOwn(labels, wanted);
  return labels[wanted.slice(0, cut)] === wanted.slice(cut + 1);
}
