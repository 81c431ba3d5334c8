import type { HostMounts } from '../system/mount/index.ts';
import type { Meter } from './metrics/types.ts';

/** What every part of the engine is given: where its files lie, its settings and its log. */
export interface EngineContext {
  paths: Paths;
  /** The host's mounts as they are at any moment; undefined: the kernel can't give copies of them, and those of our start have to do. */
  host?: HostMounts | undefined;
  config: DaemonConfig;
  log: Log;
  /** Short id of this instance, from its data folder: names bridges, nft tables and cgroups, so that instances don't meet. */
  instance: string;
  /** Counts for /metrics. */
  meter?: Meter;
}

/** `data` is durable (default /var/lib/gantry), `run` is for the life of the boot (default /run/gantry). */
export interface Paths {
  data: string;
  run: string;
}

/** daemon.json's keys where they exist, checked and with the defaults filled in by helper/config. */
export interface DaemonConfig {
  registryMirrors: string[];
  insecureRegistries: string[];
  /** CIDR of the default bridge, such as 172.17.0.1/16; undefined: chosen so that it does not meet the host's routes. */
  bip?: string;
  /** The same for IPv6. */
  bip6?: string;
  /** Range of the default bridge that containers' addresses come from; without an address of the family its subnet, too. */
  fixedCidr?: string;
  fixedCidrV6?: string;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  logLevel: 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  logFormat: 'text' | 'json';
  logDriver: string;
  logOpts: Record<string, string>;
  defaultAddressPools: { base: string; size: number }[];
  /** Options that a new network has unless its maker says otherwise, by driver. */
  defaultNetworkOpts: Record<string, Record<string, string>>;
  maxConcurrentDownloads: number;
  maxConcurrentUploads: number;
  /** Tries for one layer whose connection breaks. */
  maxDownloadAttempts: number;
  defaultRuntime: string;
  /** Runtimes beside crun and runc, by name. */
  runtimes: Record<string, { path: string; args: string[] }>;
  /** What containers get that don't say otherwise. */
  init: boolean;
  cgroupParent: string;
  cgroupnsMode?: 'host' | 'private';
  ipcMode: 'private' | 'shareable';
  defaultShmSize: number;
  /** Bytes that a container's writable layer may have where its maker says nothing; undefined: no limit. */
  storageSize?: number;
  defaultUlimits: Record<string, { Name: string; Soft: number; Hard: number }>;
  noNewPrivileges: boolean;
  /** Its file's name and text (both `unconfined` for none at all); undefined: the built-in one. */
  seccompProfile: { name: string; text: string } | undefined;
  /** Seconds that stopping the engine waits for containers when it is to stop them; negative: for ever. */
  shutdownTimeout: number;
  liveRestore: boolean;
  ipv6: boolean;
  icc: boolean;
  /** Host address of published ports whose maker names none. */
  publishAddress: string;
  /** Of the default bridge. */
  mtu: number;
  ipMasq: boolean;
  /** Packet filter rules are written at all, and for IPv6. Without them only the proxy publishes ports. */
  iptables: boolean;
  ip6tables: boolean;
  /** The proxy serves published ports that the packet filter does not reach (the host's ::1, IPv6 clients of an IPv4 container). */
  userlandProxy: boolean;
  /** Default bridge: `none` for no such network, a link of the administrator's, undefined for one of our own. */
  bridge?: string;
  /** Gateway of the default bridge's containers where it is not the bridge. */
  defaultGateway?: string;
  defaultGatewayV6?: string;
  ipForward: boolean;
  /** Published ports are open at the containers' own addresses, whichever link a packet comes by. */
  allowDirectRouting: boolean;
  /** What `host-gateway` stands for; empty: the container's gateway. */
  hostGatewayIps: string[];
  labels: string[];
  debug: boolean;
  experimental: boolean;
  features: Record<string, boolean>;
  /** Folders of CDI spec files, the last one first; undefined: there are no such devices. */
  cdiSpecDirs: string[] | undefined;
  /** Containers' statistics are kept for a day. */
  statistics: boolean;
  /** Seconds from one to the next. */
  statisticsInterval: number;
  /** What a plain removal puts into the bin, and how much and how long it keeps. */
  bin: { containers: boolean; volumes: boolean; maxBytes: number; keepDays: number };
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
