import type { EndpointSettings } from '../../contract/docker.ts';
import { Failure } from '../failure.ts';
import { type Container, sharedWith } from './container.ts';
import type { Engine } from './engine.ts';

function refuseMode(container: Container, network: string): void {
  const mode = container.hostConfig.NetworkMode ?? 'bridge';
  if (container.live.removing || container.state.status === 'removing') {
    throw new Failure('conflict', `container ${container.id} is marked for removal and cannot be connected or disconnected to the network`);
  }
  if (sharedWith(mode) !== undefined) {
    throw new Failure(
      'invalidParameter',
      'container sharing network namespace with another container or host cannot be connected to any other network',
    );
  }
  if (mode === 'host')
    throw new Failure('invalidParameter', 'container cannot be disconnected from host network or connected to host network');
  if (network === 'host') {
    throw new Failure('invalidParameter', 'container cannot be disconnected from host network or connected to host network');
  }
  if (network === 'none') {
    throw new Failure(
      'invalidParameter',
      'container cannot be connected to multiple networks with one of the networks in private (none) mode',
    );
  }
}

/** POST /networks/{id}/connect: at once when it runs, at its next start when not. */
export async function connectNetwork(engine: Engine, reference: string, network: string, settings: EndpointSettings): Promise<void> {
  const container = engine.store.get(reference);
  const { name } = await engine.networks.resolve(network);
  await engine.queue.run(container.id, async () => {
    refuseMode(container, name);
    if (container.hostConfig.NetworkMode === 'none') {
      throw new Failure(
        'invalidParameter',
        'container cannot be connected to multiple networks with one of the networks in private (none) mode',
      );
    }
    if (container.network?.sandbox.endpoints[name] ?? (!container.network && container.endpoints[name])) {
      throw new Failure('forbidden', `endpoint with name ${container.name} already exists in network ${name}`);
    }
    await engine.networks.validate({ networkMode: name, endpoints: { [name]: settings } });
    if (container.state.status === 'running' && container.network) {
      const endpoint = await engine.networks.connect(name, container.id, settings);
      const { sandbox } = container.network;
      container.network = { ...container.network, sandbox: { ...sandbox, endpoints: { ...sandbox.endpoints, [name]: endpoint } } };
    }
    container.endpoints = { ...container.endpoints, [name]: settings };
    await engine.store.save(container);
  });
}

/** POST /networks/{id}/disconnect. `force`: also when the network does not know the container (any more). */
export async function disconnectNetwork(engine: Engine, reference: string, network: string, force: boolean): Promise<void> {
  const container = engine.store.get(reference);
  const { name } = await engine.networks.resolve(network);
  await engine.queue.run(container.id, async () => {
    refuseMode(container, name);
    const live = container.network?.sandbox.endpoints[name];
    if (!live && !container.endpoints[name] && !force) {
      throw new Failure('forbidden', `container ${container.id} is not connected to network ${name}`);
    }
    if (container.state.status === 'running' && live && container.network) {
      await engine.networks.disconnect(name, container.id);
      const { [name]: _, ...endpoints } = container.network.sandbox.endpoints;
      container.network = { ...container.network, sandbox: { ...container.network.sandbox, endpoints } };
    }
    const { [name]: _, ...asked } = container.endpoints;
    container.endpoints = asked;
    await engine.store.save(container);
  });
}
