import type { World } from './world.ts';

/** Names follow at once: the next question to the name server gets the new one. */
export function renameEndpoints(world: World, containerId: string, name: string): void {
  const sandbox = world.sandboxes.get(containerId);
  if (!sandbox) return;
  const old = sandbox.request.name;
  sandbox.request = { ...sandbox.request, name };
  for (const endpoint of sandbox.endpoints.values()) {
    endpoint.containerName = name;
    endpoint.names = [...new Set([name, ...endpoint.names.filter((other) => other !== old)])];
  }
}
