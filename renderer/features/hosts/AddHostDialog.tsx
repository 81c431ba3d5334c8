import { useQuery } from '@tanstack/react-query';
import { Download } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { HostColour, TcpSecurity } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { navigate } from '../../lib/route.ts';
import { closeDialog } from '../../lib/screen.ts';
import { isTcpAddress, tcpHostOf } from '../../lib/tcp-host.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { TextField } from '../../ui/Field.tsx';
import { AttemptView } from './AttemptView.tsx';
import { EngineChoice } from './EngineChoice.tsx';
import { HostColourField } from './HostColourField.tsx';
import { HostPlaces } from './HostPlaces.tsx';
import { hostColours } from './host-state.ts';
import './hosts.css';
import { InstallView } from './InstallView.tsx';
import { TcpSecurityFields } from './TcpSecurityFields.tsx';
import { useAttempt } from './useAttempt.ts';

/** `ada@nas.local:22`, `tcp://nas.local:2376` → `nas` */
function nameOf(address: string): string {
  const host = isTcpAddress(address) ? tcpHostOf(address) : address.replace(/^(ssh:\/\/|ssh\s+)/, '').replace(/^.*@/, '');
  return /^[\d.:[\]]+$/.test(host) ? host : (host.split(/[.:/]/)[0] ?? host);
}

/** One field for where the engine is: a machine (`user@host`, an alias), an address that it listens at, or a socket of this machine. Enter does the next thing. */
export function AddHostDialog() {
  const { t } = useTranslation();
  const hosts = useHosts();
  const { attempt, start, startTcp, answer, lookAgain, end, handOn } = useAttempt();
  const [where, setWhere] = useState('');
  const [name, setName] = useState('');
  const [colour, setColour] = useState<HostColour>(hostColours.find((c) => c !== 'red' && !hosts.some((h) => h.colour === c)) ?? 'blue');
  const [chosen, setChosen] = useState('');
  const [chosenSecurity, setSecurity] = useState<TcpSecurity>();
  const [error, setError] = useState<string>();
  const [busy, setBusy] = useState(false);
  const [installing, setInstalling] = useState(false);

  const typed = where.trim().replace(/^unix:\/\//, '');
  const isSocket = typed.startsWith('/');
  const isTcp = isTcpAddress(typed);
  const usual = useQuery({
    queryKey: ['certificates'],
    queryFn: () => gantry().hosts.certificates(),
    enabled: isTcp,
    staleTime: 0,
    gcTime: 0,
  });
  const security: TcpSecurity = chosenSecurity ?? { kind: 'tls', ...usual.data };
  const usable = attempt?.engines?.filter(({ state }) => state === 'usable') ?? [];
  const engine = usable.find(({ socketPath }) => socketPath === chosen) ?? usable[0];
  const known = isSocket && hosts.some((h) => h.kind !== 'ssh' && h.socketPath === typed);
  const half = isTcp && security.kind === 'tls' && (security.cert === undefined) !== (security.key === undefined);
  const invalid = known ? t('hosts.pathKnown') : error;
  const ready = isSocket ? typed !== '/' && !invalid : attempt?.state === 'connected' && (isTcp || engine !== undefined);
  const defaultName = isSocket ? t('hosts.defaultName') : nameOf(typed);

  const attempts = async (work: () => Promise<unknown>) => {
    setError(undefined);
    setBusy(true);
    try {
      await work();
      return true;
    } catch (failure) {
      setError(failure instanceof Error ? failure.message : String(failure));
      return false;
    } finally {
      setBusy(false);
    }
  };
  const connect = (address: string, how = security) => attempts(() => (isTcpAddress(address) ? startTcp(address, how) : start(address)));
  const add = async () => {
    const common = { name: name.trim() || defaultName, colour };
    const added = await attempts(async () => {
      if (isSocket) await gantry().hosts.addSocket({ ...common, socketPath: typed });
      else if (attempt && isTcp) await gantry().hosts.addTcp({ ...common, attempt: attempt.id });
      else if (attempt && engine) await gantry().hosts.addSsh({ ...common, attempt: attempt.id, socketPath: engine.socketPath });
    });
    if (!added) return;
    handOn();
    closeDialog();
    navigate({ page: 'hosts' });
  };
  const submit = () => {
    if (ready) void add();
    else if (!isSocket && typed !== '' && !half && attempt?.state !== 'running') void connect(typed);
  };
  const edit = (value: string) => {
    setWhere(value);
    setError(undefined);
    if (attempt) end();
  };
  const toConnect = !isSocket && !ready;
  if (attempt && installing) {
    const back = () => setInstalling(false);
    return <InstallView target={{ attempt: attempt.id }} action="install" name={defaultName} onDone={back} onClose={back} />;
  }

  return (
    <Dialog
      title={t('hosts.addTitle')}
      width={580}
      testId="add-host-dialog"
      onClose={closeDialog}
      footer={
        <>
          <Button onClick={closeDialog}>{t('action.cancel')}</Button>
          <Button
            tone="primary"
            busy={busy || (attempt?.state === 'running' && !attempt.question)}
            disabled={toConnect ? typed === '' || half || attempt?.question !== undefined : !ready}
            data-testid="add-host-submit"
            onClick={submit}
          >
            {t(toConnect ? (attempt && attempt.state !== 'running' ? 'hosts.reconnect' : 'hosts.connect') : 'hosts.add')}
          </Button>
        </>
      }
    >
      <div className="form">
        <form
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <TextField
            label={t('hosts.where')}
            error={invalid}
            hint={isTcp ? undefined : t('hosts.whereHint')}
            mono
            data-testid="add-host-path"
            placeholder="user@host"
            value={where}
            onChange={edit}
          />
          <button type="submit" hidden />
        </form>
        {!attempt && !isTcp && (
          <HostPlaces
            typed={where}
            onMachine={({ address, name: called, security: how }) => {
              edit(address);
              if (how) setSecurity(how);
              if (isTcpAddress(address)) setName(called);
              // In the clear, or with which certificates: that is for the user to say.
              if (how || !isTcpAddress(address)) void connect(address, how);
            }}
            onEngine={({ socketPath, product }) => {
              edit(socketPath);
              setName(product === 'unknown' ? t('hosts.defaultName') : product);
            }}
          />
        )}
        {isTcp && attempt?.state !== 'connected' && (
          <TcpSecurityFields
            address={typed}
            security={security}
            onChange={(how) => {
              setSecurity(how);
              if (attempt) end();
            }}
          />
        )}
        <AttemptView attempt={attempt} onAnswer={answer} />
        {attempt?.engines && (
          <>
            <EngineChoice engines={attempt.engines} chosen={engine?.socketPath ?? ''} onChoose={setChosen} onLookAgain={lookAgain} />
            {!attempt.engines.some(({ product, state }) => product === 'Gantry' && state === 'usable') &&
              attempt.machine?.os === 'Linux' && (
                <Button icon={Download} data-testid="install-open" onClick={() => setInstalling(true)}>
                  {t('install.offer')}
                </Button>
              )}
          </>
        )}
        {(isSocket || ready) && (
          <form
            className="form"
            onSubmit={(event) => {
              event.preventDefault();
              submit();
            }}
          >
            <TextField
              label={t('column.name')}
              data-testid="add-host-name"
              autoFocus={!isSocket}
              placeholder={defaultName}
              value={name}
              onChange={setName}
            />
            <HostColourField colour={colour} onChange={setColour} />
            <button type="submit" hidden />
          </form>
        )}
      </div>
    </Dialog>
  );
}
