import type { AppInfo, Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary, ImageInspect } from '../../../helper/contract/docker/index.ts';
import { gantry } from '../../lib/bridge.ts';
import { keys, queryClient } from '../../lib/client.ts';
import { EngineError, engineJson, engineSend } from '../../lib/engine.ts';
import { freePort, heldPorts } from '../../lib/host-ports.ts';
import { encodeReference } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';

/** Where the starter image is offered: on this machine, else on the first host that answers. */
export function starterHost(hosts: Host[], info: AppInfo | undefined): Host | undefined {
  if (!info?.starterImage.available) return undefined;
  const connected = hosts.filter((host) => host.state.status === 'connected');
  return connected.find((host) => host.kind === 'local') ?? connected[0];
}

/** Runs the starter image and shows its container. @throws EngineError */
export async function openStarter(host: Host): Promise<void> {
  const id = await runStarter(host);
  await queryClient.invalidateQueries({ queryKey: keys.containers(host.id) });
  navigate({ page: 'containers', detail: { host: host.id, id: id.slice(0, 12), tab: 'logs' } });
}

/**
 * Loads the starter image, makes a container `hello` with its page on a free port from 8080 up, and starts it.
 * @returns the container's id
 */
async function runStarter(host: Host): Promise<string> {
  const reference = await gantry().starter.load(host.id);
  void queryClient.invalidateQueries({ queryKey: keys.images(host.id) });
  const [containers, image] = await Promise.all([
    engineJson<ContainerSummary[]>(host.id, '/containers/json?all=1'),
    engineJson<ImageInspect>(host.id, `/images/${encodeReference(reference)}/json`),
  ]);
  const exposed = Object.keys(image.Config?.ExposedPorts ?? {}).find((p) => p.endsWith('/tcp')) ?? '80/tcp';
  const names = new Set(containers.flatMap((c) => c.Names));
  let name = 'hello';
  for (let n = 2; names.has(`/${name}`); n++) name = `hello-${n}`;

  const held = heldPorts(containers);
  let port = freePort(held, 8080);
  // A process outside of any container may hold a port too; then the engine refuses and the next one is tried.
  for (let attempt = 0; ; attempt++) {
    const body = {
      Image: reference,
      ExposedPorts: { [exposed]: {} },
      HostConfig: { PortBindings: { [exposed]: [{ HostIp: '', HostPort: String(port) }] } },
    };
    const { Id } = await engineJson<{ Id: string }>(host.id, `/containers/create?name=${name}`, { method: 'POST', body });
    try {
      await engineSend(host.id, 'POST', `/containers/${Id}/start`);
      return Id;
    } catch (error) {
      await engineSend(host.id, 'DELETE', `/containers/${Id}?force=1`).catch(() => undefined);
      if (!(error instanceof EngineError) || attempt > 8 || !/port|address already in use/i.test(error.message)) throw error;
      held.set(port, '');
      port = freePort(held, port + 1);
    }
  }
}
