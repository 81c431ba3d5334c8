import { useState } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import { useHosts, useShownHosts } from '../../lib/queries.ts';

const noHost: Host = { id: '', name: '', colour: 'grey', kind: 'local', state: { status: 'connecting' } };

/**
 * The host on which a form makes something: one that is connected and may be changed. Not decided at opening: a host may become
 * connected while the form is filled in.
 *
 * @param first the one that the form was opened for
 * @returns `host` has an empty id while there is none
 */
export function useFormHost(first: string | undefined): { hosts: Host[]; host: Host; setHost: (id: string) => void } {
  const hosts = useHosts().filter(({ state, readOnly }) => state.status === 'connected' && !readOnly);
  const shown = useShownHosts();
  const [chosen, setHost] = useState(first);
  const host = hosts.find(({ id }) => id === chosen) ?? hosts.find(({ id }) => shown.some((each) => each.id === id)) ?? hosts[0] ?? noHost;
  return { hosts, host, setHost };
}
