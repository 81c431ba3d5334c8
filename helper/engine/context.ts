/** What every part of the engine is given: where its files lie, its settings and its log. */
export interface EngineContext {
  paths: Paths;
  config: DaemonConfig;
  log: Log;
  /** Short id of this instance, from its data folder: names bridges, nft tables and cgroups, so that instances don't meet. */
  instance: string;
}

/** `data` is durable (default /var/lib/gantry), `run` is for the life of the boot (default /run/gantry). */
export interface Paths {
  data: string;
  run: string;
}

/** daemon.json's keys where they exist, with the defaults filled in by helper/config.ts. */
export interface DaemonConfig {
  registryMirrors: string[];
  insecureRegistries: string[];
  /** CIDR of the default bridge, such as 172.17.0.1/16; undefined: chosen so that it does not meet the host's routes. */
  bip?: string;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  logLevel: 'debug' | 'info' | 'warn' | 'error';
  logFormat: 'text' | 'json';
  logDriver: string;
  logOpts: Record<string, string>;
  defaultAddressPools: { base: string; size: number }[];
  maxConcurrentDownloads: number;
  maxConcurrentUploads: number;
  defaultRuntime: 'crun' | 'runc';
  defaultShmSize: number;
  defaultUlimits: Record<string, { Name: string; Soft: number; Hard: number }>;
  /** Seconds that stopping the engine waits for containers when it is to stop them. */
  shutdownTimeout: number;
  liveRestore: boolean;
  ipv6: boolean;
  icc: boolean;
  userlandProxy: boolean;
  labels: string[];
  debug: boolean;
}

export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void;
  info(message: string, fields?: Record<string, unknown>): void;
  warn(message: string, fields?: Record<string, unknown>): void;
  error(message: string, fields?: Record<string, unknown>): void;
}
