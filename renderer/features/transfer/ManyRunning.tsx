import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Batch, BatchItem, Transfer } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Outcome } from '../../ui/Outcome.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { countOf, isUnderWay, useBatches } from './batches.ts';
import { RunningFrame } from './Frames.tsx';
import { fractionOf, TransferProgress } from './TransferProgress.tsx';
import { nameOfAll, useTransfers } from './transfers.ts';

/** Several copies or moves, each with how far it is. They go on when this is closed. */
export function ManyRunning({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const transfers = useTransfers();
  const { id, items, move, toName } = batch;
  const sources = items.map(({ source }) => source);
  const missing = items.length - countOf(batch, 'done');
  return (
    <RunningFrame
      name={nameOfAll(sources)}
      move={move}
      width={600}
      cancel={
        isUnderWay(batch)
          ? { label: t('transfer.cancelRest'), disabled: batch.cancelled, run: () => void gantry().batches.cancel(id) }
          : undefined
      }
      after={
        missing > 0 && (
          <Button tone="primary" onClick={() => void gantry().batches.goOn(id)} data-testid="transfer-go-on">
            {items.length === 1 ? t('connect.goOn') : t('transfer.goOn', { count: missing })}
          </Button>
        )
      }
    >
      <p className="transfer-route" aria-live="polite" data-testid="batch-summary">
        {t('transfer.batch', { done: countOf(batch, 'done'), count: items.length, host: toName })}
      </p>
      <ul className="transfer-batch">
        {items.map((item) => (
          <Item
            key={`${item.source.hostId}/${item.source.id}`}
            item={item}
            transfer={transfers.find((each) => each.id === item.transfer)}
          />
        ))}
      </ul>
    </RunningFrame>
  );
}

function Item({ item: { source, status, why }, transfer }: { item: BatchItem; transfer: Transfer | undefined }) {
  const { t } = useTranslation();
  const state = status === 'failed' ? (why === undefined ? transfer && whyOf(transfer, t) : explain(new Error(why)).message) : undefined;
  return (
    <li data-testid="batch-item">
      <Outcome status={status === 'left' ? 'waiting' : status} />
      <div>
        <span className="truncate">{source.name}</span>
        {status === 'running' && transfer ? (
          <TransferProgress transfer={transfer} />
        ) : (
          <p className="dim select">{state ?? t(`transfer.item.${status}`)}</p>
        )}
      </div>
      {transfer && status !== 'running' && (
        <Button tone="ghost" onClick={() => openDialog({ type: 'transfer', activity: transfer.id })}>
          {t('transfer.details')}
        </Button>
      )}
    </li>
  );
}

/** In the user's language where the app knows it, else in the engine's words. */
const whyOf = ({ failure, error }: Transfer, t: (key: string, values?: Record<string, string>) => string): string | undefined =>
  failure ? t(`transfer.failure.${failure.code}`, failure.values) : error && explain(new Error(error)).message;

/** Lines in the list of activities. */
export function BatchActivities() {
  const { t } = useTranslation();
  const batches = useBatches();
  const transfers = useTransfers();
  return batches.map((batch) => {
    const sources = batch.items.map(({ source }) => source);
    const running = transfers.find(({ id }) => id === batch.items.find(({ status }) => status === 'running')?.transfer);
    const done = batch.items.filter(({ status }) => status === 'done' || status === 'failed' || status === 'left').length;
    const underWay = isUnderWay(batch);
    const summary = t('transfer.batch', { done: countOf(batch, 'done'), count: batch.items.length, host: batch.toName });
    return (
      <div key={batch.id} className="activity">
        <Outcome status={underWay ? 'running' : countOf(batch, 'done') === batch.items.length ? 'done' : 'failed'} />
        <button type="button" className="activity-text" onClick={() => openDialog({ type: 'transfer-many', batch: batch.id })}>
          <span className="truncate">{nameOfAll(sources)}</span>
          <span className="dim truncate">{summary}</span>
          {underWay && (
            <Progress value={(done + ((running && fractionOf(running)) ?? 0)) / batch.items.length} label={nameOfAll(sources)} />
          )}
        </button>
        {underWay ? (
          <Button tone="ghost" onClick={() => void gantry().batches.cancel(batch.id)}>
            {t('action.cancel')}
          </Button>
        ) : (
          <IconButton small icon={X} name={t('activity.forget')} onClick={() => void gantry().batches.forget(batch.id)} />
        )}
      </div>
    );
  });
}
