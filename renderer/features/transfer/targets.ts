import type { Host, TransferSource } from '../../../electron/ipc/contract.ts';

/** Why something can't go to a host. */
export type Unfit = 'own' | 'away' | 'readOnly';
export interface Target {
  host: Host;
  unfit?: Unfit;
}

/** All hosts, with what keeps each from being the target. */
export function targetsOf(hosts: Host[], sources: TransferSource[]): Target[] {
  return hosts.map((host) => {
    if (sources.every(({ hostId }) => hostId === host.id)) return { host, unfit: 'own' };
    if (host.readOnly) return { host, unfit: 'readOnly' };
    return host.state.status === 'connected' ? { host } : { host, unfit: 'away' };
  });
}
