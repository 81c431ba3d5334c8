import { randomBytes } from 'node:crypto';
import { findLink, withHostLock } from '../../system/netns/index.ts';
import { Failure, messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { enableForwarding, ensureBridge, ensureParent, firstAddress, strayLinks } from './bridge.ts';
import { deleteLink, LOCK } from './create.ts';
import { cidrText, contains, overlap, parseCidr } from './ipam/addresses.ts';
import { cidrOf, OPTION } from './model.ts';
import type { StoredIpam, StoredNetwork } from './store.ts';
import { freeSubnet, hostSubnets } from './subnets.ts';
import type { World } from './world.ts';

/**
 * Reads the networks, makes the default ones and all links, removes links of ours that nobody has. The packet filter is
 * `adopt`'s: until then what an earlier helper left there goes on serving the containers that run.
 */
export async function startNetworks(world: World): Promise<void> {
  for (const stored of await world.store.read()) world.add(stored);
  for (const [name, driver] of [
    ['host', 'host'],
    ['none', 'null'],
  ] as const) {
    if (![...world.networks.values()].some((network) => network.name === name)) await save(world, plainNetwork(name, driver, ''));
  }
  await withHostLock(LOCK, async () => {
    await defaultBridge(world);
    const wanted = new Set([...world.networks.values()].map((network) => network.stored.link));
    await Promise.all(strayLinks(world.host, world.context.instance, wanted).map(deleteLink));
    for (const network of world.networks.values()) {
      try {
        if (network.stored.driver === 'bridge') ensureBridge(world.host, network, world.context.instance);
        if (network.stored.driver === 'macvlan' || network.stored.driver === 'ipvlan') {
          ensureParent(world.host, network, world.context.instance);
        }
      } catch (error) {
        world.context.log.error('network has no link', { network: network.name, link: network.stored.link, error: messageOf(error) });
      }
    }
  });
  if (world.context.config.ipForward) enableForwarding([...world.networks.values()].some((network) => network.stored.ipv6));
}

async function save(world: World, stored: StoredNetwork): Promise<void> {
  await world.store.write(stored);
  world.add(stored);
}

function plainNetwork(name: string, driver: StoredNetwork['driver'], link: string): StoredNetwork {
  return {
    version: 1,
    id: randomBytes(32).toString('hex'),
    name,
    createdAt: nowInstant(),
    driver,
    internal: false,
    attachable: false,
    ipv4: true,
    ipv6: false,
    ipam: { driver: 'default', options: null, config: [] },
    options: {},
    labels: {},
    link,
  };
}

/**
 * The default bridge, with the subnet it had unless the configuration says another, or the host has come to reach that
 * subnet elsewhere while our link was not there.
 */
async function defaultBridge(world: World): Promise<void> {
  const { config, instance } = world.context;
  const known = [...world.networks.values()].find((network) => network.isDefaultBridge)?.stored;
  if (known) world.networks.delete(known.id);
  const stored = known ?? plainNetwork('bridge', 'bridge', '');
  const name = linkName(instance);
  const wanted = config.bip ? fromBip(config.bip) : keep(world, stored, findLink(world.host, name)?.alias === instance);
  const v4 = withRange(wanted ?? freeSubnet(world, 4), config.fixedCidr);
  const next: StoredNetwork = {
    ...stored,
    link: name,
    ipv6: config.ipv6,
    ipam: { driver: 'default', options: null, config: [v4] },
    options: {
      [OPTION.defaultBridge]: 'true',
      [OPTION.icc]: String(config.icc),
      [OPTION.masquerade]: String(config.ipMasq),
      [OPTION.hostBinding]: config.publishAddress,
      [OPTION.bridgeName]: name,
      [OPTION.mtu]: String(config.mtu),
    },
  };
  if (config.ipv6) {
    const old = stored.ipam.config.find((entry) => entry.subnet.includes(':'));
    next.ipam.config.push(config.fixedCidrV6 ? fromFixed(config.fixedCidrV6) : (old ?? freeSubnet(world, 6)));
  }
  if (JSON.stringify(next) === JSON.stringify(known)) world.add(next);
  else await save(world, next);
}

/** @throws Failure invalidParameter when the range lies elsewhere */
function withRange(ipam: StoredIpam, range: string | undefined): StoredIpam {
  const { range: _, ...plain } = ipam;
  if (range === undefined) return plain;
  const parsed = parseCidr(range);
  const subnet = cidrOf(ipam.subnet);
  if (!parsed || !contains(subnet, parsed.cidr.base) || parsed.cidr.prefix < subnet.prefix) {
    throw new Failure('invalidParameter', `fixed-cidr: ${range} is not within the default bridge's subnet ${ipam.subnet}: set "bip", too`);
  }
  return { ...plain, range: cidrText(parsed.cidr) };
}

function fromFixed(text: string): StoredIpam {
  const parsed = parseCidr(text);
  if (parsed?.cidr.family !== 6) throw new Failure('invalidParameter', `fixed-cidr-v6: invalid CIDR address: ${text}`);
  const subnet = cidrText(parsed.cidr);
  return { subnet, gateway: firstAddress(subnet), aux: {}, chosen: true };
}

/** `gantry0` is the default instance's; others have their own, of at most 15 characters. */
function linkName(instance: string): string {
  return instance === 'gantry' ? 'gantry0' : `gtr-${instance.replace(/^gantry-/, '').slice(0, 9)}-0`;
}

function keep(world: World, stored: StoredNetwork, linkThere: boolean): StoredIpam | undefined {
  const old = stored.ipam.config.find((entry) => !entry.subnet.includes(':'));
  if (!old || old.chosen) return undefined;
  if (linkThere) return old;
  const cidr = cidrOf(old.subnet);
  return hostSubnets(world).some((other) => overlap(other, cidr)) ? undefined : old;
}

function fromBip(bip: string): StoredIpam {
  const parsed = parseCidr(bip);
  if (parsed?.cidr.family !== 4) throw new Failure('invalidParameter', `bip: invalid CIDR address: ${bip}`);
  const subnet = cidrText(parsed.cidr);
  const gateway = parsed.address === parsed.cidr.base ? firstAddress(subnet) : bip.replace(/\/.*/, '');
  return { subnet, gateway, aux: {}, chosen: true };
}
