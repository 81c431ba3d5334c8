import { allowHairpin } from '../endpoint.ts';
import { type LiveSandbox, OPTION } from '../model.ts';
import { gatewayMode } from '../options.ts';
import { aim } from '../ports/aim.ts';
import type { PublishTarget } from '../ports/publish.ts';
import { portRequests } from '../ports/request.ts';
import type { World } from '../world.ts';

/** Takes the ports that the container asks for, for its gateway network; nothing in the packet filter yet. */
export async function reservePorts(world: World, sandbox: LiveSandbox): Promise<void> {
  const { request, gateway } = sandbox;
  const ways = waysOf(sandbox);
  if (!gateway || !ways) return;
  const wishes = portRequests(request.portBindings, request.exposed, request.publishAll);
  if (wishes.length === 0) return;
  const owner = { containerName: request.name, endpointId: gateway.id };
  const defaultAddress = gateway.network.option(OPTION.hostBinding) ?? '';
  sandbox.published = await world.ports.reserve(owner, wishes, { defaultAddress, ways });
  sandbox.publications = aim(world, sandbox.published, gateway);
}

/** Undefined: the gateway's network publishes nothing. */
function waysOf({ gateway }: LiveSandbox): PublishTarget['ways'] | undefined {
  if (gateway?.network.stored.driver !== 'bridge') return undefined;
  const way = (family: 4 | 6) =>
    !(family === 4 ? gateway.v4 : gateway.v6) ? 'proxy' : gatewayMode(gateway.network, family) === 'routed' ? 'open' : 'host';
  return { 4: way(4), 6: way(6) };
}

/**
 * The container's default route goes another way now: its ports follow. The same host ports where both networks publish in the
 * same way; none while there is no network that does.
 * @throws Failure system when a port is not to be had; nothing is published then
 */
export async function republish(world: World, sandbox: LiveSandbox, before: LiveSandbox['gateway']): Promise<void> {
  const [old, now] = [waysOf({ ...sandbox, gateway: before }), waysOf(sandbox)];
  await world.firewall.unpublish(sandbox.publications);
  sandbox.publications = [];
  const { gateway } = sandbox;
  if (gateway && now && sandbox.published.length > 0 && old && [4, 6].every((family) => same(old[family as 4 | 6], now[family as 4 | 6]))) {
    sandbox.publications = aim(world, sandbox.published, gateway);
  } else {
    for (const port of sandbox.published) port.close();
    sandbox.published = [];
    await reservePorts(world, sandbox);
  }
  if (gateway && sandbox.published.length > 0) allowHairpin(world.host, gateway);
  await world.firewall.publish(sandbox.publications);
}

/** On the host's addresses in both, or on the container's own in both. */
const same = (a: PublishTarget['ways'][4], b: PublishTarget['ways'][4]): boolean => (a === 'open') === (b === 'open');
