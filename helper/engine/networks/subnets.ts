import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { listAddresses, listRoutes } from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { addressText, type Cidr, cidrText, contains, parseCidr } from './ipam/addresses.ts';
import { poolOverlap } from './ipam/request.ts';
import { chooseSubnet, uniqueLocalPool } from './ipam/subnets.ts';
import { cidrOf } from './model.ts';
import { parseResolvConf } from './sandbox/resolv-conf.ts';
import type { StoredIpam } from './store.ts';
import type { World } from './world.ts';

/** Networks that the host reaches or is in, and its name servers: a bridge there would cut the host off from them. */
export function hostSubnets(world: World, except?: number): Cidr[] {
  const taken: Cidr[] = [];
  const add = (address: string, prefix: number): void => {
    const parsed = parseCidr(`${address}/${prefix}`);
    if (parsed) taken.push(parsed.cidr);
  };
  for (const route of listRoutes(world.host)) {
    const unicast = route.type === 1 && route.table !== 255;
    if (unicast && route.destination && route.prefix > 1 && route.index !== except) add(route.destination, route.prefix);
  }
  for (const address of listAddresses(world.host)) if (address.index !== except) add(address.address, address.prefix);
  for (const server of parseResolvConf(hostFile('/etc/resolv.conf')).nameservers) add(server, server.includes(':') ? 128 : 32);
  return taken;
}

export function hostFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function networkSubnets(world: World, except?: string): Cidr[] {
  return [...world.networks.values()]
    .filter((network) => network.id !== except && !network.configOnly)
    .flatMap((network) => network.stored.ipam.config.map((config) => cidrOf(config.subnet)));
}

/** A subnet that nobody has. @throws Failure system when the pools are used up */
export function freeSubnet(world: World, family: 4 | 6, withGateway = true): StoredIpam {
  const taken = [...hostSubnets(world), ...networkSubnets(world)];
  const pools = world.context.config.defaultAddressPools;
  const own = uniqueLocalPool(createHash('sha256').update(world.context.instance).digest());
  const configured = pools.filter((pool) => pool.base.includes(':') === (family === 6));
  const cidr = chooseSubnet(family, family === 6 ? [...configured, own] : configured, taken);
  if (!cidr) throw new Failure('system', 'all predefined address pools have been fully subnetted');
  const gateway = addressText(family, cidr.base + 1n);
  return { subnet: cidrText(cidr), ...(withGateway ? { gateway } : {}), aux: {}, chosen: false };
}

/** @throws Failure forbidden when one of our networks has (part of) it */
export function refuseOverlap(world: World, config: StoredIpam[], except?: string): void {
  const others = networkSubnets(world, except);
  for (const { subnet } of config) {
    const cidr = cidrOf(subnet);
    const meets = others.some((other) => other.family === cidr.family && (contains(other, cidr.base) || contains(cidr, other.base)));
    if (meets) throw poolOverlap();
  }
}
