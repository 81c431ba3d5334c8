import { useEffect, useRef } from 'react';
import { useTranslation } from 'react-i18next';
import { useHosts } from '../../lib/queries.ts';
import { closeDialog } from '../../lib/screen.ts';
import { toast } from '../../lib/toast.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { AttemptView } from './AttemptView.tsx';
import { useAttempt } from './useAttempt.ts';

/** Connects to a host of the list that needs its user; closes by itself when it is through. */
export function SignInDialog({ hostId }: { hostId: string }) {
  const { t } = useTranslation();
  const name = useHosts().find(({ id }) => id === hostId)?.name ?? '';
  const { attempt, signIn, answer, handOn } = useAttempt();
  const begun = useRef(false);
  const begin = () =>
    signIn(hostId).catch((error: unknown) => {
      toast({ tone: 'error', title: t('hosts.connectFailed', { name }), text: error instanceof Error ? error.message : String(error) });
      closeDialog();
    });
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it opens
  useEffect(() => {
    if (!begun.current) void begin();
    begun.current = true;
  }, []);
  const connected = attempt?.state === 'connected';
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is through
  useEffect(() => {
    if (!connected) return;
    handOn();
    closeDialog();
  }, [connected]);
  return (
    <Dialog
      title={t('hosts.signInTitle', { name })}
      width={560}
      testId="sign-in-dialog"
      onClose={closeDialog}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          {attempt?.state === 'failed' && (
            <Button tone="primary" onClick={() => void begin()}>
              {t('hosts.reconnect')}
            </Button>
          )}
        </>
      }
    >
      <div className="form">
        <AttemptView attempt={attempt} onAnswer={answer} />
      </div>
    </Dialog>
  );
}
