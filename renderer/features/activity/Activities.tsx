import { X } from 'lucide-react';
import { Popover } from 'radix-ui';
import { useEffect } from 'react';
import { useTranslation } from 'react-i18next';
import { openDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Outcome } from '../../ui/Outcome.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { BatchActivities, fractionOf, TransferActivity, tellFound, useBatches, useTransfers } from '../transfer/index.ts';
import './activity.css';
import { pullTotal } from './progress.ts';
import { cancelPull, forgetPull, usePulls } from './store.ts';

/** The status bar's right end: what is under way, and what was. */
export function Activities() {
  const { t } = useTranslation();
  const pulls = usePulls((s) => s.pulls);
  const transfers = useTransfers();
  const batches = useBatches();
  // Those of a batch have their place in its dialog.
  const together = new Set(batches.flatMap(({ items }) => items.flatMap(({ transfer }) => transfer ?? [])));
  const single = transfers.filter(({ id }) => !together.has(id));
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is single is said by the two
  useEffect(() => tellFound(single, batches), [transfers, batches]);
  const running = pulls.filter((p) => p.status === 'running');
  const carried = transfers.filter((each) => each.status === 'running');
  if (pulls.length + transfers.length + batches.length === 0) return null;
  const [first] = running;
  const [carrying] = carried;
  const fraction = first ? pullTotal(first.state).fraction : carrying ? fractionOf(carrying) : null;
  const percent = Math.round((fraction ?? 0) * 100);
  const one = first
    ? t('activity.pulling', { reference: first.reference, percent })
    : t(carrying?.step === 'wait' ? 'activity.carryingWait' : 'activity.carrying', { name: carrying?.source.name, percent });
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <button type="button" className="status-item button-like" data-testid="activities">
          {first || carrying ? (
            <>
              <Spinner size={11} />
              <span className="num">
                {running.length + carried.length === 1 ? one : t('activity.running', { count: running.length + carried.length })}
              </span>
            </>
          ) : (
            t('activity.recent')
          )}
        </button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content className="menu activities" align="end" sideOffset={6} collisionPadding={8} aria-label={t('activity.title')}>
          <BatchActivities />
          {single.map((transfer) => (
            <TransferActivity key={transfer.id} transfer={transfer} />
          ))}
          {pulls.map((pull) => (
            <div key={pull.id} className="activity">
              <Outcome status={pull.status === 'running' || pull.status === 'done' ? pull.status : 'failed'} />
              <button type="button" className="activity-text" onClick={() => openDialog({ type: 'pull', activity: pull.id })}>
                <span className="truncate">{pull.reference}</span>
                <span className="dim truncate">{`${t(`pull.${pull.status}`)} · ${pull.hostName}`}</span>
                {pull.status === 'running' && <Progress value={pullTotal(pull.state).fraction} label={pull.reference} />}
              </button>
              {pull.status === 'running' ? (
                <Button tone="ghost" onClick={() => cancelPull(pull.id)}>
                  {t('action.cancel')}
                </Button>
              ) : (
                <IconButton small icon={X} name={t('activity.forget')} onClick={() => forgetPull(pull.id)} />
              )}
            </div>
          ))}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}
