import { strayLinks } from './bridge.ts';
import { deleteLinks } from './delete-link.ts';
import type { World } from './world.ts';

/** With nothing running the host gets back what we took of it: links and packet filter. Networks are made again at start. */
export async function stopNetworks(world: World): Promise<void> {
  if (world.sandboxes.size > 0) {
    world.firewall.close();
    return;
  }
  await deleteLinks(world.host, strayLinks(world.host, world.context.instance, new Set()));
  await world.firewall.destroy();
}
