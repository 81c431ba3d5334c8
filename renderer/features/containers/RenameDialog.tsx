import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explain } from '../../lib/explain.ts';
import { namePattern } from '../../lib/names.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';
import { renameContainer, type Target } from './actions.ts';

export function RenameDialog({ target, onClose }: { target: Target; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(target.name);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const problem = name && !namePattern.test(name) ? t('run.nameInvalid') : error;
  const submit = async () => {
    if (!name || problem) return;
    if (name === target.name) return onClose();
    setBusy(true);
    try {
      await renameContainer(target, name);
      onClose();
    } catch (failure) {
      setError(explain(failure).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t('rename.title', { name: target.name })}
      width={400}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" busy={busy} disabled={!name || problem !== undefined} onClick={() => void submit()}>
            {t('action.rename')}
          </Button>
        </>
      }
    >
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void submit();
        }}
      >
        <Field label={t('rename.label')} error={problem}>
          {({ id, describedBy, invalid }) => (
            <TextInput
              id={id}
              aria-describedby={describedBy}
              invalid={invalid}
              mono
              value={name}
              onFocus={(event) => event.target.select()}
              onChange={(value) => {
                setName(value);
                setError(undefined);
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
