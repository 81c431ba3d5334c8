import { statSync } from 'node:fs';
import path from 'node:path';
import type { EndpointSettings } from '../../../contract/docker/index.ts';
import {
  bindNamespace,
  findLink,
  inNamespaceAt,
  listAddresses,
  listLinks,
  listNamespaces,
  Netlink,
  removeNamespace,
  setLink,
} from '../../../system/netns/index.ts';
import { messageOf } from '../../failure.ts';
import { openResolver } from '../dns/resolver.ts';
import { chooseGateway, createEndpoint } from '../endpoint.ts';
import type { Endpoint, LiveSandbox, Network } from '../model.ts';
import { aim } from '../ports/aim.ts';
import type { Sandbox, SandboxRequest } from '../types.ts';
import type { World } from '../world.ts';
import { register } from './create.ts';
import { usesResolver } from './files.ts';

export interface Running {
  request: SandboxRequest;
  sandbox: Sandbox;
  pid: number;
}

/** Takes up what runs, then removes what is ours and belongs to nobody. */
export async function adopt(world: World, running: Running[]): Promise<void> {
  for (const one of running) {
    try {
      adoptOne(world, one);
    } catch (error) {
      world.context.log.error('network of a running container could not be taken up', {
        container: one.request.containerId,
        error: messageOf(error),
      });
    }
  }
  const kept = new Set([...world.sandboxes.values()].map((sandbox) => sandbox.netnsPath));
  for (const name of listNamespaces(world.namespaces)) {
    const file = path.join(world.namespaces, name);
    if (!kept.has(file)) removeNamespace(file);
  }
  await world.firewall.rebuild();
  world.firewall.watch();
}

function adoptOne(world: World, { request, sandbox, pid }: Running): void {
  const live: LiveSandbox = {
    id: sandbox.id,
    request,
    netnsPath: sandbox.netnsPath,
    endpoints: new Map(),
    published: [],
    publications: [],
    gateway: undefined,
    closeDns: undefined,
  };
  if (sandbox.netnsPath !== undefined && !sameNamespace(sandbox.netnsPath, pid)) bindNamespace(sandbox.netnsPath, pid);
  for (const [name, settings] of Object.entries(sandbox.endpoints)) {
    const network = world.networks.get(settings.NetworkID ?? '') ?? [...world.networks.values()].find((other) => other.name === name);
    if (network) live.endpoints.set(network.id, restoreEndpoint(network, request, settings));
    else world.context.log.error('the network of a running container is gone', { container: request.containerId, network: name });
  }
  if (live.netnsPath !== undefined) findLinks(world, live, live.netnsPath);
  live.gateway = chooseGateway(live.endpoints.values(), 4) ?? chooseGateway(live.endpoints.values(), 6);
  const { published, lost } = world.ports.restore(request.name, sandbox.ports);
  live.published = published;
  live.publications = aim(world, published, live.gateway);
  world.firewall.expect(live.publications);
  if (lost.length > 0) {
    world.context.log.warn('published ports are held by others now', { container: request.name, ports: lost.join(' ') });
  }
  register(world, live);
  if (usesResolver(live)) openResolver(world, live);
}

function sameNamespace(file: string, pid: number): boolean {
  const [mine, theirs] = [statSync(file, { throwIfNoEntry: false }), statSync(`/proc/${pid}/ns/net`)];
  return mine?.ino === theirs.ino && mine.dev === theirs.dev;
}

function restoreEndpoint(network: Network, request: SandboxRequest, settings: EndpointSettings): Endpoint {
  const fixed: EndpointSettings = {
    ...settings,
    IPAMConfig: {
      ...(settings.IPAddress ? { IPv4Address: settings.IPAddress } : {}),
      ...(settings.GlobalIPv6Address ? { IPv6Address: settings.GlobalIPv6Address } : {}),
    },
  };
  const endpoint = createEndpoint(network, request, fixed, { id: settings.EndpointID ?? '', mac: settings.MacAddress ?? '' });
  endpoint.settings = settings;
  return endpoint;
}

/** The links' names in the container, by their addresses; their other ends are put back on their bridges. */
function findLinks(world: World, live: LiveSandbox, file: string): void {
  const { links, addresses } = inNamespaceAt(file, () => {
    const inside = new Netlink();
    try {
      return { links: listLinks(inside), addresses: listAddresses(inside) };
    } finally {
      inside.close();
    }
  });
  for (const endpoint of live.endpoints.values()) {
    const index = addresses.find((entry) => entry.address === (endpoint.v4 ?? endpoint.v6)?.address)?.index;
    endpoint.link = links.find((link) => (index === undefined ? link.mac === endpoint.mac : link.index === index))?.name ?? '';
    const outside = endpoint.hostLink ? findLink(world.host, endpoint.hostLink) : undefined;
    if (outside && outside.master !== endpoint.network.linkIndex)
      setLink(world.host, outside.index, { master: endpoint.network.linkIndex });
  }
}
