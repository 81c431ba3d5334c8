import { accessSync, constants, readFileSync, writeFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';
import { attribute, type Netlink, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, nested, parseAttributes } from './netlink.ts';
import { SystemError } from './sockets.ts';

/** Links, addresses and routes over rtnetlink, in the namespace of the given socket. Source: rtnetlink(7), linux/if_link.h */
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_DELADDR = 21;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_DELROUTE = 25;
const RTM_GETROUTE = 26;

const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_PROTINFO = 12;
const IFLA_IFALIAS = 20;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_FD = 28;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;
const IFLA_MACVLAN_MODE = 1;
const IFLA_IPVLAN_MODE = 1;
const IFLA_IPVLAN_FLAGS = 2;
const IFLA_VLAN_ID = 1;
const IFLA_GROUP = 27;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
const NLA_F_NESTED = 0x8000;
const IFF_UP = 1;
const OPERSTATE_UP = 6;

export interface Link {
  index: number;
  name: string;
  up: boolean;
  /** Its carrier is there, too: what is sent goes out. */
  running: boolean;
  mac: string;
  mtu: number;
  /** Index of the bridge it is a port of; 0: none. */
  master: number;
  /** `bridge`, `veth` …; empty for hardware. */
  kind: string;
  /** Free text that stays with the link: ours tells whose it is. */
  alias: string;
}

function linkHeader(options: { index?: number; up?: boolean; down?: boolean; family?: number } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt8(options.family ?? 0, 0);
  header.writeInt32LE(options.index ?? 0, 4);
  if (options.up) header.writeUInt32LE(IFF_UP, 8);
  if (options.up || options.down) header.writeUInt32LE(IFF_UP, 12);
  return header;
}

function macBytes(mac: string): Buffer {
  return Buffer.from(mac.replaceAll(':', ''), 'hex');
}

function parseLink(body: Buffer): Link {
  const attributes = parseAttributes(body.subarray(16));
  const text = (bytes: Buffer | undefined): string => bytes?.toString('utf8').replace(/\0.*$/s, '') ?? '';
  const info = parseAttributes(attributes.get(IFLA_LINKINFO) ?? Buffer.alloc(0));
  return {
    index: body.readInt32LE(4),
    name: text(attributes.get(IFLA_IFNAME)),
    up: (body.readUInt32LE(8) & IFF_UP) !== 0,
    running: attributes.get(IFLA_OPERSTATE)?.readUInt8(0) === OPERSTATE_UP,
    mac: [...(attributes.get(IFLA_ADDRESS) ?? [])].map((byte) => byte.toString(16).padStart(2, '0')).join(':'),
    mtu: attributes.get(IFLA_MTU)?.readUInt32LE(0) ?? 0,
    master: attributes.get(IFLA_MASTER)?.readUInt32LE(0) ?? 0,
    kind: text(info.get(IFLA_INFO_KIND)),
    alias: text(attributes.get(IFLA_IFALIAS)),
  };
}

export function findLink(netlink: Netlink, name: string): Link | undefined {
  try {
    const body = netlink.get(`link ${name}`, RTM_GETLINK, Buffer.concat([linkHeader(), attribute(IFLA_IFNAME, name)]));
    return body ? parseLink(body) : undefined;
  } catch (error) {
    if (error instanceof SystemError && error.code === 'ENODEV') return undefined;
    throw error;
  }
}

export function listLinks(netlink: Netlink): Link[] {
  return netlink.dump('links', RTM_GETLINK, linkHeader()).map((message) => parseLink(message.body));
}

export function addBridge(netlink: Netlink, name: string, options: { mac?: string } = {}): number {
  netlink.request(
    `bridge ${name}`,
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    Buffer.concat([
      linkHeader(),
      attribute(IFLA_IFNAME, name),
      ...(options.mac ? [attribute(IFLA_ADDRESS, macBytes(options.mac))] : []),
      nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, 'bridge')),
    ]),
  );
  const link = findLink(netlink, name);
  if (!link) throw new SystemError(`bridge ${name}`, 19);
  return link.index;
}

/** A veth pair in one request: `name` here (port of `master`, up), `peer` in the namespace of `peerNamespace`. */
export function addVeth(
  netlink: Netlink,
  name: string,
  options: { master?: number; mtu?: number; peer: string; peerMac?: string; peerNamespace?: number },
): void {
  netlink.request(
    `veth ${name}`,
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    Buffer.concat([
      linkHeader({ up: true }),
      attribute(IFLA_IFNAME, name),
      ...(options.master ? [attribute(IFLA_MASTER, options.master)] : []),
      ...(options.mtu ? [attribute(IFLA_MTU, options.mtu)] : []),
      nested(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_KIND, 'veth'),
        nested(
          IFLA_INFO_DATA,
          nested(
            VETH_INFO_PEER,
            linkHeader(),
            attribute(IFLA_IFNAME, options.peer),
            ...(options.peerNamespace === undefined ? [] : [attribute(IFLA_NET_NS_FD, options.peerNamespace)]),
            ...(options.peerMac ? [attribute(IFLA_ADDRESS, macBytes(options.peerMac))] : []),
            ...(options.mtu ? [attribute(IFLA_MTU, options.mtu)] : []),
          ),
        ),
      ),
    ]),
  );
}

const MACVLAN_MODES: Record<string, number> = { private: 1, vepa: 2, bridge: 4, passthru: 8 };
const IPVLAN_MODES: Record<string, number> = { l2: 0, l3: 1, l3s: 2 };
const IPVLAN_FLAGS: Record<string, number> = { bridge: 0, private: 1, vepa: 2 };

/** A macvlan or ipvlan child of `parent`, made here and moved into `namespace` under `name`. */
export function addSubLink(
  netlink: Netlink,
  name: string,
  options: { kind: 'macvlan' | 'ipvlan'; parent: number; mode: string; flag?: string; mac?: string; mtu?: number; namespace: number },
): void {
  const u16 = (value: number): Buffer => Buffer.from([value & 255, value >> 8]);
  const data =
    options.kind === 'macvlan'
      ? [attribute(IFLA_MACVLAN_MODE, MACVLAN_MODES[options.mode] ?? 4)]
      : [
          attribute(IFLA_IPVLAN_MODE, u16(IPVLAN_MODES[options.mode] ?? 0)),
          attribute(IFLA_IPVLAN_FLAGS, u16(IPVLAN_FLAGS[options.flag ?? 'bridge'] ?? 0)),
        ];
  netlink.request(
    `${options.kind} ${name}`,
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    Buffer.concat([
      linkHeader(),
      attribute(IFLA_IFNAME, name),
      attribute(IFLA_LINK, options.parent),
      attribute(IFLA_NET_NS_FD, options.namespace),
      ...(options.mac ? [attribute(IFLA_ADDRESS, macBytes(options.mac))] : []),
      ...(options.mtu ? [attribute(IFLA_MTU, options.mtu)] : []),
      nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, options.kind), nested(IFLA_INFO_DATA, ...data)),
    ]),
  );
}

/** `eth0.100`: a VLAN of `parent`, as macvlan and ipvlan networks name their parents. */
export function addVlan(netlink: Netlink, name: string, parent: number, id: number): void {
  netlink.request(
    `vlan ${name}`,
    RTM_NEWLINK,
    NLM_F_CREATE | NLM_F_EXCL,
    Buffer.concat([
      linkHeader({ up: true }),
      attribute(IFLA_IFNAME, name),
      attribute(IFLA_LINK, parent),
      nested(
        IFLA_LINKINFO,
        attribute(IFLA_INFO_KIND, 'vlan'),
        nested(IFLA_INFO_DATA, attribute(IFLA_VLAN_ID, Buffer.from([id & 255, id >> 8]))),
      ),
    ]),
  );
}

export function setLink(
  netlink: Netlink,
  index: number,
  change: { up?: boolean; name?: string; mac?: string; mtu?: number; master?: number; alias?: string; group?: number },
): void {
  netlink.request(
    `link ${index}`,
    RTM_NEWLINK,
    0,
    Buffer.concat([
      linkHeader({ index, ...(change.up === undefined ? {} : change.up ? { up: true } : { down: true }) }),
      ...(change.name ? [attribute(IFLA_IFNAME, change.name)] : []),
      ...(change.mac ? [attribute(IFLA_ADDRESS, macBytes(change.mac))] : []),
      ...(change.mtu === undefined ? [] : [attribute(IFLA_MTU, change.mtu)]),
      ...(change.alias ? [attribute(IFLA_IFALIAS, Buffer.from(change.alias))] : []),
      ...(change.master === undefined ? [] : [attribute(IFLA_MASTER, change.master)]),
      ...(change.group === undefined ? [] : [attribute(IFLA_GROUP, change.group)]),
    ]),
  );
}

/** Port options of a bridge's port: `isolated` ports reach the bridge only, not each other; hairpin returns frames to their port. */
export function setBridgePort(netlink: Netlink, index: number, options: { isolated?: boolean; hairpin?: boolean }): void {
  netlink.request(
    `bridge port ${index}`,
    RTM_SETLINK,
    0,
    Buffer.concat([
      linkHeader({ index, family: 7 }),
      nested(
        IFLA_PROTINFO | NLA_F_NESTED,
        ...(options.isolated === undefined ? [] : [attribute(IFLA_BRPORT_ISOLATED, Buffer.from([options.isolated ? 1 : 0]))]),
        ...(options.hairpin === undefined ? [] : [attribute(IFLA_BRPORT_MODE, Buffer.from([options.hairpin ? 1 : 0]))]),
      ),
    ]),
  );
}

const bytesOf = (address: string): Buffer => Buffer.from(ipaddr.parse(address).toByteArray());
const familyOf = (address: string): number => (address.includes(':') ? 10 : 2);
const textOf = (bytes: Buffer): string => ipaddr.fromByteArray([...bytes]).toString();

/** `address` with its prefix length; IPv6 without duplicate detection, so that it can be used at once. */
export function addAddress(netlink: Netlink, index: number, address: string, prefix: number): void {
  netlink.request(`address ${address}/${prefix}`, RTM_NEWADDR, NLM_F_CREATE | NLM_F_REPLACE, addressBody(index, address, prefix));
}

export function removeAddress(netlink: Netlink, index: number, address: string, prefix: number): void {
  netlink.request(`address ${address}/${prefix}`, RTM_DELADDR, 0, addressBody(index, address, prefix));
}

function addressBody(index: number, address: string, prefix: number): Buffer {
  const v6 = address.includes(':');
  const header = Buffer.alloc(8);
  header.writeUInt8(familyOf(address), 0);
  header.writeUInt8(prefix, 1);
  if (v6) header.writeUInt8(0x02, 2);
  header.writeUInt32LE(index, 4);
  const bytes = bytesOf(address);
  const parts = [header, attribute(1, bytes), attribute(2, bytes)];
  if (!v6 && prefix < 31) {
    const broadcast = bytes.readUInt32BE(0) | (0xffffffff >>> prefix);
    const encoded = Buffer.alloc(4);
    encoded.writeUInt32BE(broadcast >>> 0);
    parts.push(attribute(4, encoded));
  }
  return Buffer.concat(parts);
}

export interface Address {
  index: number;
  address: string;
  prefix: number;
}

export function listAddresses(netlink: Netlink): Address[] {
  return netlink.dump('addresses', RTM_GETADDR, Buffer.alloc(8)).flatMap(({ body }) => {
    const attributes = parseAttributes(body.subarray(8));
    const bytes = attributes.get(2) ?? attributes.get(1);
    return bytes ? [{ index: body.readUInt32LE(4), address: textOf(bytes), prefix: body.readUInt8(1) }] : [];
  });
}

export interface Route {
  family: 4 | 6;
  /** Undefined: the default route. */
  destination: string | undefined;
  prefix: number;
  gateway: string | undefined;
  index: number;
  table: number;
  type: number;
}

export function listRoutes(netlink: Netlink): Route[] {
  return netlink.dump('routes', RTM_GETROUTE, Buffer.alloc(12)).flatMap(({ body }) => {
    const attributes = parseAttributes(body.subarray(12));
    const family = body.readUInt8(0);
    if (family !== 2 && family !== 10) return [];
    const destination = attributes.get(1);
    const gateway = attributes.get(5);
    return [
      {
        family: family === 2 ? 4 : 6,
        destination: destination ? textOf(destination) : undefined,
        prefix: body.readUInt8(1),
        gateway: gateway ? textOf(gateway) : undefined,
        index: attributes.get(4)?.readUInt32LE(0) ?? 0,
        table: attributes.get(15)?.readUInt32LE(0) ?? body.readUInt8(4),
        type: body.readUInt8(7),
      } satisfies Route,
    ];
  });
}

function routeBody(
  destination: { address: string; prefix: number } | undefined,
  family: number,
  via: { gateway?: string; index?: number },
): Buffer {
  const header = Buffer.alloc(12);
  header.writeUInt8(family, 0);
  header.writeUInt8(destination?.prefix ?? 0, 1);
  header.writeUInt8(254, 4);
  header.writeUInt8(3, 5);
  // Scope: link when there is no gateway, else universe.
  header.writeUInt8(via.gateway ? 0 : 253, 6);
  header.writeUInt8(1, 7);
  return Buffer.concat([
    header,
    ...(destination ? [attribute(1, bytesOf(destination.address))] : []),
    ...(via.gateway ? [attribute(5, bytesOf(via.gateway))] : []),
    ...(via.index === undefined ? [] : [attribute(4, via.index)]),
  ]);
}

/** The default route by `gateway`, or straight out of the link `index` (ipvlan in mode l3). Replaces the one there is. */
export function setDefaultRoute(netlink: Netlink, family: 4 | 6, via: { gateway?: string; index?: number }): void {
  netlink.request(
    `default route ${via.gateway ?? `link ${via.index}`}`,
    RTM_NEWROUTE,
    NLM_F_CREATE | NLM_F_REPLACE,
    routeBody(undefined, family === 6 ? 10 : 2, via),
  );
}

/** Idempotent. */
export function removeDefaultRoute(netlink: Netlink, family: 4 | 6): void {
  try {
    const header = Buffer.alloc(12);
    header.writeUInt8(family === 6 ? 10 : 2, 0);
    header.writeUInt8(254, 4);
    header.writeUInt8(255, 6);
    netlink.request('default route', RTM_DELROUTE, 0, header);
  } catch (error) {
    // No such route, or not even a table for it.
    if (!(error instanceof SystemError && (error.code === 'ESRCH' || error.code === 'ENOENT'))) throw error;
  }
}

/** A setting under /proc/sys/net of the namespace that the main thread is in; false when the kernel has no such setting. */
export function writeSetting(name: string, value: string | number): boolean {
  try {
    writeFileSync(`/proc/sys/net/${name}`, String(value));
    return true;
  } catch {
    return false;
  }
}

/** Whether /proc/sys is a read-only mount here: then every writeSetting fails. */
export function settingsAreReadOnly(): boolean {
  try {
    accessSync('/proc/sys/net/ipv4/ip_forward', constants.W_OK);
    return false;
  } catch (error) {
    return (error as { code?: string }).code === 'EROFS';
  }
}

export function readSetting(name: string): string | undefined {
  try {
    return readFileSync(`/proc/sys/net/${name}`, 'utf8').trim();
  } catch {
    return undefined;
  }
}
