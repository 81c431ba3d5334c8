import { randomBytes } from 'node:crypto';
import { findLink, listAddresses } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { firstAddress } from './bridge.ts';
import { addressText, cidrText, contains, overlap, parseAddress, parseCidr } from './ipam/addresses.ts';
import { cidrOf, OPTION } from './model.ts';
import type { StoredIpam, StoredNetwork } from './store.ts';
import { freeSubnet, hostSubnets } from './subnets.ts';
import type { World } from './world.ts';

export async function save(world: World, stored: StoredNetwork): Promise<void> {
  await world.store.write(stored);
  world.add(stored);
}

export function plainNetwork(name: string, driver: StoredNetwork['driver'], link: string): StoredNetwork {
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
export async function defaultBridge(world: World): Promise<void> {
  const { config, instance } = world.context;
  const known = [...world.networks.values()].find((network) => network.isDefaultBridge)?.stored;
  if (known) world.networks.delete(known.id);
  // Its file stays: it is the same network when it comes back.
  if (config.bridge === 'none') return;
  const stored = known ?? plainNetwork('bridge', 'bridge', '');
  const name = config.bridge ?? linkName(instance);
  const v4 = withRange(ipv4Of(world, stored, name), config.fixedCidr);
  const next: StoredNetwork = {
    ...stored,
    link: name,
    ipv6: config.ipv6,
    ipam: { driver: 'default', options: null, config: [withGateway(v4, 4, config.defaultGateway)] },
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
    const v6 = config.fixedCidrV6 ? fromFixed(config.fixedCidrV6, 6) : (old ?? freeSubnet(world, 6));
    next.ipam.config.push(withGateway(v6, 6, config.defaultGatewayV6));
  }
  if (JSON.stringify(next) === JSON.stringify(known)) world.add(next);
  else await save(world, next);
}

function ipv4Of(world: World, stored: StoredNetwork, link: string): StoredIpam {
  const { config, instance } = world.context;
  if (config.bip) return fromBip(config.bip);
  if (config.bridge) {
    const own = ofLink(world, config.bridge);
    if (own) return own;
  }
  const kept = keep(world, stored, findLink(world.host, link)?.alias === instance);
  const { fixedCidr } = config;
  // A range that the old subnet has no room for is a subnet of its own, as in dockerd.
  if (fixedCidr && !(kept && isWithin(fixedCidr, kept.subnet))) return fromFixed(fixedCidr, 4);
  return kept ?? freeSubnet(world, 4);
}

function isWithin(range: string, subnet: string): boolean {
  const [inner, outer] = [parseCidr(range), cidrOf(subnet)];
  return inner !== undefined && contains(outer, inner.cidr.base) && inner.cidr.prefix >= outer.prefix;
}

/**
 * The subnet that an administrator's bridge is in; undefined when it has no IPv4 address yet.
 * @throws Failure invalidParameter when there is no such bridge: it is not ours to make
 */
function ofLink(world: World, name: string): StoredIpam | undefined {
  const link = findLink(world.host, name);
  if (!link) throw new Failure('invalidParameter', `bridge: bridge device with non default name ${name} must be created manually`);
  const address = listAddresses(world.host).find((entry) => entry.index === link.index && !entry.address.includes(':'));
  return address ? { ...fromBip(`${address.address}/${address.prefix}`) } : undefined;
}

/** With the gateway that containers use in the bridge's place, in dockerd's form: an auxiliary address of this name. */
function withGateway(ipam: StoredIpam, family: 4 | 6, gateway: string | undefined): StoredIpam {
  const name = `DefaultGatewayIPv${family}`;
  const { [name]: _, ...aux } = ipam.aux;
  if (gateway === undefined) return { ...ipam, aux };
  const address = parseAddress(gateway);
  if (!address || !contains(cidrOf(ipam.subnet), address.value)) {
    const key = family === 4 ? 'default-gateway' : 'default-gateway-v6';
    throw new Failure('invalidParameter', `${key}: auxiliary address: (${name}:${gateway}) must belong to the master pool: ${ipam.subnet}`);
  }
  return { ...ipam, aux: { ...aux, [name]: addressText(family, address.value) } };
}

/** @throws Failure invalidParameter when the range lies elsewhere */
function withRange(ipam: StoredIpam, range: string | undefined): StoredIpam {
  const { range: _, ...plain } = ipam;
  if (range === undefined) return plain;
  const parsed = parseCidr(range);
  if (!parsed || !isWithin(range, ipam.subnet)) {
    throw new Failure('invalidParameter', `fixed-cidr: ${range} is not within the default bridge's subnet ${ipam.subnet}: set "bip", too`);
  }
  return { ...plain, range: cidrText(parsed.cidr) };
}

function fromFixed(text: string, family: 4 | 6): StoredIpam {
  const parsed = parseCidr(text);
  if (parsed?.cidr.family !== family) {
    throw new Failure('invalidParameter', `fixed-cidr${family === 6 ? '-v6' : ''}: invalid CIDR address: ${text}`);
  }
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
