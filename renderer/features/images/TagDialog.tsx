import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explain } from '../../lib/explain.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';
import { tagImage } from './actions.ts';
import type { ImageRow } from './row.ts';

export function TagDialog({ row, onClose }: { row: ImageRow; onClose: () => void }) {
  const { t } = useTranslation();
  const [reference, setReference] = useState(row.dangling ? '' : row.reference);
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const submit = async () => {
    if (!reference) return;
    setBusy(true);
    try {
      await tagImage(row, reference.trim());
      onClose();
    } catch (failure) {
      setError(explain(failure).message);
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t('tag.title', { name: row.reference })}
      width={420}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" busy={busy} disabled={!reference} onClick={() => void submit()}>
            {t('action.tag')}
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
        <Field label={t('tag.label')} error={error} hint={t('tag.hint')}>
          {(field) => (
            <TextInput
              id={field.id}
              aria-describedby={field.describedBy}
              invalid={field.invalid}
              mono
              data-testid="tag-reference"
              value={reference}
              onChange={(value) => {
                setReference(value);
                setError(undefined);
              }}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
