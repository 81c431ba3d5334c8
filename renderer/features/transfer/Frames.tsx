import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import './transfer.css';

interface FrameProps {
  /** What goes, in a word or a count. */
  name: string;
  move: boolean;
  width: number;
  children: ReactNode;
}

/** The dialog that asks where to, one thing or several. */
export function FormFrame({
  name,
  move,
  width,
  target,
  ready,
  onSubmit,
  children,
}: FrameProps & { target: Host | undefined; ready: boolean; onSubmit: () => void }) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={t(move ? 'transfer.titleMove' : 'transfer.titleCopy', { name })}
      width={width}
      testId="transfer-dialog"
      onClose={closeDialog}
      onEnter={onSubmit}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          <Button tone="primary" disabled={!ready} onClick={onSubmit} data-testid="transfer-start">
            {target ? t(move ? 'transfer.moveTo' : 'transfer.copyTo', { host: target.name }) : t('transfer.noTarget')}
          </Button>
        </>
      }
    >
      <form
        className="form transfer-form"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {children}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}

interface RunningFrameProps extends FrameProps {
  /** While it is under way: how it is given up. */
  cancel: { label: string; disabled?: boolean; run: () => void } | undefined;
  /** What can be done when it is over. */
  after: ReactNode;
}

/** The dialog that shows how far it is. It goes on when this is closed. */
export function RunningFrame({ name, move, width, cancel, after, children }: RunningFrameProps) {
  const { t } = useTranslation();
  return (
    <Dialog
      title={t(move ? 'transfer.titleMove' : 'transfer.titleCopy', { name })}
      width={width}
      testId="transfer-dialog"
      onClose={closeDialog}
      onEnter={closeDialog}
      footer={
        cancel ? (
          <>
            <Button disabled={cancel.disabled === true} onClick={cancel.run} data-testid="transfer-cancel">
              {cancel.label}
            </Button>
            <Button tone="primary" onClick={closeDialog} data-testid="transfer-background">
              {t('pull.background')}
            </Button>
          </>
        ) : (
          <>
            <Button tone={after ? 'plain' : 'primary'} onClick={closeDialog} data-testid="transfer-close">
              {t('action.close')}
            </Button>
            {after}
          </>
        )
      }
    >
      {children}
    </Dialog>
  );
}
