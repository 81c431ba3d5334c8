import { type ReactNode, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { TextField } from './Field.tsx';

interface NameDialogProps {
  title: string;
  /** What is asked for. */
  label: string;
  hint?: string;
  verb: string;
  /** What stands there first, chosen to be typed over. */
  value: string;
  /** Names that commands take. */
  mono?: boolean;
  /** @returns what is wrong with it, in words */
  check?: (name: string) => string | undefined;
  /** Closes when it resolves with nothing; else that is said at the field. */
  onSubmit: (name: string) => Promise<string | undefined>;
  onClose: () => void;
  testId?: string;
  /** Why it is asked. */
  children?: ReactNode;
}

/** Asks for one name. */
export function NameDialog({ title, label, hint, verb, value, mono = false, check, onSubmit, onClose, testId, children }: NameDialogProps) {
  const { t } = useTranslation();
  const [text, setText] = useState(value);
  const [refused, setRefused] = useState<{ name: string; why: string }>();
  const [busy, setBusy] = useState(false);
  const name = text.trim();
  const problem = name ? (check?.(name) ?? (refused?.name === name ? refused.why : undefined)) : undefined;
  const submit = async () => {
    if (!name || problem || busy) return;
    setBusy(true);
    const why = await onSubmit(name);
    setBusy(false);
    if (why === undefined) onClose();
    else setRefused({ name, why });
  };
  return (
    <Dialog
      title={title}
      width={420}
      onClose={onClose}
      {...(testId && { testId })}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" busy={busy} disabled={!name || problem !== undefined} onClick={() => void submit()}>
            {verb}
          </Button>
        </>
      }
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        {children}
        <TextField
          label={label}
          error={problem}
          hint={hint}
          mono={mono}
          data-testid="name-field"
          value={text}
          onFocus={(event) => event.target.select()}
          onChange={setText}
        />
      </form>
    </Dialog>
  );
}
