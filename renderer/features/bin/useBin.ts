import { useQueries } from '@tanstack/react-query';
import { useMemo } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { BinEntry, GantryInfo } from '../../../helper/contract/gantry.ts';
import { binQuery, binSettingsQuery } from '../../lib/bin.ts';
import { failedLists } from '../list/index.ts';

export interface BinRow {
  /** `HOST/ENTRY`. */
  key: string;
  host: Host;
  entry: BinEntry;
}

export interface BinHost {
  host: Host;
  settings: GantryInfo['Bin'];
}

/** Those of the hosts whose engine has a bin, with its settings. */
export function useBinHosts(hosts: Host[]): BinHost[] {
  const settings = useQueries({
    queries: hosts.map((host) => ({ ...binSettingsQuery(host), enabled: host.state.status === 'connected' })),
  }).map(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  return useMemo(() => hosts.flatMap((host, i) => (settings[i] ? [{ host, settings: settings[i] }] : [])), [...hosts, ...settings]);
}

export function useBin(hosts: BinHost[]) {
  const lists = useQueries({ queries: hosts.map(({ host }) => binQuery(host, true)) });
  const entries = lists.map(({ data }) => data);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo(
    () => hosts.flatMap(({ host }, i) => (entries[i] ?? []).map((entry): BinRow => ({ key: `${host.id}/${entry.Id}`, host, entry }))),
    [...hosts, ...entries],
  );
  const failed = failedLists(
    hosts.map(({ host }) => host),
    lists,
  );
  return { rows, failed, loaded: lists.length === 0 || lists.some(({ data }) => data !== undefined) };
}
