import { useEffect, useRef, useState } from 'react';
import type { ConnectAnswer, ConnectAttempt, TcpSecurity } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';

/** One connection that is being made in this dialog; it ends with the dialog unless it was handed on. */
export function useAttempt() {
  const [attempt, setAttempt] = useState<ConnectAttempt>();
  const current = useRef<string>(undefined);
  const latest = useRef(new Map<string, ConnectAttempt>());

  useEffect(() => {
    const stop = gantry().attempts.onChange((changed) => {
      // What comes before start() has answered waits for it.
      latest.current.set(changed.id, changed);
      if (changed.id === current.current) setAttempt(changed);
    });
    return () => {
      stop();
      if (current.current) void gantry().attempts.end(current.current);
    };
  }, []);

  const begin = async (start: () => Promise<ConnectAttempt>) => {
    end();
    const begun = await start();
    current.current = begun.id;
    setAttempt(latest.current.get(begun.id) ?? begun);
  };
  const end = () => {
    if (current.current) void gantry().attempts.end(current.current);
    current.current = undefined;
    setAttempt(undefined);
  };
  return {
    attempt,
    /** Rejects with a sentence for the user. */
    start: (address: string) => begin(() => gantry().attempts.start(address)),
    startTcp: (address: string, security: TcpSecurity) => begin(() => gantry().attempts.startTcp(address, security)),
    signIn: (hostId: string) => begin(() => gantry().attempts.signIn(hostId)),
    answer: (answer: ConnectAnswer | null) => {
      if (attempt?.question) void gantry().attempts.answer(attempt.id, attempt.question.id, answer);
    },
    lookAgain: (socketPath?: string) => attempt && void gantry().attempts.lookAgain(attempt.id, socketPath),
    /** Gives the connection up. */
    end,
    /** It belongs to a host now. */
    handOn: () => {
      current.current = undefined;
    },
  };
}
