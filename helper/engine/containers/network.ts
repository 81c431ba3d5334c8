import type { EndpointSettings } from '../../contract/docker/index.ts';
import { Failure, isFailure } from '../failure.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';

const SHARED = 'container sharing network namespace with another container or host cannot be connected to any other network';
const invalid = (message: string): Failure => new Failure('invalidParameter', message);

function refuseRemoval(container: Container): void {
  if (!container.live.removing && container.state.status !== 'removing') return;
  throw new Failure('system', `Container ${container.id} is marked for removal and cannot be connected or disconnected to the network`);
}

/** Networks that a container is in, or will be at its next start. */
function networksOf(container: Container): Record<string, EndpointSettings> {
  return { ...container.endpoints, ...container.network?.sandbox.endpoints };
}

/** What can't go together with the networks that the container has. @throws Failure invalidParameter in dockerd's words */
function refuseMix(container: Container, network: string): void {
  if (network === 'host' && container.hostConfig.NetworkMode !== 'host') {
    throw invalid('cannot connect container to host network - container must be created in host network mode');
  }
  for (const other of Object.keys(networksOf(container))) {
    if (other === network) return;
    if (other === 'host' || network === 'host') throw invalid(SHARED);
    if (other === 'none' || network === 'none') {
      throw invalid('container cannot be connected to multiple networks with one of the networks in private (none) mode');
    }
  }
}

/** POST /networks/{id}/connect: at once when it runs, at its next start when not. */
export async function connectNetwork(engine: Engine, reference: string, network: string, settings: EndpointSettings): Promise<void> {
  const container = engine.store.get(reference);
  await engine.queue.run(container.id, async () => {
    refuseRemoval(container);
    const known = await engine.networks.resolve(network).catch((error) => {
      // What does not run may be meant for a network that is yet to come: its start says whether it has.
      if (container.state.status !== 'running' && isFailure(error, 'notFound')) return undefined;
      throw error;
    });
    const name = known?.name ?? network;
    if (sharedWith(container.hostConfig.NetworkMode) !== undefined) throw invalid(SHARED);
    refuseMix(container, name);
    if (container.network?.sandbox.endpoints[name]) {
      throw new Failure('forbidden', `endpoint with name ${container.name} already exists in network ${name}`);
    }
    if (known) await engine.networks.validate({ networkMode: name, endpoints: { [name]: settings } });
    if (container.state.status === 'running' && container.network) {
      const endpoint = await engine.networks.connect(name, container.id, settings);
      const { sandbox } = container.network;
      const ports = engine.networks.portsOf(container.id);
      container.network = { ...container.network, sandbox: { ...sandbox, endpoints: { ...sandbox.endpoints, [name]: endpoint }, ports } };
    }
    // What a container that does not run was connected with before stays, as in dockerd.
    container.endpoints = { [name]: settings, ...container.endpoints };
    await engine.store.save(container);
  });
}

/**
 * POST /networks/{id}/disconnect. `force`: also from a network that is no more, and where the container is no more (then there is
 * nothing to take away: an endpoint never outlives its container here).
 */
export async function disconnectNetwork(engine: Engine, reference: string, network: string, force: boolean): Promise<void> {
  const container = engine.store.find(reference);
  if (!container && force) {
    await engine.networks.resolve(network);
    throw new Failure('notFound', `endpoint ${reference} not found`);
  }
  await disconnectFrom(engine, container ?? engine.store.get(reference), network, force);
}

const known = async (engine: Engine, network: string): Promise<{ name: string; missing: boolean }> => ({
  name: (await engine.networks.resolve(network)).name,
  missing: false,
});

async function disconnectFrom(engine: Engine, container: Container, network: string, force: boolean): Promise<void> {
  const { name, missing } = await known(engine, network).catch((error) => {
    if ((force || container.state.status !== 'running') && isFailure(error, 'notFound')) return { name: network, missing: true };
    throw error;
  });
  await engine.queue.run(container.id, async () => {
    refuseRemoval(container);
    const running = container.state.status === 'running';
    if (running && name === 'host' && container.hostConfig.NetworkMode === 'host') {
      throw invalid('cannot disconnect container from host network - container was created in host network mode');
    }
    if (!(name in networksOf(container))) {
      throw new Failure('system', `container ${container.id} is not connected to ${running && !missing ? '' : 'the '}network ${name}`);
    }
    if (running && container.network?.sandbox.endpoints[name]) {
      await engine.networks.disconnect(name, container.id);
      const { [name]: _, ...endpoints } = container.network.sandbox.endpoints;
      const ports = engine.networks.portsOf(container.id);
      container.network = { ...container.network, sandbox: { ...container.network.sandbox, endpoints, ports } };
    }
    const { [name]: _, ...asked } = container.endpoints;
    container.endpoints = asked;
    await engine.store.save(container);
  });
}
