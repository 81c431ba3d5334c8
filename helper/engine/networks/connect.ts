import { closeSync, openSync } from 'node:fs';
import type { EndpointSettings } from '../../contract/docker/index.ts';
import { inNamespace, Netlink } from '../../system/netns/index.ts';
import { run } from '../../system/nft/nft.ts';
import { Failure } from '../failure.ts';
import { withUndo } from '../undo.ts';
import { announceEndpoint } from './announce.ts';
import { refuseEndpoint } from './config-only.ts';
import { deleteLink } from './delete-link.ts';
import { openResolver } from './dns/resolver.ts';
import { attachLink, createEndpoint, describeEndpoint, releaseEndpoint, setRoutes } from './endpoint.ts';
import { nextLinkName } from './link-names.ts';
import type { Endpoint, LiveSandbox } from './model.ts';
import { usesResolver, writeHosts, writeResolvConf } from './sandbox/files.ts';
import { checkSettings } from './sandbox/joins.ts';
import { republish } from './sandbox/ports.ts';
import { detachHostLink } from './sandbox/remove.ts';
import type { World } from './world.ts';

function sandboxOf(world: World, containerId: string): LiveSandbox & { netnsPath: string } {
  const sandbox = world.sandboxes.get(containerId);
  if (!sandbox) throw new Failure('conflict', `container ${containerId} is not running`);
  if (sandbox.netnsPath === undefined)
    throw new Failure('invalidParameter', 'cannot connect container to host network - container must be created in host network mode');
  return sandbox as LiveSandbox & { netnsPath: string };
}

/** A running container joins one more network. */
export async function connect(world: World, reference: string, containerId: string, settings: EndpointSettings): Promise<EndpointSettings> {
  const network = world.find(reference);
  if (network.stored.driver === 'host') {
    throw new Failure('forbidden', 'cannot connect container to host network - container must be created in host network mode');
  }
  const sandbox = sandboxOf(world, containerId);
  checkSettings(network, settings);
  refuseEndpoint(network);
  if ([...sandbox.endpoints.values()].some((endpoint) => endpoint.network.stored.driver === 'null')) {
    throw new Failure('forbidden', 'container cannot be connected to multiple networks with one of the networks in private (none) mode');
  }
  if (sandbox.endpoints.has(network.id)) {
    throw new Failure('forbidden', `endpoint with name ${sandbox.request.name} already exists in network ${network.name}`);
  }
  return await withUndo(async (undo) => {
    const { request } = sandbox;
    const endpoint = createEndpoint(network, request, settings);
    undo.add('addresses', () => releaseEndpoint(endpoint));
    undo.add('link', () => (endpoint.hostLink ? deleteLink(endpoint.hostLink) : undefined));
    // `none` is a network as others are, but for the link.
    const linked = network.stored.driver !== 'null';
    if (linked) {
      withInside(sandbox.netnsPath, (inside, fd) => {
        attachLink(world.host, inside, fd, endpoint, nextLinkName(inside, endpoint));
      });
    }
    sandbox.endpoints.set(network.id, endpoint);
    network.endpoints.set(containerId, endpoint);
    undo.add('endpoint', () => {
      sandbox.endpoints.delete(network.id);
      network.endpoints.delete(containerId);
    });
    await settle(world, sandbox);
    if (linked) announceEndpoint(world, sandbox, endpoint);
    world.endpointEvent('connect', endpoint);
    return describeEndpoint(endpoint);
  });
}

/** A running container leaves a network. */
export async function disconnect(world: World, reference: string, containerId: string): Promise<void> {
  const network = world.find(reference);
  const sandbox = world.sandboxes.get(containerId);
  const endpoint = sandbox?.endpoints.get(network.id);
  if (!sandbox || !endpoint) throw new Failure('forbidden', `container ${containerId} is not connected to network ${network.name}`);
  if (network.stored.driver === 'host')
    throw new Failure('forbidden', 'container cannot be disconnected from host network or connected to host network');
  await removeEndpointLink(world, sandbox, endpoint);
  sandbox.endpoints.delete(network.id);
  network.endpoints.delete(containerId);
  await settle(world, sandbox);
  releaseEndpoint(endpoint);
  world.endpointEvent('disconnect', endpoint);
}

async function removeEndpointLink(world: World, sandbox: LiveSandbox, endpoint: Endpoint): Promise<void> {
  if (endpoint.hostLink) {
    detachHostLink(world, endpoint);
    await deleteLink(endpoint.hostLink);
  } else if (endpoint.link && sandbox.netnsPath) {
    await run('nsenter', [`--net=${sandbox.netnsPath}`, 'ip', 'link', 'delete', 'dev', endpoint.link]);
  }
}

/** Routes, published ports, hosts and names after the endpoints changed. */
async function settle(world: World, sandbox: LiveSandbox & { netnsPath?: string | undefined }): Promise<void> {
  const file = sandbox.netnsPath;
  if (file === undefined) return;
  const before = sandbox.gateway;
  sandbox.gateway = withInside(file, (inside) => setRoutes(inside, sandbox.endpoints.values(), false));
  if (sandbox.gateway !== before) await republish(world, sandbox, before);
  if (usesResolver(sandbox) && !sandbox.closeDns) {
    openResolver(world, sandbox);
    await writeResolvConf(world, sandbox);
  }
  await writeHosts(world, sandbox);
}

function withInside<T>(file: string, work: (inside: Netlink, fd: number) => T): T {
  const fd = openSync(file, 'r');
  const inside = inNamespace(fd, () => new Netlink());
  try {
    return work(inside, fd);
  } finally {
    inside.close();
    closeSync(fd);
  }
}
