import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';

export function HostNameDialog({ host, onClose }: { host: Host; onClose: () => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState(host.name);
  const [error, setError] = useState<string>();
  const submit = async () => {
    if (!name.trim()) return;
    try {
      await gantry().hosts.update(host.id, { name: name.trim() });
      onClose();
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };
  return (
    <Dialog
      title={t('rename.title', { name: host.name })}
      width={400}
      onClose={onClose}
      footer={
        <>
          <Button onClick={onClose}>{t('action.cancel')}</Button>
          <Button tone="primary" disabled={!name.trim()} onClick={() => void submit()}>
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
        <Field label={t('column.name')} error={error}>
          {(f) => (
            <TextInput
              id={f.id}
              aria-describedby={f.describedBy}
              invalid={f.invalid}
              value={name}
              onFocus={(e) => e.target.select()}
              onChange={setName}
            />
          )}
        </Field>
      </form>
    </Dialog>
  );
}
