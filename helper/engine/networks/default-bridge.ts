import { randomBytes } from 'node:crypto';
import { findLink, listAddresses } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { firstAddress } from './bridge.ts';
import { addressText, cidrText, contains, isLinkLocal, overlap, parseAddress, parseCidr } from './ipam/addresses.ts';
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
  const families = config.ipv6 ? ([4, 6] as const) : ([4] as const);
  const next: StoredNetwork = {
    ...stored,
    link: name,
    ipv6: config.ipv6,
    ipam: { driver: 'default', options: null, config: families.map((family) => ipamOf(world, stored, name, family)) },
    options: {
      [OPTION.defaultBridge]: 'true',
      [OPTION.icc]: String(config.icc),
      [OPTION.masquerade]: String(config.ipMasq),
      [OPTION.hostBinding]: config.publishAddress,
      [OPTION.bridgeName]: name,
      [OPTION.mtu]: String(config.mtu),
    },
  };
  if (JSON.stringify(next) === JSON.stringify(known)) world.add(next);
  else await save(world, next);
}

const KEYS = {
  4: { bip: 'bip', fixed: 'fixed-cidr', gateway: 'default-gateway' },
  6: { bip: 'bip6', fixed: 'fixed-cidr-v6', gateway: 'default-gateway-v6' },
} as const;

/** What the configuration says of the bridge's addresses of a family. */
function wishOf({ context: { config } }: World, family: 4 | 6): Record<'bip' | 'fixed' | 'gateway', string | undefined> {
  return family === 4
    ? { bip: config.bip, fixed: config.fixedCidr, gateway: config.defaultGateway }
    : { bip: config.bip6, fixed: config.fixedCidrV6, gateway: config.defaultGatewayV6 };
}

function ipamOf(world: World, stored: StoredNetwork, link: string, family: 4 | 6): StoredIpam {
  const { fixed, gateway } = wishOf(world, family);
  return withGateway(withRange(subnetOf(world, stored, link, family), family, fixed), family, gateway);
}

function subnetOf(world: World, stored: StoredNetwork, link: string, family: 4 | 6): StoredIpam {
  const { bip, fixed } = wishOf(world, family);
  if (bip) return fromBip(bip, family);
  if (world.context.config.bridge) {
    const own = ofLink(world, link, family, fixed);
    if (own) return own;
  }
  const kept = keep(world, stored, family, findLink(world.host, link)?.alias === world.context.instance);
  // A range that the old subnet has no room for is a subnet of its own, as in dockerd.
  if (fixed && !(kept && isWithin(fixed, kept.subnet))) return fromFixed(fixed, family);
  return kept ?? freeSubnet(world, family);
}

function isWithin(range: string, subnet: string): boolean {
  const [inner, outer] = [parseCidr(range), cidrOf(subnet)];
  return inner !== undefined && contains(outer, inner.cidr.base) && inner.cidr.prefix >= outer.prefix;
}

/**
 * The subnet that an administrator's bridge is in, the one with room for `fixed` where there are several; undefined when it has no
 * address of the family yet (but the link-local one that every link has).
 * @throws Failure invalidParameter when there is no such bridge: it is not ours to make
 */
function ofLink(world: World, name: string, family: 4 | 6, fixed: string | undefined): StoredIpam | undefined {
  const link = findLink(world.host, name);
  if (!link) throw new Failure('invalidParameter', `bridge: bridge device with non default name ${name} must be created manually`);
  const subnets = listAddresses(world.host)
    .filter(({ index, address }) => index === link.index && address.includes(':') === (family === 6))
    .filter(({ address }) => family === 4 || !isLinkLocal(address))
    .map(({ address, prefix }) => fromBip(`${address}/${prefix}`, family));
  return (fixed && subnets.find(({ subnet }) => isWithin(fixed, subnet))) || subnets[0];
}

/** With the gateway that containers use in the bridge's place, in dockerd's form: an auxiliary address of this name. */
function withGateway(ipam: StoredIpam, family: 4 | 6, gateway: string | undefined): StoredIpam {
  const name = `DefaultGatewayIPv${family}`;
  const { [name]: _, ...aux } = ipam.aux;
  if (gateway === undefined) return { ...ipam, aux };
  const address = parseAddress(gateway);
  if (!address || !contains(cidrOf(ipam.subnet), address.value)) {
    throw new Failure(
      'invalidParameter',
      `${KEYS[family].gateway}: auxiliary address: (${name}:${gateway}) must belong to the master pool: ${ipam.subnet}`,
    );
  }
  return { ...ipam, aux: { ...aux, [name]: addressText(family, address.value) } };
}

/** @throws Failure invalidParameter when the range lies elsewhere */
function withRange(ipam: StoredIpam, family: 4 | 6, range: string | undefined): StoredIpam {
  const { range: _, ...plain } = ipam;
  if (range === undefined) return plain;
  const parsed = parseCidr(range);
  if (!parsed || !isWithin(range, ipam.subnet)) {
    const { fixed, bip } = KEYS[family];
    throw new Failure(
      'invalidParameter',
      `${fixed}: ${range} is not within the default bridge's subnet ${ipam.subnet}: set ${JSON.stringify(bip)}, too`,
    );
  }
  return { ...plain, range: cidrText(parsed.cidr) };
}

function fromFixed(text: string, family: 4 | 6): StoredIpam {
  const parsed = parseCidr(text);
  if (parsed?.cidr.family !== family) {
    throw new Failure('invalidParameter', `${KEYS[family].fixed}: invalid CIDR address: ${text}`);
  }
  const subnet = cidrText(parsed.cidr);
  return { subnet, gateway: firstAddress(subnet), aux: {}, chosen: true };
}

/** `gantry0` is the default instance's; others have their own, of at most 15 characters. */
function linkName(instance: string): string {
  return instance === 'gantry' ? 'gantry0' : `gtr-${instance.replace(/^gantry-/, '').slice(0, 9)}-0`;
}

function keep(world: World, stored: StoredNetwork, family: 4 | 6, linkThere: boolean): StoredIpam | undefined {
  const old = stored.ipam.config.find((entry) => entry.subnet.includes(':') === (family === 6));
  if (!old || old.chosen) return undefined;
  if (linkThere) return old;
  const cidr = cidrOf(old.subnet);
  return hostSubnets(world).some((other) => overlap(other, cidr)) ? undefined : old;
}

function fromBip(bip: string, family: 4 | 6): StoredIpam {
  const parsed = parseCidr(bip);
  if (parsed?.cidr.family !== family) throw new Failure('invalidParameter', `${KEYS[family].bip}: invalid CIDR address: ${bip}`);
  const subnet = cidrText(parsed.cidr);
  const gateway = parsed.address === parsed.cidr.base ? firstAddress(subnet) : addressText(family, parsed.address);
  return { subnet, gateway, aux: {}, chosen: true };
}
