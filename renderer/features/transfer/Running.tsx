import { useTranslation } from 'react-i18next';
import type { Transfer } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { navigate } from '../../lib/route.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';
import { RunningFrame } from './Frames.tsx';
import { TransferProgress } from './TransferProgress.tsx';

/** Neither finished nor taken back: another try would be in the way of it. */
const isOpen = ({ failure }: Transfer): boolean => failure?.code === 'unsettled' || failure?.code === 'runs-here';

/** A copy or move that is under way, or over. It goes on when this is closed. */
export function Running({ transfer, onAgain }: { transfer: Transfer; onAgain: () => void }) {
  const { t } = useTranslation();
  const { id, source, status, result, to, toName, fromName, move } = transfer;
  const open = () => {
    closeDialog();
    if (source.kind === 'container' && result) navigate({ page: 'containers', detail: { host: to, id: result.id.slice(0, 12) } });
    else if (source.kind === 'image') navigate({ page: 'images', detail: { host: to, id: source.id } });
    else if (source.kind === 'volume') navigate({ page: 'volumes', detail: { host: to, id: result?.id ?? source.id } });
  };
  const { failure } = transfer;
  const { message, remedy } = failure
    ? { message: t(`transfer.failure.${failure.code}`, failure.values), remedy: undefined }
    : explain(new Error(transfer.error ?? ''));
  const key = isOpen(transfer) ? 'failedOpen' : failure?.code === 'interrupted' ? 'failedMidst' : move ? 'failedMove' : 'failedCopy';
  const title = t(`transfer.${key}`);
  return (
    <RunningFrame
      name={source.name}
      move={move}
      width={560}
      cancel={
        status === 'running'
          ? { label: t(move ? 'transfer.cancelMove' : 'transfer.cancelCopy'), run: () => void gantry().transfers.cancel(id) }
          : undefined
      }
      after={
        status === 'done' ? (
          <Button tone="primary" onClick={open} data-testid="transfer-show">
            {t('transfer.show', { host: toName })}
          </Button>
        ) : (
          !isOpen(transfer) && (
            <Button tone="primary" onClick={onAgain} data-testid="transfer-again">
              {t('pull.again')}
            </Button>
          )
        )
      }
    >
      <p className="transfer-route">
        {fromName} <span aria-hidden>→</span> {toName}
      </p>
      {status === 'failed' && (
        <div className="flush">
          <ErrorPanel title={title} message={message} {...(remedy && { remedy })} />
        </div>
      )}
      <TransferProgress transfer={transfer} />
      {transfer.putBack && (
        <p className="prose" data-testid="transfer-put-back">
          {t('transfer.putBack', { name: source.name, host: fromName })}
        </p>
      )}
      {transfer.notPutBack !== undefined && (
        <p className="transfer-problem select">
          {t('transfer.notPutBack', { name: source.name, host: fromName, reason: transfer.notPutBack })}
        </p>
      )}
      {transfer.kept !== undefined && <p className="prose select">{t('transfer.kept', { host: fromName, reason: transfer.kept })}</p>}
      {transfer.warnings.length > 0 && (
        <ul className="transfer-notes">
          {transfer.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </RunningFrame>
  );
}
