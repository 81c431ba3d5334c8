import {
  addAddress,
  addBridge,
  addVlan,
  findLink,
  type Link,
  listAddresses,
  listLinks,
  type Netlink,
  readSetting,
  removeAddress,
  setLink,
  writeSetting,
} from '../../system/netns/index.ts';
import { Failure } from '../failure.ts';
import { addressText, lastOf, macOfAddress, parseAddress } from './ipam/addresses.ts';
import { cidrOf, type Network, OPTION } from './model.ts';
import type { World } from './world.ts';

/** Of the default bridge where the configuration says nothing. */
const DEFAULT_MTU = 1500;

/**
 * Makes the network's bridge, or brings the one there is (after a restart) to what it should be. Synchronous.
 * Links carry the instance's name as their alias: so we find what is ours again, and remove only that.
 */
export function ensureBridge({ host: netlink, context }: World, network: Network): void {
  const { instance } = context;
  const filtered = context.config.iptables;
  const name = network.stored.link;
  const link = findLink(netlink, name);
  const mtu = Number(network.option(OPTION.mtu) ?? 0);
  const gateway = network.stored.ipam.config.map((config) => parseAddress(config.gateway ?? '')).find((address) => address?.family === 4);
  if (link && link.kind !== 'bridge') throw new Failure('system', `existing interface ${name} is not a bridge`);
  const index = link?.index ?? addBridge(netlink, name, gateway ? { mac: macOfAddress(gateway.value) } : {});
  // An administrator's own bridge (bridge.name) is used and left as it is.
  if (!link) setLink(netlink, index, { alias: instance });
  // Else it has that of its narrowest port, and 1500 without one. The default's says nothing of an administrator's own.
  if (mtu > 0 && mtu !== link?.mtu && (!link || link.alias === instance || mtu !== DEFAULT_MTU)) setLink(netlink, index, { mtu });
  network.linkIndex = index;
  if (!network.stored.ipv6) writeSetting(`ipv6/conf/${name}/disable_ipv6`, 1);
  else {
    writeSetting(`ipv6/conf/${name}/disable_ipv6`, 0);
    // Nobody else can have its link-local address; waiting for a second to find that out would keep it from finding its containers.
    writeSetting(`ipv6/conf/${name}/accept_dad`, 0);
  }
  const there = listAddresses(netlink).filter((address) => address.index === index);
  const wanted = gatewayAddresses(network);
  for (const { address, prefix } of wanted) {
    if (!there.some((other) => other.address === address && other.prefix === prefix)) addAddress(netlink, index, address, prefix);
  }
  if (link?.alias === instance) {
    for (const old of there) {
      const stays = old.address.startsWith('fe80:') || wanted.some((other) => other.address === old.address && other.prefix === old.prefix);
      if (!stays) removeAddress(netlink, index, old.address, old.prefix);
    }
  }
  if (!link?.up) setLink(netlink, index, { up: true });
  // Clients on the host's loopback reach published ports; our table keeps containers out of 127.0.0.0/8. No table, no route.
  writeSetting(`ipv4/conf/${name}/route_localnet`, filtered ? 1 : 0);
}

function gatewayAddresses(network: Network): { address: string; prefix: number }[] {
  return network.stored.ipam.config.flatMap((config) => {
    const { family, prefix } = cidrOf(config.subnet);
    if (!config.gateway || (family === 4 && network.flag(OPTION.inhibitIpv4, false))) return [];
    return [{ address: config.gateway, prefix }];
  });
}

/**
 * The parent of a macvlan or ipvlan network: named, a VLAN of a named one (`eth0.100`), or when none is given a link that leads
 * nowhere: an empty bridge, since not every kernel has dummy links.
 */
export function ensureParent(netlink: Netlink, network: Network, instance: string): void {
  const name = network.stored.link;
  const found = findLink(netlink, name);
  if (found) {
    network.linkIndex = found.index;
    return;
  }
  if (name.startsWith('dm-')) addBridge(netlink, name);
  else makeVlan(netlink, name);
  const made = findLink(netlink, name) as Link;
  setLink(netlink, made.index, { alias: instance, up: true });
  network.linkIndex = made.index;
}

/** `eth0.10`: VLAN 10 of eth0. @throws Failure invalidParameter with dockerd's texts */
function makeVlan(netlink: Netlink, name: string): void {
  const [parent = '', id = '', more] = name.split('.');
  const fail = (text: string): never => {
    throw new Failure('invalidParameter', text);
  };
  if (id === '' || more !== undefined) fail(`invalid subinterface vlan name ${name}, example formatting is eth0.10`);
  if (!/^\d+$/.test(id)) fail(`unable to parse a valid vlan id from: ${id} (ex. eth0.10 for vlan 10)`);
  const link = findLink(netlink, parent) ?? fail(`-o parent interface was not found on the host: ${parent}`);
  if (Number(id) < 1 || Number(id) > 4094) fail(`vlan id must be between 1-4094, received: ${id}`);
  try {
    addVlan(netlink, name, link.index, Number(id));
  } catch (error) {
    if ((error as { code?: string }).code !== 'EOPNOTSUPP') throw error;
    throw new Failure('system', 'the kernel of this host has no VLANs: load its module ("modprobe 8021q")');
  }
}

/** Our links that belong to no network: left by a creation or removal that a crash cut short. */
export function strayLinks(netlink: Netlink, instance: string, wanted: Set<string>): Link[] {
  return listLinks(netlink).filter((link) => link.alias === instance && !wanted.has(link.name));
}

/** The host must pass packets on between its links, as dockerd has it, too. */
export function enableForwarding(v6: boolean): void {
  if (readSetting('ipv4/ip_forward') !== '1') writeSetting('ipv4/ip_forward', 1);
  if (v6 && readSetting('ipv6/conf/all/forwarding') !== '1') {
    writeSetting('ipv6/conf/default/forwarding', 1);
    writeSetting('ipv6/conf/all/forwarding', 1);
  }
}

/** First host address of a subnet: the gateway when nobody chose one. */
export function firstAddress(subnet: string): string {
  const cidr = cidrOf(subnet);
  const value = lastOf(cidr) - cidr.base < 2n ? cidr.base : cidr.base + 1n;
  return addressText(cidr.family, value);
}
