import { useQuery } from '@tanstack/react-query';
import type { TransferChoices } from '../../../electron/ipc/contract/transfer-request.ts';
import type { Transfer, TransferPlan, TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { keys } from '../../lib/client.ts';
import { tr } from '../../lib/i18n.ts';
import { openDialog } from '../../lib/screen.ts';

/** Copies and moves from host to host, newest first; the main process carries them and tells how far they are. */
export function useTransfers(): Transfer[] {
  return useQuery({ queryKey: keys.transfers, queryFn: () => gantry().transfers.list() }).data ?? [];
}

/** What several things of one kind are called together: `3 volumes`; one has its own name. */
export function nameOfAll(sources: TransferSource[]): string {
  const [first] = sources;
  return first && sources.length === 1 ? first.name : tr(`transfer.things.${first?.kind ?? 'image'}`, { count: sources.length });
}

/** Asks where to, and shows what will travel. */
export function openTransfer(sources: TransferSource[], move = false, to?: string): void {
  const [source] = sources;
  if (!source) return;
  const more = { move, ...(to !== undefined && { to }) };
  openDialog(sources.length === 1 ? { type: 'transfer', source, ...more } : { type: 'transfer-many', sources, ...more });
}

export const transferPlanQuery = (source: TransferSource, to: string) => ({
  queryKey: [...keys.host(source.hostId), 'transfer', source.kind, source.id, to],
  queryFn: () => gantry().transfers.plan(source, to),
  enabled: to !== '',
  retry: false,
  // What is there changes without an event of this host.
  staleTime: 0,
  gcTime: 0,
});

/** One of those that go, with what will travel. */
export interface Planned {
  source: TransferSource;
  plan: TransferPlan;
}

/** What the user has chosen besides the target. */
export type Choices = Required<TransferChoices>;

/** What keeps it from being done. */
export function problemOf(source: TransferSource, plan: TransferPlan, { move, name }: Choices): 'taken' | 'autoRemove' | undefined {
  if (move && plan.container?.autoRemove) return 'autoRemove';
  return plan.nameTaken && (name.trim() === '' || name.trim() === source.name) ? 'taken' : undefined;
}

export const problemTexts = { taken: 'transfer.takenThere', autoRemove: 'transfer.failure.auto-remove' } as const;

/** Bytes that will travel; false second when some sizes are not known. */
export function bytesToTravel(plan: TransferPlan): { bytes: number; exact: boolean } {
  const image = plan.image ? plan.image.bytes - plan.image.thereBytes : 0;
  const volumes = plan.volumes.filter(({ there, data }) => data && !there).map(({ bytes }) => bytes);
  const all = [image, plan.container?.writableBytes ?? 0, ...volumes];
  return { bytes: all.reduce((sum, each) => sum + Math.max(0, each), 0), exact: plan.way === 'stream' && all.every((each) => each >= 0) };
}

/** A host that is marked as read-only is read without a stop; engines other than ours make something on it even for that. */
export const mayLeave = (source: TransferSource, plan: TransferPlan, { move }: Choices): boolean =>
  !move && (plan.way === 'stream' || source.kind === 'image');

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
