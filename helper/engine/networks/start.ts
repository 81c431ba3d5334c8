import { withHostLock } from '../../system/netns/index.ts';
import { messageOf } from '../failure.ts';
import { enableForwarding, ensureBridge, ensureParent, strayLinks } from './bridge.ts';
import { LOCK } from './create.ts';
import { defaultBridge, plainNetwork, save } from './default-bridge.ts';
import { deleteLinks } from './delete-link.ts';
import type { World } from './world.ts';

/**
 * Reads the networks, makes the default ones and all links, removes links of ours that nobody has. The packet filter is
 * `adopt`'s: until then what an earlier helper left there goes on serving the containers that run.
 */
export async function startNetworks(world: World): Promise<void> {
  for (const stored of await world.store.read()) world.add(stored);
  for (const [name, driver] of [
    ['host', 'host'],
    ['none', 'null'],
  ] as const) {
    if (![...world.networks.values()].some((network) => network.name === name)) await save(world, plainNetwork(name, driver, ''));
  }
  await withHostLock(LOCK, async () => {
    await defaultBridge(world);
    const wanted = new Set([...world.networks.values()].map((network) => network.stored.link));
    await deleteLinks(world.host, strayLinks(world.host, world.context.instance, wanted));
    for (const network of world.networks.values()) {
      try {
        if (network.stored.driver === 'bridge') ensureBridge(world, network);
        if (network.stored.driver === 'macvlan' || network.stored.driver === 'ipvlan') {
          ensureParent(world.host, network, world.context.instance);
        }
      } catch (error) {
        world.context.log.error('network has no link', { network: network.name, link: network.stored.link, error: messageOf(error) });
      }
    }
  });
  if (world.context.config.ipForward) enableForwarding([...world.networks.values()].some((network) => network.stored.ipv6));
}
