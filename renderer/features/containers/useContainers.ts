import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { ContainerSummary } from '../../../helper/contract/docker/index.ts';
import { containersQuery } from '../../lib/queries.ts';
import { useStops } from '../../lib/stops.ts';
import { type ContainerRow, rowOf } from './row.ts';

interface Made {
  row: ContainerRow;
  host: Host;
  stopped: boolean;
}
/** A row lives as long as what it was made of: unchanged containers keep their row, so the table draws only what changed. */
const made = new WeakMap<ContainerSummary, Made>();

function rowFor(host: Host, summary: ContainerSummary, readAt: number, stopped: boolean): ContainerRow {
  const old = made.get(summary);
  if (old && old.host === host && old.stopped === stopped) return old.row;
  const row = rowOf(host, summary, readAt, stopped);
  made.set(summary, { row, host, stopped });
  return row;
}

/** The containers of some hosts in one list. `loading`: nothing to show yet. */
export function useContainers(hosts: Host[]) {
  const results = useQueries({ queries: hosts.map(containersQuery) });
  const stops = useStops((state) => state.stopped);
  const data = results.map((r) => r.data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo(() => {
    return hosts.flatMap((host, i) => {
      const list = data[i];
      return list ? list.containers.map((c) => rowFor(host, c, list.readAt, stops.has(`${host.id}/${c.Id}`))) : [];
    });
  }, [stops, ...hosts, ...data]);
  const failed = hosts.flatMap((host, i) => {
    const error = results[i]?.error;
    return error && results[i]?.data === undefined ? [{ host, error, retry: () => void results[i]?.refetch() }] : [];
  });
  return {
    rows,
    failed,
    loading: results.some((r, i) => r.isPending && hosts[i]?.state.status === 'connected'),
    loaded: results.some((r) => r.data !== undefined),
  };
}
