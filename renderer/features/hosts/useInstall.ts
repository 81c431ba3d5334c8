import { useEffect, useRef, useState } from 'react';
import type { ConnectAnswer, InstallAction, InstallJob, InstallTarget } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import { toast } from '../../lib/toast.ts';

/** Nobody looks at it any more: its end is told. */
function announce({ id, action, machine }: InstallJob): void {
  const stop = gantry().installs.onChange((job) => {
    if (job.id !== id || job.state === 'running') return;
    stop();
    if (job.state === 'done') toast({ tone: 'success', title: tr(`install.done.${action}`, { name: machine }) });
    else toast({ tone: 'error', title: tr(`install.failed.${action}`, { name: machine }), detail: job.error?.detail ?? '' });
  });
}

/** An engine that is being set up in this view. Leaving the view before it runs gives it up; running, it goes on to its end. */
export function useInstall(target: InstallTarget, action: InstallAction) {
  const [round, setRound] = useState(0);
  const [job, setJob] = useState<InstallJob>();
  const [failed, setFailed] = useState<string>();
  const current = useRef<InstallJob>(undefined);
  const asked = JSON.stringify({ target, action, round });

  useEffect(() => {
    const begin = JSON.parse(asked) as { target: InstallTarget; action: InstallAction };
    const early = new Map<string, InstallJob>();
    let over = false;
    const show = (next: InstallJob) => {
      current.current = next;
      setJob(next);
    };
    const stop = gantry().installs.onChange((changed) => {
      early.set(changed.id, changed);
      if (changed.id === current.current?.id) show(changed);
    });
    gantry()
      .installs.start(begin.target, begin.action)
      .then(
        (begun) => {
          if (over) void gantry().installs.end(begun.id);
          else show(early.get(begun.id) ?? begun);
        },
        (error: unknown) => setFailed(error instanceof Error ? error.message : String(error)),
      );
    return () => {
      over = true;
      stop();
      const last = current.current;
      current.current = undefined;
      if (!last) return;
      // A question that nobody sees is a no.
      if (last.question) void gantry().installs.answer(last.id, last.question.id, null);
      else if (last.state === 'running') announce(last);
      else void gantry().installs.end(last.id);
    };
  }, [asked]);

  return {
    job,
    /** It could not even begin. */
    failed,
    /** @param confirmed the host's name, where the host is marked as production. Rejects with a sentence for the user */
    run: (confirmed?: string) => job && gantry().installs.run(job.id, confirmed),
    /** uninstall: whether images, containers and volumes stay. */
    keepData: (keep: boolean) => job && void gantry().installs.keepData(job.id, keep),
    answer: (answer: ConnectAnswer | null) => {
      if (job?.question) void gantry().installs.answer(job.id, job.question.id, answer);
    },
    /** Looks at the machine anew. */
    again: () => {
      setJob(undefined);
      setFailed(undefined);
      setRound((before) => before + 1);
    },
    stop: () => job && void gantry().installs.end(job.id),
  };
}
