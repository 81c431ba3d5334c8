import type { LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import { ask } from '../lib/confirm.ts';
import type { Explanation } from '../lib/explain.ts';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { ErrorPanel } from './Panels.tsx';

interface FormSheetProps {
  title: string;
  width: number;
  /** Something was typed: closing asks first. */
  changed: boolean;
  busy: boolean;
  submit: { label: string; icon: LucideIcon; disabled: boolean; testId: string };
  onSubmit: () => void;
  onClose: () => void;
  /** What Cancel does while something is under way that can be given up alone. */
  onGiveUp?: (() => void) | undefined;
  testId: string;
  /** Beside the buttons. */
  note?: ReactNode;
  /** Above the fields. */
  progress?: ReactNode;
  /** What the engine said against it, where no field shows that. */
  refusal?: (Explanation & { title: string }) | undefined;
  children: ReactNode;
  /** The right side: the `docker` line that does the same. */
  pane: ReactNode;
}

/** A form that makes something, with the line that does the same beside it. Enter submits; what was typed is not lost without a question. */
export function FormSheet(props: FormSheetProps) {
  const { title, width, changed, busy, submit, onSubmit, onClose, onGiveUp, testId, note, progress, refusal, children, pane } = props;
  const { t } = useTranslation();
  const close = async () => {
    const question = { title: t('run.discardTitle'), text: t('run.discardText'), verb: t('run.discard'), danger: true };
    if (changed && !busy && !(await ask(question)).yes) return;
    onClose();
  };
  return (
    <Dialog
      kind="sheet"
      title={title}
      width={width}
      testId={testId}
      onClose={() => void close()}
      footer={
        <>
          {note && <span className="grow dim">{note}</span>}
          <Button onClick={onGiveUp ?? (() => void close())}>{t('action.cancel')}</Button>
          <Button tone="primary" icon={submit.icon} busy={busy} disabled={submit.disabled} data-testid={submit.testId} onClick={onSubmit}>
            {submit.label}
          </Button>
        </>
      }
    >
      <form
        className="sheet-form"
        onSubmit={(event) => {
          event.preventDefault();
          onSubmit();
        }}
      >
        {progress}
        {refusal && (
          <div className="flush">
            <ErrorPanel {...refusal} />
          </div>
        )}
        {children}
        <button type="submit" hidden />
      </form>
      {pane}
    </Dialog>
  );
}
