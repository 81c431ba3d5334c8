import type { Publication } from '../../../system/nft/script.ts';
import type { Endpoint } from '../model.ts';
import { trustedLinks } from '../options.ts';
import type { World } from '../world.ts';
import type { PublishedPort } from './publish.ts';

/**
 * Sends the ports to an endpoint's addresses, and tells which of them the kernel can translate: those where the
 * container has an address of the host address's family. The rest is the proxy's.
 */
export function aim({ context }: World, published: PublishedPort[], gateway: Endpoint | undefined): Publication[] {
  const [v4, v6] = [gateway?.v4?.address, gateway?.v6?.address];
  const translated = published.flatMap(({ proto, hostAddress, hostPort, containerPort, target }): Publication[] => {
    const same = hostAddress.includes(':') ? v6 : v4;
    target.address = same ?? (hostPort === 0 ? '' : (v4 ?? v6 ?? ''));
    return same ? [{ proto, hostAddress, hostPort, address: same, port: containerPort }] : [];
  });
  if (context.config.allowDirectRouting) return [...translated, ...direct(translated, false)];
  return gateway && trustedLinks(gateway.network.stored.options).length > 0 ? [...translated, ...direct(translated, true)] : translated;
}

/** The same ports at the container's own address, each once. */
function direct(translated: Publication[], trusted: boolean): Publication[] {
  const open = new Map<string, Publication>();
  for (const { hostPort, ...publication } of translated) {
    const { proto, address, port } = publication;
    if (hostPort !== 0) open.set(`${proto} ${address} ${port}`, { ...publication, hostPort: 0, trusted });
  }
  return [...open.values()];
}
