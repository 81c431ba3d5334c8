import type { EndpointSettings } from '../../contract/docker/index.ts';
import type { Publication } from '../../system/nft/script.ts';
import { type Cidr, parseAddress, parseCidr } from './ipam/addresses.ts';
import { AddressPool } from './ipam/pool.ts';
import type { PublishedPort } from './ports/publish.ts';
import type { StoredNetwork } from './store.ts';
import type { SandboxRequest } from './types.ts';

/** A container's place in one network, while it runs. */
export interface Endpoint {
  id: string;
  network: Network;
  containerId: string;
  /** The container's name now. */
  containerName: string;
  settings: EndpointSettings;
  /** The link's name in the container; empty when there is none (host, none). */
  link: string;
  /** The other end, in the host's namespace; empty when there is none. */
  hostLink: string;
  mac: string;
  v4: { address: string; value: bigint; prefix: number; gateway: string } | undefined;
  v6: { address: string; value: bigint; prefix: number; gateway: string } | undefined;
  /** All names of the container in this network, its own first. */
  names: string[];
}

export interface LiveSandbox {
  id: string;
  request: SandboxRequest;
  /** Undefined: the host's namespace. */
  netnsPath: string | undefined;
  /** By network id, in the order of their links. */
  endpoints: Map<string, Endpoint>;
  published: PublishedPort[];
  /** Those of them that the packet filter translates. */
  publications: Publication[];
  /** The endpoint that has the default route. */
  gateway: Endpoint | undefined;
  closeDns: (() => void) | undefined;
}

/** A network with what is known about it now. */
export class Network {
  readonly stored: StoredNetwork;
  readonly pools: AddressPool[];
  readonly endpoints = new Map<string, Endpoint>();
  /** Index of the bridge link, or of the parent of macvlan and ipvlan; 0: none yet. */
  linkIndex = 0;

  constructor(stored: StoredNetwork) {
    this.stored = stored;
    this.pools = stored.ipam.config.map((config) => {
      const reserved = [config.gateway, ...Object.values(config.aux)].flatMap((address) => parseAddress(address ?? '')?.value ?? []);
      const range = config.range ? parseCidr(config.range)?.cidr : undefined;
      return new AddressPool(cidrOf(config.subnet), { ...(range ? { range } : {}), reserved });
    });
  }

  get id(): string {
    return this.stored.id;
  }
  get name(): string {
    return this.stored.name;
  }
  /** Nothing but settings, for other networks to take (`--config-from`). */
  get configOnly(): boolean {
    return this.stored.configOnly ?? false;
  }
  /** `bridge`, `host` and `none` can't be removed. */
  get predefined(): boolean {
    return isPredefined(this.stored.name);
  }
  get isDefaultBridge(): boolean {
    return this.stored.name === 'bridge';
  }
  /** Internal ones lead nowhere, nor does what lies on a link that was made for want of a parent. */
  get leadsOut(): boolean {
    const alone = this.stored.driver !== 'bridge' && !this.option('parent');
    return !this.stored.internal && !alone;
  }
  /** User-defined networks resolve names; the default bridge, host and none don't. */
  get resolvesNames(): boolean {
    return !this.predefined;
  }

  /** With the gateway that containers use: the bridge's own address, unless an auxiliary address names another. */
  poolsOf(family: 4 | 6): { pool: AddressPool; gateway: string | undefined }[] {
    return this.pools.flatMap((pool, index) => {
      const config = this.stored.ipam.config[index];
      return pool.subnet.family === family ? [{ pool, gateway: config?.aux[`DefaultGatewayIPv${family}`] ?? config?.gateway }] : [];
    });
  }

  option(name: string): string | undefined {
    return this.stored.options[name];
  }

  flag(name: string, fallback: boolean): boolean {
    const value = this.option(name);
    return value === undefined ? fallback : /^(1|t|true)$/i.test(value);
  }
}

export const isPredefined = (name: string): boolean => ['bridge', 'host', 'none', 'default'].includes(name);

/** Of a text that was checked when it was stored. */
export function cidrOf(text: string): Cidr {
  const parsed = parseCidr(text);
  if (!parsed) throw new Error(`not a CIDR: ${text}`);
  return parsed.cidr;
}

/** nat-unprotected: NAT, but every port can be reached by routing; routed: no NAT, published ports can; isolated: no gateway. */
export type GatewayMode = 'nat' | 'nat-unprotected' | 'routed' | 'isolated';

/** How often neighbours are told of an address, and how far apart: dockerd's limits. */
export const ANNOUNCEMENTS = { least: 0, most: 3, usual: 3 } as const;
export const ANNOUNCEMENT_MS = { least: 100, most: 2000, usual: 1000 } as const;

/** Options of networks, in dockerd's names. */
export const OPTION = {
  bridgeName: 'com.docker.network.bridge.name',
  icc: 'com.docker.network.bridge.enable_icc',
  masquerade: 'com.docker.network.bridge.enable_ip_masquerade',
  hostBinding: 'com.docker.network.bridge.host_binding_ipv4',
  inhibitIpv4: 'com.docker.network.bridge.inhibit_ipv4',
  mtu: 'com.docker.network.driver.mtu',
  hostIpv4: 'com.docker.network.host_ipv4',
  hostIpv6: 'com.docker.network.host_ipv6',
  gatewayMode4: 'com.docker.network.bridge.gateway_mode_ipv4',
  gatewayMode6: 'com.docker.network.bridge.gateway_mode_ipv6',
  /** Links of the host, separated by colons, from which published ports are reachable at the container's own address. */
  trustedLinks: 'com.docker.network.bridge.trusted_host_interfaces',
  /** In place of EnableIPv4 and EnableIPv6, by `--opt` or the key default-network-opts. */
  enable4: 'com.docker.network.enable_ipv4',
  enable6: 'com.docker.network.enable_ipv6',
  /** How often, and how far apart, an endpoint's addresses are announced to its neighbours. */
  announcements: 'com.docker.network.advertise_addr_nmsgs',
  announcementMs: 'com.docker.network.advertise_addr_ms',
  linkPrefix: 'com.docker.network.container_iface_prefix',
  defaultBridge: 'com.docker.network.bridge.default_bridge',
} as const;

/** Options of endpoints (`--network name=…,driver-opt=…`, `docker network connect --driver-opt`). */
export const ENDPOINT_OPTION = {
  sysctls: 'com.docker.network.endpoint.sysctls',
  linkName: 'com.docker.network.endpoint.ifname',
} as const;
