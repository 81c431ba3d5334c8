import { randomBytes } from 'node:crypto';
import type { EndpointSettings } from '../../contract/docker/index.ts';
import {
  addAddress,
  addSubLink,
  addVeth,
  findLink,
  inNamespace,
  type Netlink,
  readSetting,
  removeDefaultRoute,
  setBridgePort,
  setDefaultRoute,
  setLink,
  writeSetting,
} from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { addressText, isLinkLocal, macOfAddress, parseAddress } from './ipam/addresses.ts';
import { applySysctls } from './link-settings.ts';
import { ENDPOINT_OPTION, type Endpoint, type Network, OPTION } from './model.ts';
import type { SandboxRequest } from './types.ts';

type Occupant = Pick<SandboxRequest, 'containerId' | 'name' | 'hostname' | 'ipv6Off'>;

/** Takes addresses for a container in a network; nothing in the kernel yet. `releaseEndpoint` gives them back. */
export function createEndpoint(
  network: Network,
  container: Occupant,
  settings: EndpointSettings,
  known?: { id: string; mac: string },
): Endpoint {
  const id = known?.id ?? randomBytes(32).toString('hex');
  const endpoint: Endpoint = {
    id,
    network,
    containerId: container.containerId,
    containerName: container.name,
    settings,
    link: '',
    hostLink: '',
    mac: '',
    v4: undefined,
    v6: undefined,
    names: namesOf(container, settings),
  };
  if (network.stored.driver === 'host' || network.stored.driver === 'null') return endpoint;
  try {
    if (network.stored.ipv4) endpoint.v4 = takeAddress(network, 4, settings.IPAMConfig?.IPv4Address);
    if (network.stored.ipv6 && !container.ipv6Off) endpoint.v6 = takeAddress(network, 6, settings.IPAMConfig?.IPv6Address);
  } catch (error) {
    releaseEndpoint(endpoint);
    throw error;
  }
  endpoint.mac = known?.mac || settings.MacAddress?.toLowerCase() || macFor(network, endpoint);
  if (network.stored.driver === 'bridge') endpoint.hostLink = hostLinkOf(id);
  return endpoint;
}

export const hostLinkOf = (endpointId: string): string => `veth${endpointId.slice(0, 11)}`;

function macFor(network: Network, endpoint: Endpoint): string {
  // An ipvlan link has its parent's address.
  if (network.stored.driver === 'ipvlan') return '';
  if (endpoint.v4) return macOfAddress(endpoint.v4.value);
  const bytes = randomBytes(4);
  return macOfAddress(BigInt(bytes.readUInt32BE()));
}

/** Its own name, aliases, the short id, the host name: in this order, each once. */
function namesOf({ containerId, name, hostname }: Occupant, settings: EndpointSettings): string[] {
  return [...new Set([name, ...(settings.Aliases ?? []), containerId.slice(0, 12), hostname].filter(Boolean))];
}

function takeAddress(network: Network, family: 4 | 6, wish: string | undefined): Endpoint['v4'] {
  const pools = network.poolsOf(family);
  const asked = wish ? parseAddress(wish) : undefined;
  if (wish && !asked) throw new Failure('invalidParameter', `invalid IPv${family} address: ${wish}`);
  for (const { pool, gateway } of pools) {
    const value = asked ? (pool.claim(asked.value) ? asked.value : undefined) : pool.allocate();
    if (value === undefined) continue;
    return {
      address: addressText(family, value),
      value,
      prefix: pool.subnet.prefix,
      gateway: network.leadsOut ? (gateway ?? '') : '',
    };
  }
  if (asked) throw new Failure('forbidden', 'Address already in use');
  throw new Failure('unavailable', `no available IPv${family} addresses on this network's address pools: ${network.name} (${network.id})`);
}

export function releaseEndpoint(endpoint: Endpoint): void {
  for (const { pool } of endpoint.network.poolsOf(4)) if (endpoint.v4) pool.release(endpoint.v4.value);
  for (const { pool } of endpoint.network.poolsOf(6)) if (endpoint.v6) pool.release(endpoint.v6.value);
  endpoint.v4 = undefined;
  endpoint.v6 = undefined;
}

/**
 * Makes the endpoint's link in the namespace `fd` (whose netlink socket is `inside`), with addresses, up. Synchronous.
 * What it made goes away with the namespace.
 */
export function attachLink(host: Netlink, inside: Netlink, fd: number, endpoint: Endpoint, link: string): void {
  const { network } = endpoint;
  const mtu = Number(network.option(OPTION.mtu)) || 1500;
  endpoint.link = link;
  if (network.stored.driver === 'bridge') {
    addVeth(host, endpoint.hostLink, { master: network.linkIndex, mtu, peer: link, peerMac: endpoint.mac, peerNamespace: fd });
    // Nobody speaks IPv6 to the host's end of the pair.
    writeSetting(`ipv6/conf/${endpoint.hostLink}/disable_ipv6`, 1);
    if (!network.flag(OPTION.icc, true)) {
      const port = findLink(host, endpoint.hostLink);
      if (port) setBridgePort(host, port.index, { isolated: true });
    }
  } else {
    const kind = network.stored.driver === 'ipvlan' ? 'ipvlan' : 'macvlan';
    try {
      addSubLink(host, link, {
        kind,
        parent: network.linkIndex,
        mode: network.option(`${kind}_mode`) ?? (kind === 'ipvlan' ? 'l2' : 'bridge'),
        flag: network.option('ipvlan_flag') ?? 'bridge',
        ...(network.option(OPTION.mtu) ? { mtu } : {}),
        ...(endpoint.mac ? { mac: endpoint.mac } : {}),
        namespace: fd,
      });
    } catch (error) {
      if ((error as { code?: string }).code !== 'EOPNOTSUPP') throw error;
      throw new Failure(
        'system',
        `the kernel of this host has no ${kind}: load its module ("modprobe ${kind}") or use another network driver`,
      );
    }
  }
  inNamespace(fd, () => {
    const set = writeSetting(`ipv6/conf/${link}/disable_ipv6`, endpoint.v6 ? 0 : 1);
    // With it the container would have an address in a network that has none, past all that is said of IPv4.
    if (!set && !endpoint.v6 && readSetting(`ipv6/conf/${link}/disable_ipv6`) === '0') {
      throw new Failure('system', `failed to disable IPv6 on container's interface ${link}: /proc/sys is read-only`);
    }
    writeSetting(`ipv6/conf/${link}/accept_dad`, 0);
    if (linkLocals(endpoint).some(({ address }) => address.includes(':'))) writeSetting(`ipv6/conf/${link}/disable_ipv6`, 0);
  });
  const made = findLink(inside, link);
  if (!made) throw new Failure('system', `link ${link} did not come to be in the container's network namespace`);
  if (endpoint.v4) addAddress(inside, made.index, endpoint.v4.address, endpoint.v4.prefix);
  if (endpoint.v6) addAddress(inside, made.index, endpoint.v6.address, endpoint.v6.prefix);
  for (const { address, prefix } of linkLocals(endpoint)) addAddress(inside, made.index, address, prefix);
  setLink(inside, made.index, { up: true });
  if (endpoint.settings.DriverOpts?.[ENDPOINT_OPTION.sysctls]) inNamespace(fd, () => applySysctls(endpoint.settings, link));
}

/** Link-local addresses that were asked for (`--link-local-ip`), beside the network's own. */
function linkLocals({ settings }: Endpoint): { address: string; prefix: number }[] {
  return (settings.IPAMConfig?.LinkLocalIPs ?? []).map((address) => ({ address, prefix: address.includes(':') ? 64 : 16 }));
}

/**
 * Lets a container reach itself by its own published port: where br_netfilter is at work the translated packet is bridged
 * out of the port that it came in by, which a bridge does for hairpin ports only.
 */
export function allowHairpin(host: Netlink, endpoint: Endpoint): void {
  const port = endpoint.hostLink ? findLink(host, endpoint.hostLink) : undefined;
  if (port) setBridgePort(host, port.index, { hairpin: true });
}

/**
 * Which endpoint gives the default route: the highest priority, then those that lead out, then the first by name.
 * Source: Docker API EndpointSettings.GwPriority.
 */
export function chooseGateway(endpoints: Iterable<Endpoint>, family: 4 | 6): Endpoint | undefined {
  const leads = (endpoint: Endpoint): boolean => endpoint.network.leadsOut && Boolean((family === 4 ? endpoint.v4 : endpoint.v6)?.gateway);
  return [...endpoints]
    .filter(leads)
    .sort(
      (a, b) =>
        (b.settings.GwPriority ?? 0) - (a.settings.GwPriority ?? 0) ||
        (a.network.name < b.network.name ? -1 : a.network.name > b.network.name ? 1 : 0),
    )[0];
}

/** Brings the default routes of a namespace to the endpoints it has. @returns the IPv4 gateway endpoint, else the IPv6 one */
export function setRoutes(inside: Netlink, endpoints: Iterable<Endpoint>, fresh: boolean): Endpoint | undefined {
  const all = [...endpoints];
  const chosen = ([4, 6] as const).map((family) => {
    const endpoint = chooseGateway(all, family);
    const gateway = family === 4 ? endpoint?.v4?.gateway : endpoint?.v6?.gateway;
    const layer3 = endpoint?.network.stored.driver === 'ipvlan' && /^l3/.test(endpoint.network.option('ipvlan_mode') ?? '');
    if (endpoint && gateway) {
      // A link-local gateway is on every link: the kernel wants to know which.
      const index = layer3 || isLinkLocal(gateway) ? findLink(inside, endpoint.link)?.index : undefined;
      setDefaultRoute(inside, family, { ...(layer3 ? {} : { gateway }), ...(index === undefined ? {} : { index }) });
    } else if (!fresh) removeDefaultRoute(inside, family);
    return endpoint;
  });
  return chosen[0] ?? chosen[1];
}

/** What the API shows of an endpoint. */
export function describeEndpoint(endpoint: Endpoint): EndpointSettings {
  const { network, settings, v4, v6 } = endpoint;
  return {
    IPAMConfig: settings.IPAMConfig ?? null,
    Links: settings.Links ?? null,
    Aliases: settings.Aliases ?? null,
    MacAddress: endpoint.mac,
    DriverOpts: settings.DriverOpts ?? null,
    GwPriority: settings.GwPriority ?? 0,
    NetworkID: network.id,
    EndpointID: endpoint.id,
    Gateway: v4?.gateway ?? '',
    IPAddress: v4?.address ?? '',
    IPPrefixLen: v4?.prefix ?? 0,
    IPv6Gateway: v6?.gateway ?? '',
    GlobalIPv6Address: v6?.address ?? '',
    GlobalIPv6PrefixLen: v6?.prefix ?? 0,
    DNSNames: network.resolvesNames ? endpoint.names : null,
  };
}
