import type { Batch, BatchItem, InstallJob, Transfer, UnderWay } from '../ipc/contract.ts';

interface Work {
  transfers: Transfer[];
  batches: Batch[];
  /** Those that run. */
  installs: InstallJob[];
}

/** What would end with the app. What waits for a host does not: the next start waits for it, too. */
export function underWay({ transfers, batches, installs }: Work): UnderWay[] {
  const waits = new Set(transfers.filter(({ step }) => step === 'wait').map(({ id }) => id));
  const together = new Set(batches.flatMap(({ items }) => items.map(({ transfer }) => transfer)));
  const singles = transfers.filter(({ id, status }) => status === 'running' && !waits.has(id) && !together.has(id));
  return [
    ...batches.flatMap(({ items, toName: to, move }): UnderWay[] => {
      const isOpen = ({ status, transfer = '' }: BatchItem) => status === 'waiting' || (status === 'running' && !waits.has(transfer));
      const open = items.filter(isOpen).map(({ source }) => source);
      const [first] = open;
      return first ? [{ kind: 'transfer', thing: first.kind, names: open.map(({ name }) => name), to, move }] : [];
    }),
    ...singles.map(({ source, toName: to, move }): UnderWay => ({ kind: 'transfer', thing: source.kind, names: [source.name], to, move })),
    ...installs.map(({ action, machine }): UnderWay => ({ kind: 'install', action, machine })),
  ];
}
