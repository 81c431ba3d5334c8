import { randomBytes } from 'node:crypto';
import type { NetworkCreateRequest } from '../../contract/docker.ts';
import { findLink, withHostLock } from '../../system/netns/index.ts';
import { run } from '../../system/nft/nft.ts';
import { Failure } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { withUndo } from '../undo.ts';
import { enableForwarding, ensureBridge, ensureParent, rulesOf } from './bridge.ts';
import { readIpamConfig } from './ipam/request.ts';
import { isPredefined, type Network, OPTION } from './model.ts';
import type { StoredIpam, StoredNetwork } from './store.ts';
import { freeSubnet, refuseOverlap } from './subnets.ts';
import type { World } from './world.ts';

export const LOCK = 'gantry-subnets';

/** @throws Failure with dockerd's texts */
export async function createNetwork(world: World, given: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
  const request = withDefaultOptions(world, given);
  const { Name: name } = request;
  if (!name?.trim()) throw new Failure('invalidParameter', 'invalid name: name is empty');
  if (isPredefined(name)) throw new Failure('forbidden', `operation is not permitted on predefined ${name} network `);
  if (request.ConfigOnly || request.ConfigFrom?.Network)
    throw new Failure('notImplemented', 'config-only networks are not part of this engine');
  if (request.Scope === 'swarm') throw new Failure('forbidden', 'cannot create a swarm scoped network when swarm is not active');
  const driver = driverOf(request.Driver);
  checkOptions(request.Options ?? {});
  const ipv4 = request.EnableIPv4 ?? true;
  const ipv6 = request.EnableIPv6 ?? false;
  const asked = readIpamConfig(request.IPAM?.Config ?? [], ipv6);
  // One after the other: names and subnets are looked up first and taken later.
  return await world.queue.run('create', () =>
    withHostLock(LOCK, async () => {
      if ([...world.networks.values()].some((network) => network.name === name)) {
        throw new Failure('conflict', `network with name ${name} already exists`);
      }
      refuseOverlap(world, asked);
      const config: StoredIpam[] = [...asked];
      const has = (family: 4 | 6): boolean => config.some((entry) => entry.subnet.includes(':') === (family === 6));
      if (ipv4 && !has(4)) config.unshift(freeSubnet(world, 4));
      if (ipv6 && !has(6)) config.push(freeSubnet(world, 6));
      const id = randomBytes(32).toString('hex');
      const stored: StoredNetwork = {
        version: 1,
        id,
        name,
        createdAt: nowInstant(),
        driver,
        internal: request.Internal ?? false,
        attachable: request.Attachable ?? false,
        ipv4,
        ipv6,
        ipam: {
          driver: request.IPAM?.Driver || 'default',
          options: request.IPAM?.Options ?? null,
          config: ipv4 ? config : config.filter((entry) => entry.subnet.includes(':')),
        },
        options: request.Options ?? {},
        labels: request.Labels ?? {},
        link: linkOf(world, id, driver, request),
      };
      const network = await bringUp(world, stored);
      world.publishNetworkEvent('create', network);
      return { Id: id, Warning: '' };
    }),
  );
}

function driverOf(driver: string | undefined): StoredNetwork['driver'] {
  switch (driver || 'bridge') {
    case 'bridge':
    case 'default':
      return 'bridge';
    case 'macvlan':
    case 'ipvlan':
      return driver as 'macvlan' | 'ipvlan';
    case 'host':
    case 'null':
      throw new Failure('forbidden', `only one instance of "${driver}" network is allowed`);
    case 'overlay':
      throw new Failure(
        'forbidden',
        'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
      );
    default:
      throw new Failure('notFound', `could not find plugin ${driver} in v1 plugin registry: plugin "${driver}" not found`);
  }
}

/** What the engine's configuration says for networks of this driver comes first, what the request says wins. */
function withDefaultOptions({ context }: World, request: NetworkCreateRequest): NetworkCreateRequest {
  const defaults = context.config.defaultNetworkOpts[request.Driver || 'bridge'];
  return defaults ? { ...request, Options: { ...defaults, ...request.Options } } : request;
}

const FLAGS = [OPTION.icc, OPTION.masquerade, OPTION.inhibitIpv4];

function checkOptions(options: Record<string, string>): void {
  for (const key of FLAGS) {
    const value = options[key];
    if (value !== undefined && !/^(1|t|true|0|f|false)$/i.test(value)) {
      throw new Failure('invalidParameter', `driver-opt ${JSON.stringify(key)} is not a valid bool: ${JSON.stringify(value)}`);
    }
  }
  const mtu = options[OPTION.mtu];
  if (mtu !== undefined && !/^\d{1,5}$/.test(mtu))
    throw new Failure('invalidParameter', `failed to parse ${mtu} as int value for ${OPTION.mtu}`);
  const bridge = options[OPTION.bridgeName];
  if (bridge !== undefined && !/^[^\s/:]{1,15}$/.test(bridge)) {
    throw new Failure('invalidParameter', `invalid bridge name ${JSON.stringify(bridge)}: at most 15 characters, no slash, colon or space`);
  }
}

function linkOf(world: World, id: string, driver: StoredNetwork['driver'], request: NetworkCreateRequest): string {
  if (driver === 'bridge') {
    const name = request.Options?.[OPTION.bridgeName];
    const other =
      name && [...world.networks.values()].find((network) => network.stored.driver === 'bridge' && network.stored.link === name);
    if (other) {
      throw new Failure(
        'forbidden',
        `cannot create network ${id} (${name}): conflicts with network ${other.id} (${name}): networks have same bridge name`,
      );
    }
    return name ?? `br-${id.slice(0, 12)}`;
  }
  return request.Options?.parent || `dm-${id.slice(0, 12)}`;
}

/** Link, packet filter, file: all or nothing. */
async function bringUp(world: World, stored: StoredNetwork): Promise<Network> {
  return await withUndo(async (undo) => {
    const existed = findLink(world.host, stored.link) !== undefined;
    undo.add('link', () => (existed ? undefined : deleteLink(stored.link)));
    const network = world.add(stored);
    undo.add('network', () => world.networks.delete(stored.id));
    if (stored.driver === 'bridge') ensureBridge(world.host, network, world.context.instance);
    else ensureParent(world.host, network, world.context.instance);
    if (world.context.config.ipForward) enableForwarding(stored.ipv6);
    const rules = rulesOf(network);
    if (rules) {
      undo.add('packet filter', () => world.firewall.removeNetwork(rules));
      await world.firewall.addNetwork(rules);
    }
    await world.store.write(stored);
    return network;
  });
}

/** By a process: the kernel waits tens of milliseconds for a link to go, and the main thread must not. Idempotent. */
export async function deleteLink(name: string): Promise<void> {
  await run('ip', ['link', 'delete', 'dev', name]).catch((error: unknown) => {
    if (!/Cannot find device/.test(String(error))) throw error;
  });
}
