import { findLink, removeNamespace, SystemError, setLink } from '../../../system/netns/index.ts';
import { messageOf } from '../../failure.ts';
import { releaseEndpoint } from '../endpoint.ts';
import type { Endpoint } from '../model.ts';
import type { World } from '../world.ts';

/** Idempotent; frees addresses and ports. */
export async function removeSandbox(world: World, containerId: string): Promise<void> {
  const sandbox = world.sandboxes.get(containerId);
  if (!sandbox) return;
  world.sandboxes.delete(containerId);
  sandbox.closeDns?.();
  for (const port of sandbox.published) port.close();
  const unpublished = world.firewall.unpublish(sandbox.publications);
  for (const endpoint of sandbox.endpoints.values()) {
    detachHostLink(world, endpoint);
    endpoint.network.endpoints.delete(containerId);
    world.endpointEvent('disconnect', endpoint);
  }
  if (sandbox.netnsPath !== undefined) removeNamespace(sandbox.netnsPath);
  try {
    await unpublished;
  } catch (error) {
    world.context.log.warn('published ports could not be taken from the packet filter', {
      container: containerId,
      error: messageOf(error),
    });
  }
  if (sandbox.publications.length > 0) {
    for (const { v4, v6 } of sandbox.endpoints.values()) {
      if (v4) world.firewall.forget(v4.address);
      if (v6) world.firewall.forget(v6.address);
    }
  }
  // Last: until here nobody else may get the address that the packet filter still sends to.
  for (const endpoint of sandbox.endpoints.values()) releaseEndpoint(endpoint);
}

/**
 * Takes the host's end out of its bridge. Deleting it costs 30 ms in which the main thread would stand still; the kernel
 * deletes the pair by itself when the namespace goes, but only some time later, and until then its address must not answer.
 */
export function detachHostLink(world: World, endpoint: Endpoint): void {
  if (!endpoint.hostLink) return;
  const link = findLink(world.host, endpoint.hostLink);
  if (!link) return;
  try {
    setLink(world.host, link.index, { master: 0 });
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'ENODEV')) throw error;
  }
}
