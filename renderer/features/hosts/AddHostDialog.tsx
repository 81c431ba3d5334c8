import { useQuery } from '@tanstack/react-query';
import { FolderOpen } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { HostColour } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { Field, TextInput } from '../../ui/Field.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { StateBadge } from '../../ui/StateBadge.tsx';
import { hostColours } from './host-state.ts';
import './hosts.css';

export function AddHostDialog() {
  const { t } = useTranslation();
  const hosts = useHosts();
  const found = useQuery({ queryKey: ['detect'], queryFn: () => gantry().hosts.detect(), staleTime: 0, gcTime: 0 });
  const [path, setPath] = useState('');
  const [name, setName] = useState('');
  const [colour, setColour] = useState<HostColour>(hostColours.find((c) => c !== 'red' && !hosts.some((h) => h.colour === c)) ?? 'blue');
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const clean = path.trim().replace(/^unix:\/\//, '');
  const invalid =
    clean !== '' && !clean.startsWith('/')
      ? t('hosts.pathInvalid')
      : hosts.some((h) => h.socketPath === clean)
        ? t('hosts.pathKnown')
        : error;

  const submit = async () => {
    if (!clean || invalid) return;
    setBusy(true);
    try {
      await gantry().hosts.addSocket({ name: name.trim() || t('hosts.defaultName'), colour, socketPath: clean });
      closeDialog();
      navigate({ page: 'hosts' });
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog
      title={t('hosts.addTitle')}
      width={520}
      testId="add-host-dialog"
      onClose={closeDialog}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          <Button
            tone="primary"
            busy={busy}
            disabled={!clean || invalid !== undefined}
            data-testid="add-host-submit"
            onClick={() => void submit()}
          >
            {t('hosts.add')}
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
        <div className="field">
          <span className="label">{t('hosts.found')}</span>
          {found.isPending ? (
            <span className="dim found-none">
              <Spinner /> {t('hosts.looking')}
            </span>
          ) : (found.data ?? []).length === 0 ? (
            <span className="dim found-none">{t('hosts.foundNone')}</span>
          ) : (
            <ul className="found">
              {(found.data ?? []).map((engine) => (
                <li key={engine.socketPath}>
                  <button
                    type="button"
                    aria-pressed={clean === engine.socketPath}
                    onClick={() => {
                      setPath(engine.socketPath);
                      setName(engine.product === 'unknown' ? t('hosts.defaultName') : engine.product);
                      setError(undefined);
                    }}
                  >
                    <StateBadge
                      tone={engine.reachable ? 'running' : 'attention'}
                      text={engine.product === 'unknown' ? t('hosts.engine') : `${engine.product} ${engine.version}`}
                    />
                    <span className="mono dim truncate">{engine.socketPath}</span>
                    {!engine.reachable && <span className="dim">{t('hosts.unreachable')}</span>}
                  </button>
                </li>
              ))}
            </ul>
          )}
        </div>
        <Field label={t('hosts.path')} error={invalid} hint={t('hosts.pathHint')}>
          {(f) => (
            <div className="with-button">
              <TextInput
                id={f.id}
                aria-describedby={f.describedBy}
                invalid={f.invalid}
                mono
                data-testid="add-host-path"
                placeholder="/var/run/docker.sock"
                value={path}
                onChange={(value) => {
                  setPath(value);
                  setError(undefined);
                }}
              />
              <IconButton
                small
                icon={FolderOpen}
                name={t('hosts.pickSocket')}
                onClick={() =>
                  void gantry()
                    .dialogs.pickPath({ kind: 'file', title: t('hosts.pickSocket') })
                    .then((picked) => {
                      if (picked) setPath(picked);
                    })
                }
              />
            </div>
          )}
        </Field>
        <Field label={t('column.name')}>
          {({ id }) => (
            <TextInput id={id} data-testid="add-host-name" placeholder={t('hosts.defaultName')} value={name} onChange={setName} />
          )}
        </Field>
        <div className="field">
          <span className="label" id="host-colour">
            {t('hosts.colour')}
          </span>
          <div className="colours" role="radiogroup" aria-labelledby="host-colour">
            {hostColours.map((c) => (
              // biome-ignore lint/a11y/useSemanticElements: a colour is not an <input>'s text
              <button
                key={c}
                type="button"
                role="radio"
                aria-checked={c === colour}
                aria-label={t(`colour.${c}`)}
                data-tip={t(`colour.${c}`)}
                style={{ background: `var(--host-${c})` }}
                onClick={() => setColour(c)}
              />
            ))}
          </div>
        </div>
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
