import { create } from 'zustand';
import { deleteFromBin, emptyBin, restoreFromBin } from '../../lib/bin.ts';
import { ask } from '../../lib/confirm.ts';
import { EngineError } from '../../lib/engine.ts';
import { explain } from '../../lib/explain.ts';
import { formatSize } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { toast } from '../../lib/toast.ts';
import type { BinHost, BinRow } from './useBin.ts';

/** Keys of rows at work. */
export const useBusy = create<{ busy: ReadonlySet<string> }>(() => ({ busy: new Set() }));

async function working(row: BinRow, work: () => Promise<void>): Promise<void> {
  useBusy.setState(({ busy }) => ({ busy: new Set(busy).add(row.key) }));
  try {
    await work();
  } finally {
    useBusy.setState(({ busy }) => ({ busy: new Set([...busy].filter((key) => key !== row.key)) }));
  }
}

function told(title: string, error: unknown): void {
  const { message, remedy } = explain(error);
  toast({ tone: 'error', title, text: remedy ? `${message}\n${remedy}` : message, detail: message });
}

/** @returns `taken` when it needs another name */
export async function restore(row: BinRow, name?: string): Promise<'done' | 'taken' | 'failed'> {
  let result: 'done' | 'taken' | 'failed' = 'failed';
  await working(row, async () => {
    try {
      const { Warnings } = await restoreFromBin(row.host.id, row.entry.Id, name);
      toast({ tone: 'success', title: tr('bin.restored', { name: name ?? row.entry.Name }), text: Warnings.join('\n') });
      result = 'done';
    } catch (error) {
      if (error instanceof EngineError && error.status === 409) result = 'taken';
      else told(tr('bin.restoreFailed', { name: row.entry.Name }), error);
    }
  });
  return result;
}

/** Asks, then deletes them for good. */
export async function deleteForGood(rows: BinRow[]): Promise<void> {
  const [first] = rows;
  if (!first) return;
  const one = rows.length === 1;
  const answer = await ask({
    title: one ? tr('bin.forGoodOne', { name: first.entry.Name }) : tr('bin.forGood', { count: rows.length }),
    text: tr('bin.forGoodText', { size: formatSize(rows.reduce((sum, { entry }) => sum + entry.Bytes, 0)) }),
    items: one ? [] : rows.map(({ entry }) => entry.Name),
    verb: tr('bin.deleteForGood'),
    danger: true,
  });
  if (!answer.yes) return;
  await Promise.all(
    rows.map((row) =>
      working(row, () => deleteFromBin(row.host.id, row.entry.Id)).catch((error) =>
        told(tr('failed.remove', { name: row.entry.Name }), error),
      ),
    ),
  );
}

/** Asks, then empties the bins of these hosts. */
export async function empty(hosts: BinHost[], rows: BinRow[]): Promise<void> {
  const answer = await ask({
    title: tr('bin.emptyTitle', { count: rows.length }),
    text: tr('bin.forGoodText', { size: formatSize(rows.reduce((sum, { entry }) => sum + entry.Bytes, 0)) }),
    items: rows.map(({ entry }) => entry.Name),
    verb: tr('bin.empty'),
    danger: true,
  });
  if (!answer.yes) return;
  await Promise.all(hosts.map(({ host }) => emptyBin(host.id).catch((error) => told(tr('bin.emptyFailed', { host: host.name }), error))));
}
