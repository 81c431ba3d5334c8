import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { namePattern } from '../../lib/names.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';
import { restore } from './actions.ts';
import type { BinRow } from './useBin.ts';

/** Its name was given to another one meanwhile: asks for a new one. */
export function RestoreDialog({ row, onClose }: { row: BinRow; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(`${row.entry.Name}-2`);
  const [taken, setTaken] = useState(row.entry.Name);
  const [busy, setBusy] = useState(false);
  const problem = name && !namePattern.test(name) ? t('run.nameInvalid') : name === taken ? t('bin.nameTaken', { name }) : undefined;
  const submit = async () => {
    if (!name || problem) return;
    setBusy(true);
    const result = await restore(row, name);
    setBusy(false);
    if (result === 'taken') setTaken(name);
    else onClose();
  };
  return (
    <Dialog
      title={t('bin.restoreTitle', { name: row.entry.Name })}
      width={400}
      onClose={onClose}
      testId="bin-restore"
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" busy={busy} disabled={!name || problem !== undefined} onClick={() => void submit()}>
            {t('bin.restore')}
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
        <p className="prose bin-taken">{t('bin.nameTaken', { name: row.entry.Name })}</p>
        <Field label={t('bin.newName')} error={problem}>
          {({ id, describedBy, invalid }) => (
            <TextInput
              id={id}
              aria-describedby={describedBy}
              invalid={invalid}
              mono
              value={name}
              onFocus={(event) => event.target.select()}
              onChange={setName}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
