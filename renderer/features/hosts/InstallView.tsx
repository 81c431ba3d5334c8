import { Check, CircleSlash, TriangleAlert, Undo2, X } from 'lucide-react';
import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { InstallAction, InstallJob, InstallProblem, InstallStep, InstallTarget } from '../../../electron/ipc/contract.ts';
import { formatMemory } from '../../lib/format.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { CopyButton, ErrorPanel } from '../../ui/Panels.tsx';
import { Progress } from '../../ui/Progress.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { HostErrorPanel } from './HostErrorPanel.tsx';
import { HostQuestion } from './HostQuestion.tsx';
import { useInstall } from './useInstall.ts';

/** What would be done on a machine, as commands; then the doing of it. */
export function InstallView({
  target,
  action,
  onDone,
  onCancel,
}: {
  target: InstallTarget;
  action: InstallAction;
  onDone: () => void;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  const { job, failed, run, answer, stop } = useInstall(target, action);
  const [keepData, setKeepData] = useState(true);
  const done = job?.state === 'done';
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is through
  useEffect(() => {
    if (done) onDone();
  }, [done]);
  if (failed) return <ErrorPanel title={t('install.failed')} message={failed} />;
  if (!job || job.state === 'checking') {
    return (
      <p className="dim install-checking" role="status">
        <Spinner /> {t('install.checking')}
      </p>
    );
  }
  const blocked = job.problems.some(({ blocking }) => blocking);
  return (
    <div className="install" data-testid="install">
      {job.facts && (
        <p className="dim">
          {[job.facts.distribution, job.facts.kernel, job.facts.arch, `cgroup ${job.facts.cgroup}`].filter(Boolean).join(' · ')}
        </p>
      )}
      {job.problems.map((problem) => (
        <Problem key={problem.code + problem.values.folder} problem={problem} />
      ))}
      {!blocked && (
        <>
          {job.state === 'ready' && <p className="prose">{t(`install.intro.${action}`)}</p>}
          <ol className="install-steps" aria-live="polite">
            {job.steps.map((step) => (
              <Step key={step.id} step={step} />
            ))}
          </ol>
        </>
      )}
      {job.question && <HostQuestion key={job.question.id} question={job.question} onAnswer={answer} />}
      {job.error && (
        <div className="flush">
          <HostErrorPanel error={job.error} />
        </div>
      )}
      {action === 'uninstall' && job.state === 'ready' && !blocked && (
        <Checkbox checked={!keepData} onChange={(remove) => setKeepData(!remove)} label={t('install.removeData')} />
      )}
      <Actions job={job} blocked={blocked} onRun={() => run(keepData)} onStop={stop} onCancel={onCancel} />
    </div>
  );
}

function Actions({
  job,
  blocked,
  onRun,
  onStop,
  onCancel,
}: {
  job: InstallJob;
  blocked: boolean;
  onRun: () => void;
  onStop: () => void;
  onCancel: () => void;
}) {
  const { t } = useTranslation();
  if (job.state === 'running') {
    return (
      <div className="question-actions">
        <Button data-testid="install-stop" onClick={onStop}>
          {t('install.stop')}
        </Button>
      </div>
    );
  }
  return (
    <div className="question-actions">
      <Button data-testid="install-cancel" onClick={onCancel}>
        {t(job.state === 'ready' && !blocked ? 'action.cancel' : 'action.close')}
      </Button>
      {job.state === 'ready' && !blocked && (
        <Button tone={job.action === 'uninstall' ? 'danger' : 'primary'} data-testid="install-run" onClick={onRun}>
          {t(`install.verb.${job.action}`)}
        </Button>
      )}
    </div>
  );
}

function Problem({ problem: { code, values, blocking } }: { problem: InstallProblem }) {
  const { t } = useTranslation();
  const kibibytes = (text: string | undefined) => formatMemory(Number(text ?? 0) * 1024);
  const shown = { ...values, free: kibibytes(values.free), needed: kibibytes(values.needed), memory: kibibytes(values.memory) };
  return (
    <p className={`install-problem ${blocking ? 'blocking' : ''}`}>
      {blocking ? <CircleSlash size={15} aria-hidden /> : <TriangleAlert size={15} aria-hidden />}
      <span>{t(`install.problem.${code}`, shown)}</span>
    </p>
  );
}

const icons: Record<InstallStep['status'], typeof Check | null> = {
  waiting: null,
  running: null,
  undoing: null,
  done: Check,
  failed: X,
  undone: Undo2,
};

function Step({ step }: { step: InstallStep }) {
  const { t } = useTranslation();
  const Icon = icons[step.status];
  const busy = step.status === 'running' || step.status === 'undoing';
  const { progress } = step;
  return (
    <li className={step.status}>
      <details>
        <summary>
          <span className="install-icon">
            {busy ? <Spinner size={13} /> : Icon ? <Icon size={14} strokeWidth={2.4} aria-hidden /> : <i />}
          </span>
          <span className="grow">{t(`install.step.${step.id}`)}</span>
          {(step.status === 'undone' || step.status === 'undoing') && <span className="dim">{t(`install.status.${step.status}`)}</span>}
          {step.asRoot && <span className="tag">{t('install.asRoot')}</span>}
        </summary>
        <div className="install-command">
          <pre className="mono select">{step.command}</pre>
          <CopyButton text={step.command} name={t('action.copyCommand')} />
        </div>
      </details>
      {step.status === 'running' && progress && <Progress value={progress.done / progress.total} label={t('install.step.upload')} />}
    </li>
  );
}
