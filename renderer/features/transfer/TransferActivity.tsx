import { X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { Transfer } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { openDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Outcome } from '../../ui/Outcome.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { fractionOf } from './TransferProgress.tsx';

/** A line in the list of activities. */
export function TransferActivity({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const { id, status, source, fromName, toName, step } = transfer;
  const state = status === 'running' ? t(`transfer.step.${step}`, { host: toName }) : t(`transfer.status.${status}`);
  return (
    <div className="activity">
      <Outcome status={status === 'cancelled' ? 'failed' : status} />
      <button type="button" className="activity-text" onClick={() => openDialog({ type: 'transfer', activity: id })}>
        <span className="truncate">{source.name}</span>
        <span className="dim truncate">{`${state} · ${fromName} → ${toName}`}</span>
        {status === 'running' && <Progress value={fractionOf(transfer)} label={source.name} />}
      </button>
      {status === 'running' ? (
        <Button tone="ghost" onClick={() => void gantry().transfers.cancel(id)}>
          {t('action.cancel')}
        </Button>
      ) : (
        <IconButton small icon={X} name={t('activity.forget')} onClick={() => void gantry().transfers.forget(id)} />
      )}
    </div>
  );
}
