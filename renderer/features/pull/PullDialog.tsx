import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { useHosts, useShownHosts } from '../../lib/queries.ts';
import { closeDialog, openDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/Field.tsx';
import { CommandLine, ErrorPanel } from '../../ui/Panels.tsx';
import { announcePull, cancelPull, PullProgress, startPull, usePulls } from '../activity/index.ts';
import { HostField } from '../hosts/index.ts';

/** What a reference may look like. Source: distribution's reference grammar, shortened. */
const referencePattern = /^[a-z0-9]([a-z0-9._:-]*\/)?[a-z0-9._/-]*(:[\w][\w.-]{0,127})?(@sha256:[0-9a-f]{64})?$/i;

/** The registry wants another login, or one at all. Texts of dockerd, Podman and ours. */
const refusedPattern = /unauthori[sz]ed|authentication required|no basic auth|access denied|docker login|incorrect username/i;

export function PullDialog({
  host,
  reference: initial,
  activity,
}: {
  host?: string | undefined;
  reference?: string | undefined;
  activity?: string | undefined;
}) {
  const { t } = useTranslation();
  const hosts = useHosts().filter((h) => h.state.status === 'connected');
  const shown = useShownHosts();
  const [chosen, setHost] = useState(host);
  // Not decided at opening: the host may become connected while the form is filled in.
  const hostId = chosen ?? shown.find((h) => h.state.status === 'connected')?.id ?? '';
  const [reference, setReference] = useState(initial ?? '');
  const [platform, setPlatform] = useState('');
  const [login, setLogin] = useState(false);
  const [username, setUsername] = useState('');
  const [password, setPassword] = useState('');
  const [running, setRunning] = useState<string | null>(activity ?? null);
  const pull = usePulls((s) => s.pulls.find((p) => p.id === running));
  const target = hosts.find((h) => h.id === hostId);
  const trimmed = reference.trim().replace(/^docker pull /, '');
  const invalid = trimmed !== '' && !referencePattern.test(trimmed);
  const refused = pull?.status === 'failed' && refusedPattern.test(pull.error ?? '');
  const ready = trimmed !== '' && !invalid && target !== undefined;

  const submit = () => {
    if (!ready) return;
    setRunning(
      startPull({
        hostId,
        hostName: target.name,
        reference: trimmed,
        ...(platform.trim() ? { platform: platform.trim() } : {}),
        ...(login && username ? { login: { username, password } } : {}),
      }),
    );
  };
  /** Back to the form, as it was filled in. */
  const change = (from: { reference: string; hostId: string }) => {
    setReference(from.reference);
    setHost(from.hostId);
    if (refused) setLogin(true);
    setRunning(null);
  };
  const close = () => {
    if (pull?.status === 'running') announcePull(pull.id);
    closeDialog();
  };

  if (pull) {
    return (
      <Dialog
        title={t('pull.titleOf', { reference: pull.reference })}
        width={600}
        testId="pull-dialog"
        onClose={close}
        footer={
          pull.status === 'running' ? (
            <>
              <Button onClick={() => cancelPull(pull.id)} data-testid="pull-cancel">
                {t('pull.cancel')}
              </Button>
              <Button tone="primary" onClick={close} data-testid="pull-background">
                {t('pull.background')}
              </Button>
            </>
          ) : pull.status === 'done' ? (
            <>
              <Button onClick={close}>{t('action.close')}</Button>
              <Button
                tone="primary"
                data-testid="pull-run"
                onClick={() => openDialog({ type: 'run', host: pull.hostId, image: pull.reference })}
              >
                {t('pull.run')}
              </Button>
            </>
          ) : (
            <>
              <Button onClick={close}>{t('action.close')}</Button>
              <Button tone="primary" data-testid={refused ? 'pull-login' : 'pull-again'} onClick={() => change(pull)}>
                {t(refused ? 'pull.logIn' : 'pull.again')}
              </Button>
            </>
          )
        }
      >
        {pull.error && (
          <div className="flush">
            <ErrorPanel
              title={t(refused ? (login ? 'pull.refusedLogin' : 'pull.refused') : 'pull.failedToast', { reference: pull.reference })}
              message={pull.error}
              {...(pull.remedy ? { remedy: pull.remedy } : {})}
            />
          </div>
        )}
        {(pull.status !== 'failed' || pull.state.layers.length > 0) && <PullProgress pull={pull} />}
      </Dialog>
    );
  }

  return (
    <Dialog
      title={t('pull.title')}
      width={520}
      testId="pull-dialog"
      onClose={closeDialog}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          <Button tone="primary" disabled={!ready} onClick={submit} data-testid="pull-start">
            {t('action.pull')}
          </Button>
        </>
      }
    >
      <form
        className="form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <TextField
          label={t('pull.reference')}
          error={invalid ? t('pull.referenceInvalid') : undefined}
          hint={t('pull.referenceHint')}
          mono
          autoFocus={!login}
          data-testid="pull-reference"
          placeholder="nginx:1.27"
          value={reference}
          onChange={setReference}
        />
        <div className="form-row">
          {hosts.length > 1 && <HostField hosts={hosts} value={hostId} onChange={setHost} />}
          <TextField
            label={t('pull.platform')}
            mono
            placeholder={target?.state.status === 'connected' ? `${target.state.engine.os}/${target.state.engine.arch}` : 'linux/amd64'}
            value={platform}
            onChange={setPlatform}
          />
        </div>
        <Checkbox checked={login} onChange={setLogin} label={t('pull.login')} />
        {login && (
          <div className="form-row">
            <TextField
              label={t('pull.username')}
              autoFocus={!username}
              data-testid="pull-username"
              value={username}
              onChange={setUsername}
            />
            <TextField
              label={t('pull.password')}
              type="password"
              autoFocus={username !== ''}
              data-testid="pull-password"
              value={password}
              onFocus={(event) => event.target.select()}
              onChange={setPassword}
            />
          </div>
        )}
        {ready && <CommandLine command={`docker pull ${platform.trim() ? `--platform ${platform.trim()} ` : ''}${trimmed}`} />}
        <button type="submit" hidden />
      </form>
    </Dialog>
  );
}
