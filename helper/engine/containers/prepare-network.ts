import { Failure, isFailure, messageOf } from '../failure.ts';
import type { Sandbox, SandboxRequest } from '../networks/types.ts';
import type { Undo } from '../undo.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';
import { linksOf } from './linked.ts';

export interface PreparedNetwork {
  /** For the spec: a path, `host`, or undefined for a fresh one. */
  namespace: string | undefined;
  /** Where hosts, resolv.conf and hostname lie. */
  folder: string;
  request: SandboxRequest | undefined;
  sandbox: Sandbox | undefined;
  /** To be called before the first process runs. */
  connect(): Promise<void>;
}

/** A running container whose namespace of `kind` is to be joined. @throws Failure conflict in dockerd's words */
export function runningPeer(engine: Engine, reference: string, kind: 'network' | 'IPC' | 'PID'): { container: Container; pid: number } {
  const peer = engine.store.find(reference);
  if (!peer)
    throw new Failure(
      'system',
      `${kind === 'network' ? 'joining network namespace of container' : `failed to join ${kind} namespace`}: No such container: ${reference}`,
    );
  if (peer.state.status !== 'running') {
    if (peer.state.status === 'restarting') {
      throw new Failure('conflict', `Container ${peer.id} is restarting, wait until the container is running`);
    }
    const what = kind === 'network' ? 'cannot join network of a non running container' : `cannot join ${kind} of a non running container`;
    throw new Failure('conflict', `${what}: ${peer.id}`);
  }
  return { container: peer, pid: peer.state.pid };
}

export function sandboxRequest(engine: Engine, container: Container): SandboxRequest {
  const { config, hostConfig } = container;
  return {
    containerId: container.id,
    name: container.name,
    hostname: config.Hostname ?? '',
    domainname: config.Domainname ?? '',
    networkMode: config.NetworkDisabled ? 'none' : (hostConfig.NetworkMode ?? 'bridge'),
    endpoints: container.endpoints,
    exposed: Object.keys(config.ExposedPorts ?? {}),
    portBindings: hostConfig.PortBindings ?? {},
    publishAll: hostConfig.PublishAllPorts ?? false,
    dns: hostConfig.Dns ?? [],
    dnsSearch: hostConfig.DnsSearch ?? [],
    dnsOptions: hostConfig.DnsOptions ?? [],
    extraHosts: hostConfig.ExtraHosts ?? [],
    links: linksOf(engine.store, container).map(({ target, alias }) => ({ containerId: target.id, alias })),
    ...(config.MacAddress ? { macAddress: config.MacAddress } : {}),
    ...(['all', 'lo'].some((link) => hostConfig.Sysctls?.[`net.ipv6.conf.${link}.disable_ipv6`] === '1') ? { ipv6Off: true } : {}),
    folder: engine.store.folder(container.id),
  };
}

/** The container at the end of a chain of `container:` modes. */
function networkOwner(engine: Engine, container: Container): Container {
  const next = sharedWith(container.hostConfig.NetworkMode);
  const peer = next === undefined ? undefined : engine.store.find(next);
  return peer && peer !== container ? networkOwner(engine, peer) : container;
}

/** What fails is said to be the network's, in dockerd's words. */
async function setUp<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (signal.aborted) throw cause;
    throw new Failure(isFailure(cause) ? cause.kind : 'system', `failed to set up container networking: ${messageOf(cause)}`, { cause });
  }
}

/** The container's place in the network: made, or another container's. */
export async function prepareNetwork(engine: Engine, container: Container, undo: Undo, signal: AbortSignal): Promise<PreparedNetwork> {
  const other = sharedWith(container.hostConfig.NetworkMode);
  if (other !== undefined) {
    if (engine.store.find(other) === container) throw new Failure('system', 'cannot join own network namespace');
    const { container: peer, pid } = runningPeer(engine, other, 'network');
    // The other's names are this one's, as its hosts file has them.
    container.config = { ...container.config, Hostname: peer.config.Hostname ?? '', Domainname: peer.config.Domainname ?? '' };
    const owner = networkOwner(engine, peer);
    return {
      namespace: owner.hostConfig.NetworkMode === 'host' ? 'host' : `/proc/${pid}/ns/net`,
      folder: engine.store.folder(owner.id),
      request: undefined,
      sandbox: undefined,
      connect: async () => undefined,
    };
  }
  const request = sandboxRequest(engine, container);
  // Before, not after: a sandbox half made when the helper dies is found by the container's id.
  undo.add('network', () => engine.networks.removeSandbox(container.id));
  // Settings of links (net.ipv4.conf.eth0…) are made when the runtime creates the container: then the links must be there.
  const whole = Object.keys(container.hostConfig.Sysctls ?? {}).some((name) => name.startsWith('net.'));
  const sandbox = await setUp(signal, engine.networks[whole ? 'createSandbox' : 'reserveSandbox'](request, signal));
  return {
    namespace: request.networkMode === 'host' ? 'host' : sandbox.netnsPath,
    folder: request.folder,
    request,
    sandbox,
    connect: async () => (whole ? undefined : setUp(signal, engine.networks.connectSandbox(container.id))),
  };
}
