import type { EndpointSettings } from '../../../contract/docker/index.ts';
import { Failure } from '../../failure.ts';
import { contains, isLinkLocal, parseAddress } from '../ipam/addresses.ts';
import { sysctlFaults } from '../link-settings.ts';
import { cidrOf, ENDPOINT_OPTION, type Network } from '../model.ts';
import { isLinkName } from '../options.ts';
import type { SandboxRequest } from '../types.ts';
import type { World } from '../world.ts';

export interface Join {
  network: Network;
  settings: EndpointSettings;
}

export const modeOf = (mode: string): string => (mode === '' || mode === 'default' ? 'bridge' : mode);

/**
 * The networks to join, in the order of their links: the one of the network mode first (unless the container was taken out of it), then
 * by name.
 * @throws Failure notFound
 */
export function joinsOf(world: World, request: Pick<SandboxRequest, 'networkMode' | 'endpoints' | 'macAddress'>): Join[] {
  const joins = new Map<Network, Join>();
  const first = world.tryFind(replaced(world, modeOf(request.networkMode)));
  for (const [key, asked] of Object.entries(request.endpoints)) {
    const network = world.find(asked?.NetworkID && world.networks.has(asked.NetworkID) ? asked.NetworkID : replaced(world, modeOf(key)));
    const mac = asked?.MacAddress || (network === first ? request.macAddress : undefined);
    joins.set(network, { network, settings: { ...asked, ...(mac ? { MacAddress: mac } : {}) } });
  }
  return [...joins.values()].sort(
    (a, b) => Number(b.network === first) - Number(a.network === first) || (a.network.name < b.network.name ? -1 : 1),
  );
}

/** Without a default bridge (`bridge: none`) containers that ask for none in particular get none, as in dockerd. */
function replaced(world: World, reference: string): string {
  return world.context.config.bridge === 'none' && reference === 'bridge' ? 'none' : reference;
}

/** What can be said against an endpoint's settings in a network. @throws Failure invalidParameter in dockerd's form: all of it */
export function checkSettings(network: Network, settings: EndpointSettings): void {
  const faults = [...ownFaults(network, settings), ...addressFaults(network, settings)];
  if (faults.length === 0) return;
  const text = faults.length === 1 ? faults[0] : faults.map((fault) => `* ${fault}`).join('\n');
  throw new Failure('invalidParameter', `invalid endpoint settings:\n${text}`);
}

function ownFaults({ stored, predefined }: Network, { MacAddress: mac, ...settings }: EndpointSettings): string[] {
  const faults: string[] = [];
  if (mac && !/^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(mac)) faults.push(`invalid MAC address: ${mac}`);
  if (mac && stored.driver === 'ipvlan') faults.push('ipvlan interfaces do not support custom mac address assignment');
  faults.push(...sysctlFaults(settings));
  const link = settings.DriverOpts?.[ENDPOINT_OPTION.linkName];
  if (link !== undefined && (!isLinkName(link) || link === 'lo')) faults.push(`invalid network interface name ${JSON.stringify(link)}`);
  if (predefined && settings.Aliases?.length) faults.push('network-scoped aliases are only supported for user-defined networks');
  return faults;
}

function addressFaults({ predefined, stored }: Network, { IPAMConfig }: EndpointSettings): string[] {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = IPAMConfig ?? {};
  const faults = (LinkLocalIPs ?? []).filter((text) => !isLinkLocal(text)).map((text) => `invalid link local IP address: ${text}`);
  if (predefined) {
    if (IPv4Address || IPv6Address) faults.push('user specified IP address is supported on user defined networks only');
    return faults;
  }
  for (const [family, text] of [
    [4, IPv4Address],
    [6, IPv6Address],
  ] as const) {
    if (!text) continue;
    const address = parseAddress(text);
    const { config, idle = [] } = stored.ipam;
    const chosen = [...config, ...idle].filter((pool) => pool.subnet.includes(':') === (family === 6) && pool.chosen);
    if (address?.family !== family) faults.push(`invalid IPv${family} address: ${text}`);
    else if (chosen.length === 0) {
      faults.push('user specified IP address is supported only when connecting to networks with user configured subnets');
    } else if (!chosen.some((pool) => contains(cidrOf(pool.subnet), address.value))) {
      faults.push(`no configured subnet contains IP address ${text}`);
    }
  }
  return faults;
}
