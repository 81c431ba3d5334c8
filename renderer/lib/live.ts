import type { Host, HostEvent } from '../../electron/ipc/contract.ts';
import type { EventMessage } from '../../helper/contract/docker/index.ts';
import { gantry } from './bridge.ts';
import { keys, queryClient } from './client.ts';
import { Refresher } from './refresher.ts';
import { forgetStop, rememberStop } from './stops.ts';

/** Container events that change nothing a page shows. */
const silent = /^(exec_|top|attach|detach|resize|export|archive-path|extract-to-dir|copy|commit)/;

const refresher = new Refresher((key) => queryClient.invalidateQueries({ queryKey: JSON.parse(key) as unknown[] }));
const mark = (key: readonly unknown[]) => refresher.mark(JSON.stringify(key));

function isEvent(message: unknown): message is EventMessage {
  return typeof message === 'object' && message !== null && 'Type' in message && 'Action' in message;
}

/** What an event makes stale. */
export function onHostEvents(events: HostEvent[]): void {
  for (const { hostId, message } of events) {
    if (!isEvent(message)) continue;
    const { Attributes } = message.Actor;
    if (Attributes?.['gantry.bin'] || Attributes?.['gantry.restored']) mark(keys.bin(hostId));
    if (message.Type === 'container' && !silent.test(message.Action)) {
      const id = message.Actor.ID;
      if (message.Action === 'stop') rememberStop(hostId, id);
      if (message.Action === 'start' || message.Action === 'destroy') forgetStop(hostId, id);
      mark(keys.containers(hostId));
      mark(keys.container(hostId, id));
    } else if (message.Type === 'image') {
      mark(keys.images(hostId));
    } else if (message.Type === 'volume' && !/mount/.test(message.Action)) {
      mark(keys.volumes(hostId));
    } else if (message.Type === 'network') {
      mark(keys.networks(hostId));
      if (/connect/.test(message.Action)) mark(keys.containers(hostId));
    }
  }
}

function onHosts(hosts: Host[]): void {
  const before = new Map((queryClient.getQueryData<Host[]>(keys.hosts) ?? []).map((host) => [host.id, host.state.status]));
  queryClient.setQueryData(keys.hosts, hosts);
  for (const host of hosts) {
    if (host.state.status === 'connected' && before.get(host.id) !== 'connected')
      void queryClient.invalidateQueries({ queryKey: keys.host(host.id) });
  }
  const known = new Set(hosts.map((host) => host.id));
  for (const id of before.keys()) if (!known.has(id)) queryClient.removeQueries({ queryKey: keys.host(id) });
}

/** Subscribes the query cache to the hosts and their event streams, once, for the life of the window. */
export function startLive(): void {
  gantry().hosts.onChange(onHosts);
  gantry().hosts.onEvents(onHostEvents);
  // Asked for, not taken from the message: so main knows that the question is seen.
  gantry().app.onLeaving(() => void queryClient.invalidateQueries({ queryKey: keys.leaving }));
  gantry().settings.onChange((settings) => queryClient.setQueryData(['settings'], settings));
  gantry().transfers.onChange((transfers) => queryClient.setQueryData(keys.transfers, transfers));
  gantry().batches.onChange((batches) => queryClient.setQueryData(keys.batches, batches));
  gantry().terminals.onChange((terminals) => queryClient.setQueryData(['terminals'], terminals));
  gantry().tunnels.onChange((tunnels) => queryClient.setQueryData(['tunnels'], tunnels));
}
