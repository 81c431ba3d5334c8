import { useState } from 'react';
import { type Explanation, explain } from './explain.ts';

/**
 * The state of a form that makes something on a host.
 *
 * @param empty what the form begins with
 * @param send makes it and shows it; what it throws is shown in the form
 */
export function useCreateForm<Spec extends object>(empty: Spec, send: (spec: Spec) => Promise<void>) {
  const [spec, setSpec] = useState(empty);
  const [tried, setTried] = useState(false);
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Explanation>();
  return {
    spec,
    changed: spec !== empty,
    busy,
    refusal,
    set: (change: Partial<Spec>) => {
      setSpec((now) => ({ ...now, ...change }));
      setRefusal(undefined);
    },
    /** What is wrong is said while typing; what is only missing, when the form was sent. */
    isTold: (problem: string): boolean => tried || !problem.endsWith('Missing'),
    /** @param ready nothing is wrong and there is a host */
    submit: async (ready: boolean): Promise<void> => {
      setTried(true);
      if (!ready || busy) return;
      setBusy(true);
      try {
        await send(spec);
      } catch (failure) {
        setRefusal(explain(failure));
      } finally {
        setBusy(false);
      }
    },
  };
}
