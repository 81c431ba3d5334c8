import { Check, ChevronRight, CircleSlash, TriangleAlert, Undo2, X } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import type { HostError, InstallProblem, InstallStep } from '../../../electron/ipc/contract.ts';
import { formatMemory, formatSize } from '../../lib/format.ts';
import { CopyButton } from '../../ui/Panels.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { HostErrorPanel } from './HostErrorPanel.tsx';

const LAST_LINES = 8;

export function InstallProblems({ problems }: { problems: InstallProblem[] }) {
  const { t } = useTranslation();
  const kibibytes = (text: string | undefined) => formatMemory(Number(text ?? 0) * 1024);
  return problems.map(({ code, values, blocking }) => {
    const shown = { ...values, free: kibibytes(values.free), needed: kibibytes(values.needed), memory: kibibytes(values.memory) };
    return (
      <p key={code + values.folder} className={`install-problem ${blocking ? 'blocking' : ''}`}>
        {blocking ? <CircleSlash size={15} aria-hidden /> : <TriangleAlert size={15} aria-hidden />}
        <span>{t(`install.problem.${code}`, shown)}</span>
      </p>
    );
  });
}

const icons: Record<InstallStep['status'], typeof Check | null> = {
  waiting: null,
  running: null,
  undoing: null,
  done: Check,
  failed: X,
  undone: Undo2,
};

/** Each opens to its commands. */
export function InstallSteps({ steps }: { steps: InstallStep[] }) {
  return (
    <ol className="install-steps" aria-live="polite">
      {steps.map((step) => (
        <Step key={step.id} step={step} />
      ))}
    </ol>
  );
}

function Step({ step: { id, status, command, asRoot, progress } }: { step: InstallStep }) {
  const { t } = useTranslation();
  const Icon = icons[status];
  const busy = status === 'running' || status === 'undoing';
  return (
    <li className={status}>
      <details>
        <summary>
          <span className="install-icon">
            {busy ? <Spinner size={13} /> : Icon ? <Icon size={14} strokeWidth={2.4} aria-hidden /> : <i />}
          </span>
          <span className="grow">{t(`install.step.${id}`)}</span>
          {(status === 'undone' || status === 'undoing') && <span className="dim">{t(`install.status.${status}`)}</span>}
          {status === 'running' && progress && (
            <span className="dim num">{t('pull.bytes', { current: formatSize(progress.done), total: formatSize(progress.total) })}</span>
          )}
          {asRoot && <span className="tag">{t('install.asRoot')}</span>}
          <ChevronRight className="install-chevron" size={14} aria-hidden />
        </summary>
        <div className="install-command">
          <pre className="mono select">{command}</pre>
          <CopyButton text={command} name={t('action.copyCommand')} />
        </div>
      </details>
      {status === 'running' && progress && <Progress value={progress.done / progress.total} label={t('install.step.upload')} />}
    </li>
  );
}

/** What failed, with the last words of the machine. */
export function InstallFailure({ error }: { error: HostError }) {
  const { t } = useTranslation();
  const { step } = error.values ?? {};
  if (error.code === 'cancelled') {
    return (
      <p className="dim" role="status">
        {t('install.stopped')}
      </p>
    );
  }
  const named = step === undefined ? error : { ...error, values: { ...error.values, step: t(`install.step.${step}`) } };
  const lastWords = step === undefined ? '' : (error.detail ?? '').trim().split('\n').slice(-LAST_LINES).join('\n');
  return (
    <>
      <div className="flush">
        <HostErrorPanel error={named} />
      </div>
      {lastWords && (
        <div className="install-command install-words">
          <pre className="mono select">{lastWords}</pre>
        </div>
      )}
    </>
  );
}
