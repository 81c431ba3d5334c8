import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import { containersQuery, networksQuery } from '../../lib/queries.ts';
import { failedLists } from '../list/index.ts';
import { type NetworkRow, networkRows } from './row.ts';

/** The networks of some hosts in one list, each with the containers on it. */
export function useNetworks(hosts: Host[]) {
  const results = useQueries({ queries: hosts.map(networksQuery) });
  const networks = results.map(({ data }) => data);
  const containers = useQueries({ queries: hosts.map(containersQuery) }).map(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo<NetworkRow[]>(
    () => hosts.flatMap((host, i) => networkRows(host, networks[i] ?? [], containers[i]?.containers ?? [])),
    [...hosts, ...networks, ...containers],
  );
  return {
    rows,
    failed: failedLists(hosts, results),
    loaded: networks.some((list) => list !== undefined),
    /** Who is on them is known, too: nothing is called unused before. */
    counted: hosts.every(({ state }, i) => state.status !== 'connected' || containers[i] !== undefined),
  };
}
