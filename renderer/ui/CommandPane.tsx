import type { ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import './command.css';
import { CopyButton } from './Panels.tsx';

interface CommandPaneProps {
  label: string;
  /** The words that stand on a line each. */
  lines: string[];
  testId: string;
  /** What can be done with it besides copying. */
  children?: ReactNode;
}

/** The right side of a form: the `docker` line that does the same, live, with copy. */
export function CommandPane({ label, lines, testId, children }: CommandPaneProps) {
  const { t } = useTranslation();
  return (
    <aside className="command-pane" aria-label={label}>
      <div className="command-pane-head">
        <span>{label}</span>
        <CopyButton text={lines.join(' ')} name={t('action.copyCommand')} />
      </div>
      <pre className="mono select" data-testid={testId}>
        {lines.join(' \\\n  ')}
      </pre>
      {children}
    </aside>
  );
}
