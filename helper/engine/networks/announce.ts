import { announceAddress, findLink, inNamespaceAt, Netlink } from '../../system/netns/index.ts';
import { type Endpoint, type LiveSandbox, OPTION } from './model.ts';
import type { World } from './world.ts';

/** A bridge's port forwards some moments after both ends of its pair are up. */
const PORT_MS = 5;
const PORT_TRIES = 100;

/** dockerd's, both. */
export const ANNOUNCEMENTS = { least: 0, most: 3, usual: 3 } as const;
export const ANNOUNCEMENT_MS = { least: 100, most: 2000, usual: 1000 } as const;

/**
 * Tells the neighbours of an endpoint that has come up whose its addresses are now, some times over, while it stays. Returns at
 * once: a start does not wait for it.
 */
export function announceEndpoint(world: World, sandbox: LiveSandbox, endpoint: Endpoint): void {
  const { network, mac } = endpoint;
  const { netnsPath } = sandbox;
  const count = Number(network.option(OPTION.announcements) ?? ANNOUNCEMENTS.usual);
  const interval = Number(network.option(OPTION.announcementMs) ?? ANNOUNCEMENT_MS.usual);
  const addresses = [endpoint.v4, endpoint.v6].flatMap((one) => (one ? [one.address] : []));
  if (netnsPath === undefined || !mac || addresses.length === 0) return;

  const isThere = (): boolean =>
    world.sandboxes.get(endpoint.containerId) === sandbox && sandbox.endpoints.get(network.id) === endpoint && endpoint.link !== '';
  const tell = (left: number): void => {
    if (left === 0 || !isThere()) return;
    if (!send(netnsPath, endpoint.link, mac, addresses)) return;
    setTimeout(tell, interval, left - 1).unref();
  };
  const whenForwarding = (tries: number): void => {
    if (!isThere()) return;
    const port = endpoint.hostLink ? findLink(world.host, endpoint.hostLink) : undefined;
    if (port && !port.running && tries > 0) setTimeout(whenForwarding, PORT_MS, tries - 1).unref();
    else tell(count);
  };
  setTimeout(whenForwarding, 1, PORT_TRIES).unref();
}

/** False when the link is not as we made it: its container speaks for itself then. */
function send(netnsPath: string, link: string, mac: string, addresses: readonly string[]): boolean {
  try {
    return inNamespaceAt(netnsPath, () => {
      const inside = new Netlink();
      try {
        const found = findLink(inside, link);
        if (found?.mac !== mac) return false;
        for (const address of addresses) announceAddress(found.index, mac, address);
        return true;
      } finally {
        inside.close();
      }
    });
  } catch {
    // The namespace is gone, or the link is down: nobody is to be told.
    return false;
  }
}
