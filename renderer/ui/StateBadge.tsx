import './badge.css';
import { Spinner } from './Spinner.tsx';

export type Tone = 'running' | 'failed' | 'attention' | 'working' | 'idle';

/** A state: dot (its shape differs too: filled, ring) and word. */
export function StateBadge({ tone, text, busy, title }: { tone: Tone; text: string; busy?: boolean; title?: string }) {
  return (
    <span className={`badge ${tone}`} data-tip={title}>
      {busy ? <Spinner size={11} /> : <span className="badge-dot" aria-hidden />}
      <span className="truncate">{text}</span>
    </span>
  );
}
