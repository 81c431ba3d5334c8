import { useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host, InstallAction, InstallJob, InstallTarget } from '../../../electron/ipc/contract.ts';
import { confirmProduction } from '../../lib/marks.ts';
import { useHosts } from '../../lib/queries.ts';
import { toast } from '../../lib/toast.ts';
import { Button } from '../../ui/Button.tsx';
import { Checkbox } from '../../ui/Checkbox.tsx';
import { Dialog } from '../../ui/Dialog.tsx';
import { ErrorPanel } from '../../ui/Panels.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { HostQuestion } from './HostQuestion.tsx';
import './hosts.css';
import { InstallFailure, InstallProblems, InstallSteps } from './InstallSteps.tsx';
import { useInstall } from './useInstall.ts';

interface InstallViewProps {
  target: InstallTarget;
  action: InstallAction;
  /** The machine's name for the title. */
  name: string;
  onDone: () => void;
  onClose: () => void;
}

/** What would be done on a machine, as commands; then the doing of it. */
export function InstallView({ target, action: asked, name, onDone, onClose }: InstallViewProps) {
  const { t } = useTranslation();
  const [action, setAction] = useState(asked);
  const install = useInstall(target, action);
  const { job, failed } = install;
  const host = useHosts().find(({ id }) => 'host' in target && id === target.host);
  const done = job?.state === 'done';
  // biome-ignore lint/correctness/useExhaustiveDependencies: only when it is through
  useEffect(() => {
    if (done) onDone();
  }, [done]);
  return (
    <Dialog
      title={t(`install.title.${action}`, { name })}
      width={620}
      testId="install-dialog"
      onClose={onClose}
      footer={<Actions job={job} install={install} host={host} onUpgrade={() => setAction('upgrade')} onClose={onClose} />}
    >
      {failed ? (
        <ErrorPanel title={t('install.begin')} message={failed} />
      ) : !job || job.state === 'checking' ? (
        <p className="dim install-checking" role="status">
          <Spinner /> {t('install.checking')}
        </p>
      ) : (
        <Plan job={job} install={install} />
      )}
    </Dialog>
  );
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));

type Install = ReturnType<typeof useInstall>;
const isBlocked = ({ problems }: InstallJob) => problems.some(({ blocking }) => blocking);

function Plan({ job, install }: { job: InstallJob; install: Install }) {
  const { t } = useTranslation();
  const { action, state, facts, problems, steps, question, error, keepData } = job;
  const blocked = isBlocked(job);
  return (
    <div className="install" data-testid="install">
      {facts && (
        <p className="dim">{[facts.distribution, facts.kernel, facts.arch, `cgroup ${facts.cgroup}`].filter(Boolean).join(' · ')}</p>
      )}
      <InstallProblems problems={problems} />
      {question && <HostQuestion key={question.id} question={question} onAnswer={install.answer} />}
      {error && <InstallFailure error={error} />}
      {!blocked && steps.length > 0 && (
        <>
          {state === 'ready' && <p className="prose">{t(`install.intro.${action}`)}</p>}
          <InstallSteps steps={steps} />
        </>
      )}
      {action === 'uninstall' && state === 'ready' && !blocked && (
        <Checkbox checked={!keepData} onChange={(remove) => install.keepData(!remove)} label={t('install.removeData')} />
      )}
    </div>
  );
}

function Actions({
  job,
  install,
  host,
  onUpgrade,
  onClose,
}: {
  job: InstallJob | undefined;
  install: Install;
  host: Host | undefined;
  onUpgrade: () => void;
  onClose: () => void;
}) {
  const { t } = useTranslation();
  const [stopping, setStopping] = useState<string>();
  if (job?.state === 'running') {
    const isUndoing = stopping === job.id || job.steps.some(({ status }) => ['failed', 'undoing', 'undone'].includes(status));
    const stop = () => {
      setStopping(job.id);
      install.stop();
    };
    return (
      <>
        <Button data-testid="install-stop" disabled={isUndoing} onClick={stop}>
          {t(isUndoing ? 'install.stopping' : 'install.stop')}
        </Button>
        <Button data-testid="install-background" disabled={job.question !== undefined} onClick={onClose}>
          {t('pull.background')}
        </Button>
      </>
    );
  }
  const ready = job?.state === 'ready' && !isBlocked(job);
  const run = async ({ action, machine }: InstallJob) => {
    const asks = host?.production && action === 'uninstall';
    if (asks && !(await confirmProduction(host.id, host.name))) return;
    try {
      await install.run(asks ? host.name : undefined);
    } catch (error) {
      toast({ tone: 'error', title: t(`install.failed.${action}`, { name: machine }), text: messageOf(error) });
    }
  };
  const isThere = job?.action === 'install' && job.problems.some(({ code }) => code === 'installed');
  return (
    <>
      <Button data-testid="install-cancel" onClick={onClose}>
        {t(ready || !job ? 'action.cancel' : 'action.close')}
      </Button>
      {isThere && (
        <Button tone="primary" data-testid="install-upgrade" onClick={onUpgrade}>
          {t('install.menu.upgrade')}
        </Button>
      )}
      {(job?.state === 'failed' || install.failed) && (
        <Button tone="primary" data-testid="install-again" onClick={install.again}>
          {t('install.again')}
        </Button>
      )}
      {ready && (
        <Button tone={job.action === 'uninstall' ? 'danger' : 'primary'} data-testid="install-run" onClick={() => void run(job)}>
          {t(`install.verb.${job.action === 'uninstall' && !job.keepData ? 'remove' : job.action}`)}
        </Button>
      )}
    </>
  );
}
