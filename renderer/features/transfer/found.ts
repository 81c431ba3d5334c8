import type { Batch, Transfer } from '../../../electron/ipc/contract.ts';
import { tr } from '../../lib/i18n.ts';
import { openDialog } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';
import { countOf, isUnderWay } from './batches.ts';
import { nameOfAll } from './transfers.ts';

const told = new Set<string>();

/** Says once what became of those in whose midst the app had ended. */
export function tellFound(transfers: Transfer[], batches: Batch[]): void {
  for (const batch of batches) if (batch.found && !isUnderWay(batch)) tellBatch(batch);
  for (const { id, found, status, move, source, fromName, toName, putBack, failure } of transfers) {
    if (!found || status === 'running' || told.has(id)) continue;
    told.add(id);
    const done = tr('transfer.foundDone', { name: source.name, host: toName });
    const back = putBack && tr('transfer.putBack', { name: source.name, host: fromName });
    const why = failure && tr(`transfer.failure.${failure.code}`, failure.values);
    const text = status === 'done' ? done : back || why;
    toast({
      tone: status === 'done' || putBack ? 'info' : 'error',
      title: tr(move ? 'transfer.foundMove' : 'transfer.foundCopy', { name: source.name }),
      ...(text && { text }),
      action: { label: tr('transfer.details'), run: () => openDialog({ type: 'transfer', activity: id }) },
    });
  }
}

function tellBatch(batch: Batch): void {
  const { id, move, items, toName } = batch;
  if (told.has(id)) return;
  told.add(id);
  const done = countOf(batch, 'done');
  const only = items.length === 1 && done === 0;
  toast({
    tone: done === items.length ? 'info' : 'error',
    title: tr(move ? 'transfer.foundMove' : 'transfer.foundCopy', { name: nameOfAll(items.map(({ source }) => source)) }),
    text: only ? tr('transfer.foundLeft', { host: toName }) : tr('transfer.batch', { done, count: items.length, host: toName }),
    action: { label: tr('transfer.details'), run: () => openDialog({ type: 'transfer-many', batch: id }) },
  });
}
