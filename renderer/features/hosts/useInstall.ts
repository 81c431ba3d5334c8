import { useEffect, useRef, useState } from 'react';
import type { ConnectAnswer, InstallAction, InstallJob, InstallTarget } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';

/** An engine that is being set up in this view. Leaving the view before it runs gives it up; running, it goes on to its end. */
export function useInstall(target: InstallTarget, action: InstallAction) {
  const [job, setJob] = useState<InstallJob>();
  const [failed, setFailed] = useState<string>();
  const current = useRef<InstallJob>(undefined);
  const targetKey = JSON.stringify(target);

  useEffect(() => {
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
      .installs.start(JSON.parse(targetKey) as InstallTarget, action)
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
      if (last && (last.state === 'checking' || last.state === 'ready')) void gantry().installs.end(last.id);
      current.current = undefined;
    };
  }, [targetKey, action]);

  return {
    job,
    /** It could not even begin. */
    failed,
    run: (keepData: boolean) => job && void gantry().installs.run(job.id, { keepData }),
    answer: (answer: ConnectAnswer | null) => {
      if (job?.question) void gantry().installs.answer(job.id, job.question.id, answer);
    },
    stop: () => job && void gantry().installs.end(job.id),
  };
}
