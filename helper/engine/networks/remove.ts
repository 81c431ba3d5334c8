import { findLink } from '../../system/netns/index.ts';
import type { Filters } from '../events/types.ts';
import { Failure, messageOf } from '../failure.ts';
import { refuseInUse } from './config-only.ts';
import { deleteLink } from './delete-link.ts';
import { pruneFilter } from './list.ts';
import type { Network } from './model.ts';
import type { World } from './world.ts';

/** @throws Failure notFound, forbidden (predefined, in use) */
export async function removeNetwork(world: World, reference: string): Promise<void> {
  const network = world.find(reference);
  if (network.predefined) throw new Failure('forbidden', `${network.name} is a pre-defined network and cannot be removed`);
  await world.queue.run('create', () => takeDown(world, network));
}

async function takeDown(world: World, network: Network): Promise<void> {
  if (network.endpoints.size > 0) {
    const names = [...network.endpoints.values()].map((endpoint) => `name:"${endpoint.containerName}" id:"${endpoint.id.slice(0, 12)}"`);
    throw new Failure(
      'forbidden',
      `error while removing network: network ${network.name} id ${network.id} has active endpoints (${names.join(', ')})`,
    );
  }
  refuseInUse(world.networks.values(), network);
  // The file first: what is left after a crash is then a stray link, which the next start removes.
  await world.store.remove(network.id);
  world.networks.delete(network.id);
  const rules = world.rulesOf(network);
  if (rules) await world.firewall.removeNetwork(rules);
  const link = findLink(world.host, network.stored.link);
  const shared = [...world.networks.values()].some((other) => other.stored.link === network.stored.link);
  if (link?.alias === world.context.instance && !shared) await deleteLink(network.stored.link);
  world.publishNetworkEvent('destroy', network);
}

export async function pruneNetworks(world: World, filters: Filters): Promise<{ NetworksDeleted: string[] }> {
  const keep = pruneFilter(filters);
  const NetworksDeleted: string[] = [];
  for (const network of [...world.networks.values()]) {
    if (network.predefined || network.configOnly || network.endpoints.size > 0 || !keep(network)) continue;
    try {
      await removeNetwork(world, network.id);
      NetworksDeleted.push(network.name);
    } catch (error) {
      world.context.log.warn('network could not be pruned', { network: network.name, error: messageOf(error) });
    }
  }
  world.events.publish('network', 'prune', '', { reclaimed: '0' });
  return { NetworksDeleted };
}
