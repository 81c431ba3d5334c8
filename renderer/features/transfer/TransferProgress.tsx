import { useTranslation } from 'react-i18next';
import type { Transfer } from '../../../electron/ipc/contract.ts';
import { formatSize } from '../../lib/format.ts';
import { Progress } from '../../ui/Progress.tsx';
import './transfer.css';

/** How far it is, from 0 to 1; null while nobody knows. */
export function fractionOf({ status, step, current, total }: Transfer): number | null {
  if (status === 'done') return 1;
  if (step !== 'copy' && current > 0) return 1;
  return total > 0 ? Math.min(1, current / total) : null;
}

/** What is being done, bytes, rate, time left. */
export function TransferProgress({ transfer }: { transfer: Transfer }) {
  const { t } = useTranslation();
  const { status, current, total, rate, step } = transfer;
  const left = rate > 0 && total > current ? Math.ceil((total - current) / rate) : 0;
  const tone = status === 'done' ? 'done' : status === 'running' ? 'accent' : 'failed';
  return (
    <div data-testid="transfer-progress">
      <Progress value={fractionOf(transfer)} label={transfer.source.name} tone={tone} />
      <div className="transfer-numbers num" aria-live="polite">
        <span>{status === 'running' ? t(`transfer.step.${step}`, { host: transfer.toName }) : t(`transfer.status.${status}`)}</span>
        <span className="dim">
          {current > 0 &&
            (total > current ? t('pull.bytes', { current: formatSize(current), total: formatSize(total) }) : formatSize(current))}
          {rate > 0 && ` · ${formatSize(rate)}/s`}
          {left > 1 && ` · ${t('pull.left', { seconds: left })}`}
        </span>
      </div>
    </div>
  );
}
