import type { EndpointSettings, NetworkCreateRequest, NetworkInspect, PortMap } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';

/** What a container asks of the network when it starts. */
export interface SandboxRequest {
  containerId: string;
  /** Without the leading slash. */
  name: string;
  hostname: string;
  domainname: string;
  /** `bridge`/`default`, `none`, `host`, or a network's name: whose link comes first. `container:` is resolved by containers, not here. */
  networkMode: string;
  /** All networks to join (no other is), with what the user asked for each (aliases, static addresses, MAC); keys are names or ids. */
  endpoints: Record<string, EndpointSettings>;
  exposed: string[];
  portBindings: PortMap;
  publishAll: boolean;
  dns: string[];
  dnsSearch: string[];
  dnsOptions: string[];
  extraHosts: string[];
  /** `name:alias` of HostConfig.Links, resolved to container id and alias. */
  links: { containerId: string; alias: string }[];
  macAddress?: string;
  /** Its kernel settings switch IPv6 off: it gets no such address. */
  ipv6Off?: boolean;
  /** Where hosts, resolv.conf and hostname are written, to be bind-mounted: a folder of the container's own. */
  folder: string;
}

/** A container's network, as it stands while the container runs. Plain data: it is kept in the container's run-time state. */
export interface Sandbox {
  id: string;
  /** Path to join for the OCI runtime; undefined: the host's namespace. */
  netnsPath: string | undefined;
  key: string;
  endpoints: Record<string, EndpointSettings>;
  /** Published ports with the host ports that were chosen. */
  ports: PortMap;
}

export interface Networks {
  /** Makes the default networks; reads the user's; finds and removes what half-done work left. */
  start(): Promise<void>;
  /** With `containers` each with its containers, as `inspect` shows it. */
  list(filters: Filters, options?: { containers: boolean }): Promise<NetworkInspect[]>;
  inspect(reference: string): Promise<NetworkInspect>;
  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }>;
  remove(reference: string): Promise<void>;
  prune(filters: Filters): Promise<{ NetworksDeleted: string[] }>;
  /** Name or id (prefix) → what containers need. @throws Failure notFound `network NAME not found` */
  resolve(reference: string): Promise<{ id: string; name: string; driver: string }>;
  /** Checks at create time what can be checked then (static addresses, user-defined only rules, aliases). */
  validate(request: Pick<SandboxRequest, 'networkMode' | 'endpoints'>): Promise<void>;

  /** A namespace with its links, addresses, routes, files, names and published ports. All or nothing. */
  createSandbox(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox>;
  /** Its first half: all but what leads in or out, so that a container can be created in it meanwhile. */
  reserveSandbox(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox>;
  /** The second half: links, routes, the resolver, published ports. When it throws, `removeSandbox` takes away what there is. */
  connectSandbox(containerId: string): Promise<void>;
  /** Idempotent; also frees addresses and ports. */
  removeSandbox(containerId: string): Promise<void>;
  /**
   * After a restart of the helper: these containers run with these sandboxes; everything else of ours is removed.
   * To be called once after `start`, with an empty list too: it sets up the packet filter.
   */
  adopt(running: { request: SandboxRequest; sandbox: Sandbox; pid: number }[]): Promise<void>;
  /** Running containers: joins one more network. Returns the endpoint. */
  connect(network: string, containerId: string, settings: EndpointSettings): Promise<EndpointSettings>;
  disconnect(network: string, containerId: string): Promise<void>;
  /** What is published for a running container now: `connect` and `disconnect` may change it. */
  portsOf(containerId: string): PortMap;
  renamed(containerId: string, name: string): void;
  /** The helper ends: with nothing running, all that is ours goes from the kernel (links, packet filter); else all stays. */
  stop(): Promise<void>;
}
