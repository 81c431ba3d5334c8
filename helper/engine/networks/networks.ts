import type { EndpointSettings, NetworkCreateRequest, NetworkInspect, PortMap } from '../../contract/docker/index.ts';
import type { EngineContext } from '../context.ts';
import type { Events, Filters } from '../events/types.ts';
import { connect, disconnect } from './connect.ts';
import { createNetwork } from './create.ts';
import { describeNetwork, listFilter } from './list.ts';
import { pruneNetworks, removeNetwork } from './remove.ts';
import { renameEndpoints } from './rename.ts';
import { adopt, type Running } from './sandbox/adopt.ts';
import { connectSandbox, createSandbox, describeSandbox, reserveSandbox } from './sandbox/create.ts';
import { checkSettings, modeOf } from './sandbox/joins.ts';
import { removeSandbox } from './sandbox/remove.ts';
import { startNetworks } from './start.ts';
import { stopNetworks } from './stop.ts';
import type { Networks, Sandbox, SandboxRequest } from './types.ts';
import { World } from './world.ts';

/** Networks of this host. Operations on one container's sandbox run one after the other. */
export function createNetworks(context: EngineContext, events: Events): Networks {
  return new HostNetworks(new World(context, events));
}

/** For tests that play a crash. */
export function worldOf(networks: Networks): World {
  return (networks as HostNetworks).world;
}

class HostNetworks implements Networks {
  readonly world: World;
  constructor(world: World) {
    this.world = world;
  }

  start(): Promise<void> {
    return startNetworks(this.world);
  }

  async list(filters: Filters, { containers } = { containers: false }): Promise<NetworkInspect[]> {
    const keep = listFilter(filters);
    return [...this.world.networks.values()].filter(keep).map((network) => describeNetwork(network, containers));
  }

  async inspect(reference: string): Promise<NetworkInspect> {
    return describeNetwork(this.world.find(reference), true);
  }

  create(request: NetworkCreateRequest): Promise<{ Id: string; Warning: string }> {
    return createNetwork(this.world, request);
  }

  remove(reference: string): Promise<void> {
    return removeNetwork(this.world, reference);
  }

  prune(filters: Filters): Promise<{ NetworksDeleted: string[] }> {
    return pruneNetworks(this.world, filters);
  }

  async resolve(reference: string): Promise<{ id: string; name: string; driver: string }> {
    const { id, name, stored } = this.world.find(reference);
    return { id, name, driver: stored.driver };
  }

  /** Networks that don't exist are no fault here: dockerd creates such a container, and refuses to start it. */
  async validate(request: Pick<SandboxRequest, 'networkMode' | 'endpoints'>): Promise<void> {
    for (const [key, settings] of Object.entries(request.endpoints)) {
      const network = this.world.tryFind(modeOf(key));
      if (network && settings) checkSettings(network, settings);
    }
  }

  createSandbox(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox> {
    return this.world.queue.run(request.containerId, () => createSandbox(this.world, request, signal));
  }

  reserveSandbox(request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox> {
    return this.world.queue.run(request.containerId, () => reserveSandbox(this.world, request, signal));
  }

  connectSandbox(containerId: string): Promise<void> {
    return this.world.queue.run(containerId, () => connectSandbox(this.world, containerId));
  }

  removeSandbox(containerId: string): Promise<void> {
    return this.world.queue.run(containerId, () => removeSandbox(this.world, containerId));
  }

  adopt(running: Running[]): Promise<void> {
    return adopt(this.world, running);
  }

  connect(network: string, containerId: string, settings: EndpointSettings): Promise<EndpointSettings> {
    return this.world.queue.run(containerId, () => connect(this.world, network, containerId, settings));
  }

  disconnect(network: string, containerId: string): Promise<void> {
    return this.world.queue.run(containerId, () => disconnect(this.world, network, containerId));
  }

  portsOf(containerId: string): PortMap {
    const sandbox = this.world.sandboxes.get(containerId);
    return sandbox ? describeSandbox(this.world, sandbox).ports : {};
  }

  stop(): Promise<void> {
    return stopNetworks(this.world);
  }

  renamed(containerId: string, name: string): void {
    renameEndpoints(this.world, containerId, name);
  }
}
