import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import { containersQuery, volumeSizesQuery, volumesQuery } from '../../lib/queries.ts';
import { failedLists } from '../list/index.ts';
import { type VolumeRow, volumeRows } from './row.ts';

/** The volumes of some hosts in one list; sizes come when they are measured. */
export function useVolumes(hosts: Host[]) {
  const results = useQueries({ queries: hosts.map(volumesQuery) });
  const volumes = results.map(({ data }) => data);
  const containers = useQueries({ queries: hosts.map(containersQuery) }).map(({ data }) => data);
  const measures = useQueries({
    queries: hosts.map((host, i) =>
      volumeSizesQuery(
        host,
        (volumes[i] ?? []).map(({ Name }) => Name),
      ),
    ),
  });
  const sizes = measures.map(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo<VolumeRow[]>(
    () => hosts.flatMap((host, i) => volumeRows(host, volumes[i] ?? [], containers[i]?.containers ?? [], sizes[i])),
    [...hosts, ...volumes, ...containers, ...sizes],
  );
  return {
    rows,
    failed: failedLists(hosts, results),
    loaded: volumes.some((list) => list !== undefined),
    measuring: measures.some(({ isFetching }) => isFetching),
  };
}
