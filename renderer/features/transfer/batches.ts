import { useQuery } from '@tanstack/react-query';
import type { Batch, BatchItem } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { keys } from '../../lib/client.ts';

/** Several that go together, newest first; the main process carries them one after the other. */
export function useBatches(): Batch[] {
  return useQuery({ queryKey: keys.batches, queryFn: () => gantry().batches.list() }).data ?? [];
}

export const isUnderWay = ({ items }: Batch): boolean => items.some(({ status }) => status === 'waiting' || status === 'running');

export const countOf = ({ items }: Batch, status: BatchItem['status']): number => items.filter((item) => item.status === status).length;
