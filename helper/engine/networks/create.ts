import { randomBytes } from 'node:crypto';
import type { NetworkCreateRequest } from '../../contract/docker/index.ts';
import { findLink, withHostLock } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { withUndo } from '../undo.ts';
import { enableForwarding, ensureBridge, ensureParent } from './bridge.ts';
import { checkConfigOnly, withConfigFrom } from './config-only.ts';
import { deleteLink } from './delete-link.ts';
import { cidrText, parseAddress, parseCidr } from './ipam/addresses.ts';
import { readIpamConfig } from './ipam/request.ts';
import { isPredefined, type Network, OPTION } from './model.ts';
import { BOOLEAN, checkOptions, checkParent } from './options.ts';
import type { StoredNetwork } from './store.ts';
import { freeSubnet, refuseOverlap } from './subnets.ts';
import type { World } from './world.ts';

export const LOCK = 'gantry-subnets';

/** @throws Failure with dockerd's texts */
export async function createNetwork(world: World, given: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
  const { Name: name } = given;
  if (!name?.trim()) throw new Failure('invalidParameter', 'invalid name: name is empty');
  if (isPredefined(name)) throw new Failure('forbidden', `operation is not permitted on predefined ${name} network `);
  const driver = given.ConfigOnly ? 'null' : driverOf(given.Driver);
  if (given.Scope === 'swarm') throw new Failure('forbidden', 'cannot create a swarm scoped network when swarm is not active');
  if (given.Ingress) throw new Failure('forbidden', 'Ingress network can only be global scope network');
  if (given.Scope === 'global') throw noSwarm();
  checkConfigOnly(given);
  // One after the other: names and subnets are looked up first and taken later.
  return await world.queue.run('create', () =>
    withHostLock(LOCK, async () => {
      if ([...world.networks.values()].some((network) => network.name === name)) {
        throw new Failure('conflict', `network with name ${name} already exists`);
      }
      const request = given.ConfigFrom?.Network
        ? withConfigFrom(world.networks.values(), given)
        : given.ConfigOnly
          ? given
          : withDefaultOptions(world, given);
      const id = randomBytes(32).toString('hex');
      const stored = plan(world, id, driver, request);
      const network = stored.configOnly ? await keepSettings(world, stored) : await bringUp(world, stored);
      world.publishNetworkEvent('create', network);
      return { Id: id, Warning: '' };
    }),
  );
}

/** What the network will be; nothing is taken yet. */
function plan(world: World, id: string, driver: StoredNetwork['driver'], request: NetworkCreateRequest): StoredNetwork {
  const configOnly = request.ConfigOnly ?? false;
  const ipv4 = enabled(request, OPTION.enable4, request.EnableIPv4) ?? true;
  const ipv6 = enabled(request, OPTION.enable6, request.EnableIPv6) ?? false;
  if (!configOnly) {
    if (driver === 'bridge' && !ipv4 && !ipv6) throw new Failure('invalidParameter', 'IPv4 or IPv6 must be enabled');
    checkOptions(driver, request);
    checkParent(world.networks.values(), request);
    checkIpamDriver(request.IPAM?.Driver);
  }
  const leadsOut = (family: 4 | 6): boolean => hasGateway(driver, request, family);
  const config = readIpamConfig(request.IPAM?.Config ?? [], ipv6 || configOnly, (family) => !configOnly && leadsOut(family));
  if (!configOnly) {
    refuseOverlap(world, config);
    const has = (family: 4 | 6): boolean => config.some((entry) => entry.subnet.includes(':') === (family === 6));
    if (ipv4 && !has(4)) config.unshift(freeSubnet(world, 4, leadsOut(4)));
    if (ipv6 && !has(6)) config.push(freeSubnet(world, 6, leadsOut(6)));
  }
  return {
    version: 1,
    id,
    name: request.Name,
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
      ...(ipv6 || configOnly ? {} : idleSubnets(request)),
    },
    options: withoutOverruled(request),
    labels: request.Labels ?? {},
    ...(configOnly ? { configOnly } : {}),
    ...(request.ConfigFrom?.Network ? { configFrom: request.ConfigFrom.Network } : {}),
    link: configOnly ? '' : linkOf(world, id, driver, request),
  };
}

/** What the request says in its own field wins; its option of that name is left out then (`withoutOverruled`). */
function enabled(request: NetworkCreateRequest, option: string, field: boolean | null | undefined): boolean | undefined {
  const value = request.Options?.[option];
  if (typeof field === 'boolean' || value === undefined) return field ?? undefined;
  if (!BOOLEAN.test(value)) throw new Failure('invalidParameter', `driver-opt ${JSON.stringify(option)} is not a valid bool`);
  return /^(1|t)/i.test(value);
}

function withoutOverruled({ Options = {}, EnableIPv4, EnableIPv6 }: NetworkCreateRequest): Record<string, string> {
  const overruled = (key: string): boolean =>
    (key === OPTION.enable4 && typeof EnableIPv4 === 'boolean') || (key === OPTION.enable6 && typeof EnableIPv6 === 'boolean');
  return Object.fromEntries(Object.entries(Options ?? {}).filter(([key]) => !overruled(key)));
}

/** Where no route would go to a gateway, its address is free for containers: a /31 has room for two. */
function hasGateway(driver: StoredNetwork['driver'], { Options = {}, Internal }: NetworkCreateRequest, family: 4 | 6): boolean {
  if (driver !== 'bridge') return !Internal && Boolean(Options?.parent);
  if (Options?.[family === 4 ? OPTION.gatewayMode4 : OPTION.gatewayMode6] === 'isolated') return false;
  return !(family === 4 && Internal && /^(1|t)/i.test(Options?.[OPTION.inhibitIpv4] ?? ''));
}

/** Not checked, as they are not used; what is no subnet at all is left out. */
function idleSubnets({ IPAM }: NetworkCreateRequest): Pick<StoredNetwork['ipam'], 'idle'> {
  // Null stands for nothing (docker-py writes all fields).
  const idle = (IPAM?.Config ?? []).flatMap((config) => {
    const parsed = parseCidr(config.Subnet || '');
    if (parsed?.cidr.family !== 6) return [];
    const range = config.IPRange && parseCidr(config.IPRange) ? { range: config.IPRange } : {};
    const gateway = config.Gateway && parseAddress(config.Gateway) ? { gateway: config.Gateway } : {};
    return [{ subnet: cidrText(parsed.cidr), ...range, ...gateway, aux: {}, chosen: true }];
  });
  return idle.length > 0 ? { idle } : {};
}

async function keepSettings(world: World, stored: StoredNetwork): Promise<Network> {
  await world.store.write(stored);
  return world.add(stored);
}

function checkIpamDriver(driver: string | undefined): void {
  if (!driver || driver === 'default') return;
  if (driver === 'null') throw new Failure('invalidParameter', 'ipv4 pool is empty');
  throw new Failure('notFound', `plugin ${JSON.stringify(driver)} not found`);
}

const noSwarm = (): Failure =>
  new Failure(
    'forbidden',
    'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node to swarm and try again.',
  );

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
      throw noSwarm();
    default:
      throw new Failure('notFound', `could not find plugin ${driver} in v1 plugin registry: plugin "${driver}" not found`);
  }
}

/** What the engine's configuration says for networks of this driver comes first, what the request says wins. */
function withDefaultOptions({ context }: World, request: NetworkCreateRequest): NetworkCreateRequest {
  const defaults = context.config.defaultNetworkOpts[request.Driver || 'bridge'];
  return defaults ? { ...request, Options: { ...defaults, ...request.Options } } : request;
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
    if (stored.driver === 'bridge') ensureBridge(world, network);
    else ensureParent(world.host, network, world.context.instance);
    if (world.context.config.ipForward) enableForwarding(stored.ipv6);
    const rules = world.rulesOf(network);
    if (rules) {
      undo.add('packet filter', () => world.firewall.removeNetwork(rules));
      await world.firewall.addNetwork(rules);
    }
    await world.store.write(stored);
    return network;
  });
}
