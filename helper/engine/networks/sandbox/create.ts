import { randomBytes } from 'node:crypto';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { createNamespace, inNamespace, Netlink, removeNamespace, setLink } from '../../../system/netns/index.ts';
import { Failure } from '../../failure.ts';
import { withUndo } from '../../undo.ts';
import { announceEndpoint } from '../announce.ts';
import { refuseEndpoint } from '../config-only.ts';
import { openResolver } from '../dns/resolver.ts';
import { allowHairpin, attachLink, chooseGateway, createEndpoint, describeEndpoint, releaseEndpoint, setRoutes } from '../endpoint.ts';
import { nextLinkName } from '../link-names.ts';
import type { LiveSandbox } from '../model.ts';
import { portMap } from '../ports/publish.ts';
import type { Sandbox, SandboxRequest } from '../types.ts';
import type { World } from '../world.ts';
import { usesResolver, writeHosts, writeSandboxFiles } from './files.ts';
import { checkSettings, joinsOf } from './joins.ts';
import { reservePorts } from './ports.ts';
import { removeSandbox } from './remove.ts';

/** A namespace with its links, addresses, routes, files, names and published ports. All or nothing. */
export async function createSandbox(world: World, request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox> {
  const sandbox = await reserveSandbox(world, request, signal);
  try {
    await connectSandbox(world, request.containerId);
  } catch (error) {
    await removeSandbox(world, request.containerId);
    throw error;
  }
  return sandbox;
}

/** The first half: addresses, ports, an empty namespace and the files are there; nothing leads in or out. All or nothing. */
export async function reserveSandbox(world: World, request: SandboxRequest, signal?: AbortSignal): Promise<Sandbox> {
  signal?.throwIfAborted();
  await removeSandbox(world, request.containerId);
  const joins = joinsOf(world, request);
  for (const { network, settings } of joins) {
    checkSettings(network, settings);
    refuseEndpoint(network);
  }
  const id = randomBytes(32).toString('hex');
  const isHost = joins[0]?.network.stored.driver === 'host';
  const sandbox: LiveSandbox = {
    id,
    request,
    netnsPath: isHost ? undefined : path.join(world.namespaces, id.slice(0, 12)),
    endpoints: new Map(),
    published: [],
    publications: [],
    gateway: undefined,
    closeDns: undefined,
  };
  await withUndo(async (undo) => {
    for (const { network, settings } of joins) {
      const endpoint = createEndpoint(network, request, settings);
      sandbox.endpoints.set(network.id, endpoint);
      undo.add('addresses', () => {
        network.endpoints.delete(request.containerId);
        releaseEndpoint(endpoint);
      });
    }
    sandbox.gateway = chooseGateway(sandbox.endpoints.values(), 4) ?? chooseGateway(sandbox.endpoints.values(), 6);
    await reservePorts(world, sandbox);
    undo.add('ports', () => {
      for (const port of sandbox.published) port.close();
    });
    if (sandbox.netnsPath !== undefined) {
      createNamespace(sandbox.netnsPath);
      undo.add('namespace', () => removeNamespace(sandbox.netnsPath ?? ''));
    }
    await writeSandboxFiles(world, sandbox);
    signal?.throwIfAborted();
    register(world, sandbox);
    // Its address may be another than before.
    const linking = [...world.sandboxes.values()].filter((other) =>
      other.request.links.some((link) => link.containerId === request.containerId),
    );
    await Promise.all(linking.map((other) => writeHosts(world, other)));
  });
  return describeSandbox(world, sandbox);
}

/**
 * The second half: links with their addresses, routes, the resolver, the packet filter. What has begun when it throws is taken away by
 * `removeSandbox`.
 */
export async function connectSandbox(world: World, containerId: string): Promise<void> {
  const sandbox = world.sandboxes.get(containerId);
  if (!sandbox) throw new Failure('system', `the network of container ${containerId} is gone`);
  if (sandbox.netnsPath !== undefined) makeLinks(world, sandbox, sandbox.netnsPath);
  if (usesResolver(sandbox)) openResolver(world, sandbox);
  await world.firewall.publish(sandbox.publications);
  for (const endpoint of sandbox.endpoints.values()) {
    announceEndpoint(world, sandbox, endpoint);
    world.endpointEvent('connect', endpoint);
  }
}

export function register(world: World, sandbox: LiveSandbox): void {
  world.sandboxes.set(sandbox.request.containerId, sandbox);
  for (const endpoint of sandbox.endpoints.values()) endpoint.network.endpoints.set(sandbox.request.containerId, endpoint);
}

/** Two milliseconds, all synchronous: no other JavaScript runs while the main thread is in the new namespace. */
function makeLinks(world: World, sandbox: LiveSandbox, file: string): void {
  const fd = openSync(file, 'r');
  let inside: Netlink | undefined;
  try {
    inside = inNamespace(fd, () => new Netlink());
    setLink(inside, 1, { up: true });
    for (const endpoint of sandbox.endpoints.values()) {
      if (endpoint.network.stored.driver === 'null') continue;
      attachLink(world.host, inside, fd, endpoint, nextLinkName(inside, endpoint, sandbox.endpoints.values()));
    }
    setRoutes(inside, sandbox.endpoints.values(), true);
    if (sandbox.gateway && sandbox.published.length > 0) allowHairpin(world.host, sandbox.gateway);
  } finally {
    inside?.close();
    closeSync(fd);
  }
}

export function describeSandbox(world: World, sandbox: LiveSandbox): Sandbox {
  const plain = sandbox.gateway?.network.stored.driver === 'bridge';
  return {
    id: sandbox.id,
    netnsPath: sandbox.netnsPath,
    key: sandbox.netnsPath ?? path.join(world.namespaces, 'default'),
    endpoints: Object.fromEntries([...sandbox.endpoints.values()].map((endpoint) => [endpoint.network.name, describeEndpoint(endpoint)])),
    ports: plain ? portMap(sandbox.published, sandbox.request.exposed) : {},
  };
}
