import { Check, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { ConnectStep } from '../../../electron/ipc/contract.ts';
import { Spinner } from '../../ui/Spinner.tsx';

/** What has happened on the way to a machine, jump hosts first. */
export function ConnectSteps({ steps }: { steps: ConnectStep[] }) {
  const { t } = useTranslation();
  const several = new Set(steps.map(({ machine }) => machine)).size > 1;
  return (
    <ol className="steps" aria-live="polite" data-testid="connect-steps">
      {steps.map((step, index) => (
        <li key={`${step.machine} ${step.kind}`} className={step.status}>
          {several && step.machine !== steps[index - 1]?.machine && <div className="steps-machine mono truncate">{step.machine}</div>}
          <div className="step">
            {step.status === 'running' ? (
              <Spinner size={13} />
            ) : step.status === 'done' ? (
              <Check size={14} strokeWidth={2.4} aria-hidden />
            ) : (
              <X size={14} strokeWidth={2.4} aria-hidden />
            )}
            <span>{t(`step.${textOf(step)}`, step.found)}</span>
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Which sentence says what this step has found. */
function textOf({ kind, status, found }: ConnectStep): string {
  if (kind === 'certificate' && status === 'failed') return `certificate.${found.time ?? 'valid'}`;
  if (kind === 'certificate') return found.until ? 'certificate.until' : 'certificate.always';
  if (status !== 'done') return `${kind}.${status}`;
  if (kind === 'connect') return found.via ? (found.address ? 'connect.through' : 'connect.command') : 'connect.done';
  if (kind === 'resolve') return found.name === found.address ? 'resolve.same' : 'resolve.done';
  if (kind === 'hostKey') return found.certificate ? 'hostKey.certified' : found.added ? 'hostKey.added' : 'hostKey.done';
  if (kind === 'signIn') return `signIn.${found.method}`;
  if (kind === 'files') return found.subject ? 'files.done' : 'files.none';
  if (kind === 'tls') return found.none ? 'tls.none' : 'tls.done';
  return 'engine.done';
}
