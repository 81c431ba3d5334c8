import { Circle, CircleAlert, CircleCheck } from 'lucide-react';
import './progress.css';
import { Spinner } from './Spinner.tsx';

/** The mark before something that takes its time; a text beside it says the same. */
export function Outcome({ status }: { status: 'waiting' | 'running' | 'done' | 'failed' }) {
  if (status === 'running') return <Spinner />;
  if (status === 'done') return <CircleCheck size={15} className="outcome-done" aria-hidden />;
  if (status === 'failed') return <CircleAlert size={15} className="outcome-failed" aria-hidden />;
  return <Circle size={15} className="dim" aria-hidden />;
}
