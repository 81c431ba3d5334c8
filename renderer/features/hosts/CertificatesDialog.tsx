import { Check } from 'lucide-react';
import { useEffect, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host, NewCertificates, TcpSecurity } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { useHosts } from '../../lib/queries.ts';
import { closeDialog } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { AttemptView } from './AttemptView.tsx';
import './hosts.css';
import { TcpSecurityFields } from './TcpSecurityFields.tsx';
import { useAttempt } from './useAttempt.ts';

/** Other certificates for a host that is reached over TCP: tried first, and kept when they work, or when the user says so. */
export function CertificatesDialog({ hostId }: { hostId: string }) {
  const host = useHosts().find(({ id }) => id === hostId);
  return host ? <Form host={host} /> : null;
}

function Form({ host }: { host: Host }) {
  const { t } = useTranslation();
  const { name, address = '' } = host;
  const { attempt, startTcp, answer, end, handOn } = useAttempt();
  const [security, setSecurity] = useState<TcpSecurity>(host.security ?? { kind: 'tls' });
  const [state, setState] = useState<'open' | 'keeping' | 'kept'>('open');
  const close = useRef<HTMLButtonElement>(null);
  const [error, setError] = useState<string>();
  const half = security.kind === 'tls' && (security.cert === undefined) !== (security.key === undefined);
  const isTrying = attempt?.state === 'running';

  const attempts = async (work: () => Promise<unknown>, after: 'open' | 'kept') => {
    setError(undefined);
    try {
      await work();
      setState(after);
    } catch (failure) {
      setState('open');
      setError(failure instanceof Error ? failure.message : String(failure));
    }
  };
  const begin = () => attempts(() => startTcp(address, security), 'open');
  const keep = (how: NewCertificates) => {
    setState('keeping');
    void attempts(() => gantry().hosts.changeCertificates(host.id, how), 'kept');
  };
  const through = attempt?.state === 'connected' ? attempt.id : undefined;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when it is through
  useEffect(() => {
    if (through === undefined || state !== 'open') return;
    handOn();
    keep({ attempt: through });
  }, [through]);
  // The button that was pressed is gone, and so is the focus.
  useEffect(() => {
    if (state === 'kept') close.current?.focus();
  }, [state]);
  const submit = () => {
    if (!half && !isTrying && state === 'open') void begin();
  };

  return (
    <Dialog
      title={t('certificates.title', { name })}
      width={580}
      testId="certificates-dialog"
      onClose={closeDialog}
      footer={
        state === 'kept' ? (
          <Button ref={close} tone="primary" data-testid="certificates-close" onClick={closeDialog}>
            {t('action.close')}
          </Button>
        ) : (
          <>
            <Button onClick={closeDialog}>{t('action.cancel')}</Button>
            {attempt?.state === 'failed' && (
              <Button data-testid="certificates-anyway" disabled={half || state === 'keeping'} onClick={() => keep({ security })}>
                {t('certificates.anyway')}
              </Button>
            )}
            <Button
              tone="primary"
              busy={state === 'keeping' || (isTrying && !attempt.question)}
              disabled={half || attempt?.question !== undefined}
              data-testid="certificates-submit"
              onClick={submit}
            >
              {t(attempt?.state === 'failed' ? 'certificates.tryAgain' : 'certificates.try')}
            </Button>
          </>
        )
      }
    >
      {state !== 'kept' && (
        <form
          className="form"
          onSubmit={(event) => {
            event.preventDefault();
            submit();
          }}
        >
          <p className="prose">{t('certificates.text', { name, address })}</p>
          <TcpSecurityFields
            address={address}
            security={security}
            onChange={(how) => {
              setSecurity(how);
              setError(undefined);
              if (attempt) end();
            }}
          />
          <button type="submit" hidden />
        </form>
      )}
      <div className="form certificates-attempt">
        <AttemptView attempt={attempt} onAnswer={answer} />
        {error !== undefined && (
          <div className="invalid">
            <p className="field-note" role="alert">
              {error}
            </p>
          </div>
        )}
        {state === 'kept' && (
          <p className={attempt?.state === 'connected' ? 'certificates-kept works' : 'certificates-kept'} role="status">
            <Check size={15} strokeWidth={2.2} aria-hidden />
            {t(attempt?.state === 'connected' ? 'certificates.kept' : 'certificates.keptAnyway', { name })}
          </p>
        )}
      </div>
    </Dialog>
  );
}
