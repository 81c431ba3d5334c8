import { create } from 'zustand';
import type { Transfer, TransferPlan, TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { tr } from '../../lib/i18n.ts';
import { bytesToTravel, type Choices, type Planned, problemOf, requestOf } from './transfers.ts';

export interface BatchItem {
  source: TransferSource;
  /** `left`: not begun, because the rest was cancelled. */
  status: 'waiting' | 'running' | 'done' | 'failed' | 'left';
  /** Of the transfer that carries it. */
  transfer?: string;
  /** Why it could not begin. */
  why?: string;
}

/** Several things on their way to a host, one after the other: what one brings the next ones find there. */
export interface Batch {
  id: string;
  to: string;
  toName: string;
  move: boolean;
  items: BatchItem[];
  cancelled: boolean;
}

export const useBatches = create<{ batches: Batch[] }>(() => ({ batches: [] }));

let next = 1;

function change(id: string, by: (batch: Batch) => Batch): void {
  useBatches.setState(({ batches }) => ({ batches: batches.map((batch) => (batch.id === id ? by(batch) : batch)) }));
}

export const isUnderWay = ({ items }: Batch): boolean => items.some(({ status }) => status === 'waiting' || status === 'running');

/** @returns the batch's id */
export function startBatch(to: { id: string; name: string }, sources: TransferSource[], choices: Choices): string {
  const id = `b${next++}`;
  const items = sources.map((source): BatchItem => ({ source, status: 'waiting' }));
  const batch: Batch = { id, to: to.id, toName: to.name, move: choices.move, items, cancelled: false };
  useBatches.setState(({ batches }) => ({ batches: [batch, ...batches] }));
  void run(id, to.id, sources, choices);
  return id;
}

/** What is on its way is given up, the rest is not begun. */
export function cancelBatch(id: string): void {
  change(id, (batch) => ({ ...batch, cancelled: true }));
  const running = useBatches
    .getState()
    .batches.find((batch) => batch.id === id)
    ?.items.find(({ status }) => status === 'running');
  if (running?.transfer !== undefined) void gantry().transfers.cancel(running.transfer);
}

export function forgetBatch(id: string): void {
  useBatches.setState(({ batches }) => ({ batches: batches.filter((batch) => batch.id !== id) }));
}

async function run(id: string, to: string, sources: TransferSource[], choices: Choices): Promise<void> {
  for (const [i, source] of sources.entries()) {
    const set = (some: Partial<BatchItem>) =>
      change(id, (batch) => ({ ...batch, items: batch.items.map((item, at) => (at === i ? { ...item, ...some } : item)) }));
    const isCancelled = () => useBatches.getState().batches.find((batch) => batch.id === id)?.cancelled !== false;
    if (isCancelled()) {
      set({ status: 'left' });
      continue;
    }
    try {
      set({ status: 'running' });
      const own = { ...choices, name: source.name };
      // Of now: those before it have brought images, volumes and networks that it shares with them.
      const plan = await gantry().transfers.plan(source, to);
      const problem = problemOf(source, plan, own);
      if (problem) throw new Error(tr(problemTexts[problem]));
      const transfer = await gantry().transfers.start(requestOf(source, to, plan, own));
      set({ transfer });
      if (isCancelled()) void gantry().transfers.cancel(transfer);
      set({ status: (await ended(transfer))?.status === 'done' ? 'done' : 'failed' });
    } catch (error) {
      set({ status: 'failed', why: explain(error).message });
    }
  }
}

/** @returns how it ended; undefined when it was forgotten */
function ended(id: string): Promise<Transfer | undefined> {
  return new Promise((resolve) => {
    const look = (list: Transfer[]) => {
      const transfer = list.find((each) => each.id === id);
      if (transfer?.status === 'running') return;
      stop();
      resolve(transfer);
    };
    const stop = gantry().transfers.onChange(look);
    void gantry().transfers.list().then(look);
  });
}

export const problemTexts = { taken: 'transfer.takenThere', autoRemove: 'transfer.failure.auto-remove' } as const;

/** Bytes that several will bring together: an image, or a volume, that several have travels once. */
export function bytesOfAll(parts: Planned[]): number {
  const images = new Set<string>();
  const volumes = new Set<string>();
  const first = (seen: Set<string>, key: string) => !seen.has(key) && seen.add(key) !== undefined;
  return parts.reduce((sum, { source, plan }) => {
    const { image, ...rest } = plan;
    const own: TransferPlan = {
      ...rest,
      ...(image && first(images, image.id) && { image }),
      volumes: plan.volumes.filter(({ name }) => first(volumes, `${source.hostId}/${name}`)),
    };
    return sum + bytesToTravel(own).bytes;
  }, 0);
}
