import type { ConnectAnswer, ConnectAttempt } from '../../../electron/ipc/contract.ts';
import { ConnectSteps } from './ConnectSteps.tsx';
import { HostErrorPanel } from './HostErrorPanel.tsx';
import { HostQuestion } from './HostQuestion.tsx';
import './hosts.css';

interface AttemptViewProps {
  /** Undefined until it has begun. */
  attempt: ConnectAttempt | undefined;
  /** null is a no. */
  onAnswer: (answer: ConnectAnswer | null) => void;
}

/** Once, when it appears: the dialog may be longer than the window. */
const intoView = (place: HTMLElement | null) => place?.scrollIntoView({ block: 'nearest' });

/** A connection that is being made: what has happened, what only the user can answer, why it failed and what to do. */
export function AttemptView({ attempt, onAnswer }: AttemptViewProps) {
  if (!attempt) return null;
  const { steps, question, error } = attempt;
  return (
    <>
      <ConnectSteps steps={steps} />
      {question && <HostQuestion key={question.id} question={question} onAnswer={onAnswer} />}
      {error && (
        <div className="flush" ref={intoView}>
          <HostErrorPanel error={error} />
        </div>
      )}
    </>
  );
}
