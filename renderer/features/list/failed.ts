import type { UseQueryResult } from '@tanstack/react-query';
import type { Host } from '../../../electron/ipc/contract.ts';

/** The hosts whose list did not come, of the results in the same order. */
export function failedLists(hosts: Host[], results: UseQueryResult<unknown>[]) {
  return hosts.flatMap((host, i) => {
    const list = results[i];
    return list?.error && !list.data ? [{ host, error: list.error, retry: () => void list.refetch() }] : [];
  });
}
