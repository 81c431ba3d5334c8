import type { ContainerInspect, EndpointSettings } from '../../../helper/contract/docker/index.ts';
import { keys, queryClient } from '../../lib/client.ts';
import { engineJson, engineSend } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { toast } from '../../lib/toast.ts';
import { offerUndo } from '../../lib/undo.ts';
import type { NetworkRow, NetworkUser } from './row.ts';

/** What a container asks for in a network. */
export type Place = Pick<EndpointSettings, 'Aliases' | 'IPAMConfig' | 'DriverOpts'>;

/** @throws EngineError */
export async function connect(host: string, network: string, container: string, place: Place): Promise<void> {
  const wanted = Object.fromEntries(Object.entries(place).filter(([, value]) => value !== undefined && value !== null));
  const body = { Container: container, ...(Object.keys(wanted).length > 0 && { EndpointConfig: wanted }) };
  await engineSend(host, 'POST', `/networks/${network}/connect`, body);
  await refreshed(host);
}

/** Takes a container off a network; an undo puts it back, under the same names and fixed addresses. */
export async function disconnect({ host, id, name }: NetworkRow, user: NetworkUser): Promise<void> {
  try {
    const before = await placeOf(host.id, user.id, name);
    await engineSend(host.id, 'POST', `/networks/${id}/disconnect`, { Container: user.id });
    await refreshed(host.id);
    offerUndo(tr('networks.disconnected', { name: user.name, network: name }), () => {
      connect(host.id, id, user.id, before).catch((error: unknown) => failed('networks.connectFailed', user.name, name, error));
    });
  } catch (error) {
    failed('networks.disconnectFailed', user.name, name, error);
  }
}

async function placeOf(host: string, container: string, network: string): Promise<Place> {
  const { Id, NetworkSettings } = await engineJson<ContainerInspect>(host, `/containers/${container}/json`);
  const { Aliases, IPAMConfig, DriverOpts } = NetworkSettings?.Networks?.[network] ?? {};
  // Engines before 28 list the container's short id among them, and refuse nothing but its doubling.
  const aliases = (Aliases ?? []).filter((alias) => !Id.startsWith(alias));
  return { ...(aliases.length > 0 && { Aliases: aliases }), IPAMConfig: IPAMConfig ?? null, DriverOpts: DriverOpts ?? null };
}

function failed(title: string, name: string, network: string, error: unknown): void {
  const { message, remedy } = explain(error);
  toast({ tone: 'error', title: tr(title, { name, network }), text: remedy ? `${message}\n${remedy}` : message, detail: message });
}

/** Not every engine tells of it: Podman has no such events. */
async function refreshed(host: string): Promise<void> {
  await Promise.all([keys.networks(host), keys.containers(host)].map((queryKey) => queryClient.invalidateQueries({ queryKey })));
}
