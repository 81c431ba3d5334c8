import type { ContainerSummary } from '../../helper/contract/docker/index.ts';

/** Host ports that containers hold: `port` (TCP) → the container's name. */
export function heldPorts(containers: ContainerSummary[]): Map<number, string> {
  const held = new Map<number, string>();
  for (const container of containers) {
    for (const port of container.Ports ?? []) {
      if (port.PublicPort && port.Type === 'tcp')
        held.set(port.PublicPort, container.Names?.[0]?.replace(/^\//, '') ?? container.Id.slice(0, 12));
    }
  }
  return held;
}

/** The first port from `from` up that no container holds. */
export function freePort(held: ReadonlyMap<number, unknown>, from: number): number {
  let port = from;
  while (held.has(port) && port < 65535) port++;
  return port;
}

/** The host port to offer for a container's port: the same, or for privileged ones the usual neighbour (80 → 8080, 443 → 8443). */
export function suggestedPort(containerPort: number): number {
  return containerPort >= 1024 ? containerPort : containerPort + 8000 === 8080 ? 8080 : 8000 + containerPort;
}
