import { Circle, CircleAlert, CircleCheck, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Transfer } from '../../../electron/ipc/contract.ts';
import { closeDialog, openDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { type Batch, type BatchItem, cancelBatch, forgetBatch, isUnderWay, useBatches } from './batch.ts';
import { fractionOf, TransferProgress } from './TransferProgress.tsx';
import { nameOfAll, useTransfers } from './transfers.ts';

const countOf = ({ items }: Batch, status: BatchItem['status']): number => items.filter((item) => item.status === status).length;

function Mark({ status }: { status: BatchItem['status'] }) {
  if (status === 'running') return <Spinner />;
  if (status === 'done') return <CircleCheck size={15} className="ok" aria-hidden />;
  if (status === 'failed') return <CircleAlert size={15} className="bad" aria-hidden />;
  return <Circle size={15} className="dim" aria-hidden />;
}

/** Several copies or moves, each with how far it is. They go on when this is closed. */
export function ManyRunning({ batch }: { batch: Batch }) {
  const { t } = useTranslation();
  const transfers = useTransfers();
  const { id, items, move, toName } = batch;
  const sources = items.map(({ source }) => source);
  return (
    <Dialog
      title={t(move ? 'transfer.titleMove' : 'transfer.titleCopy', { name: nameOfAll(sources) })}
      width={600}
      testId="transfer-dialog"
      onClose={closeDialog}
      onEnter={closeDialog}
      footer={
        isUnderWay(batch) ? (
          <>
            <Button disabled={batch.cancelled} onClick={() => cancelBatch(id)} data-testid="transfer-cancel">
              {t('transfer.cancelRest')}
            </Button>
            <Button tone="primary" onClick={closeDialog} data-testid="transfer-background">
              {t('pull.background')}
            </Button>
          </>
        ) : (
          <Button tone="primary" onClick={closeDialog} data-testid="transfer-close">
            {t('action.close')}
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
    </Dialog>
  );
}

function Item({ item: { source, status, why }, transfer }: { item: BatchItem; transfer: Transfer | undefined }) {
  const { t } = useTranslation();
  const state = why ?? (transfer && status !== 'running' ? t(`transfer.status.${transfer.status}`) : t(`transfer.item.${status}`));
  return (
    <li data-testid="batch-item">
      <Mark status={status} />
      <div>
        <span className="truncate">{source.name}</span>
        {status === 'running' && transfer ? <TransferProgress transfer={transfer} /> : <p className="dim select">{state}</p>}
      </div>
      {transfer && status !== 'running' && (
        <Button tone="ghost" onClick={() => openDialog({ type: 'transfer', activity: transfer.id })}>
          {t('transfer.details')}
        </Button>
      )}
    </li>
  );
}

/** Lines in the list of activities. */
export function BatchActivities() {
  const { t } = useTranslation();
  const batches = useBatches((s) => s.batches);
  const transfers = useTransfers();
  return batches.map((batch) => {
    const sources = batch.items.map(({ source }) => source);
    const running = transfers.find(({ id }) => id === batch.items.find(({ status }) => status === 'running')?.transfer);
    const done = batch.items.filter(({ status }) => status === 'done' || status === 'failed' || status === 'left').length;
    const underWay = isUnderWay(batch);
    const summary = t('transfer.batch', { done: countOf(batch, 'done'), count: batch.items.length, host: batch.toName });
    return (
      <div key={batch.id} className="activity">
        <Mark status={underWay ? 'running' : countOf(batch, 'done') === batch.items.length ? 'done' : 'failed'} />
        <button type="button" className="activity-text" onClick={() => openDialog({ type: 'transfer-many', batch: batch.id })}>
          <span className="truncate">{nameOfAll(sources)}</span>
          <span className="dim truncate">{summary}</span>
          {underWay && (
            <Progress value={(done + ((running && fractionOf(running)) ?? 0)) / batch.items.length} label={nameOfAll(sources)} />
          )}
        </button>
        {underWay ? (
          <Button tone="ghost" onClick={() => cancelBatch(batch.id)}>
            {t('action.cancel')}
          </Button>
        ) : (
          <IconButton small icon={X} name={t('activity.forget')} onClick={() => forgetBatch(batch.id)} />
        )}
      </div>
    );
  });
}
