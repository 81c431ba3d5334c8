import { Check, Copy, type LucideIcon, TriangleAlert } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../lib/bridge.ts';
import { Button, IconButton } from './Button.tsx';
import './panels.css';

/** What it is, one action, the command that does the same. */
export function EmptyState({
  icon: Icon,
  title,
  text,
  children,
  command,
}: {
  icon?: LucideIcon;
  title: string;
  text?: ReactNode;
  children?: ReactNode;
  command?: string;
}) {
  return (
    <div className="empty">
      {Icon && (
        <div className="empty-icon">
          <Icon size={26} strokeWidth={1.5} aria-hidden />
        </div>
      )}
      <h2>{title}</h2>
      {text && <p className="prose">{text}</p>}
      {children && <div className="empty-actions">{children}</div>}
      {command && <CommandLine command={command} />}
    </div>
  );
}

/** What happened, why, what to do, details to copy. */
export function ErrorPanel({
  tone = 'failed',
  title,
  message,
  remedy,
  detail,
  children,
}: {
  tone?: 'failed' | 'attention';
  title: string;
  message?: string;
  remedy?: string;
  detail?: string;
  children?: ReactNode;
}) {
  const { t } = useTranslation();
  return (
    <div className={`error-panel ${tone}`} role="alert">
      <TriangleAlert size={18} aria-hidden />
      <div>
        <h3>{title}</h3>
        {message && <p className="prose select">{message}</p>}
        {remedy && <p className="prose remedy">{remedy}</p>}
        <div className="error-actions">
          {children}
          {(detail || message) && (
            <Button tone="ghost" icon={Copy} onClick={() => void gantry().shell.copy(detail ?? message ?? '')}>
              {t('action.copyDetails')}
            </Button>
          )}
        </div>
      </div>
    </div>
  );
}

/** Placeholder rows, only after 150 ms: what comes at once must not flicker. */
export function Skeleton({ rows = 8, label }: { rows?: number; label: string }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="skeleton" role="status" aria-label={label}>
      {shown &&
        Array.from({ length: rows }, (_, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: placeholders have no identity
          <div key={i} style={{ opacity: 1 - i / (rows + 2) }}>
            <span style={{ width: 90 }} />
            <span style={{ width: 120 + ((i * 53) % 90) }} />
            <span style={{ width: 160 + ((i * 37) % 80) }} />
          </div>
        ))}
    </div>
  );
}

/** Copies, and says so on the button itself. */
export function CopyButton({ text, name, small = true }: { text: string; name?: string; small?: boolean }) {
  const { t } = useTranslation();
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 1200);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <IconButton
      small={small}
      icon={done ? Check : Copy}
      name={done ? t('action.copied') : (name ?? t('action.copy'))}
      onClick={(event) => {
        event.stopPropagation();
        void gantry().shell.copy(text);
        setDone(true);
      }}
    />
  );
}

/** The `docker` line that does the same. */
export function CommandLine({ command }: { command: string }) {
  const { t } = useTranslation();
  return (
    <div className="command-line">
      <code className="mono select">{command}</code>
      <CopyButton text={command} name={t('action.copyCommand')} />
    </div>
  );
}

export interface Fact {
  label: string;
  value: ReactNode;
  copy?: string | undefined;
}

/** Of a fact: what a machine wrote, as it is. */
export const mono = (text: string) => <span className="mono">{text}</span>;

/** Of a fact with several values. */
export const monoList = (items: string[]) => (
  <ul>
    {items.map((item) => (
      <li key={item} className="mono">
        {item}
      </li>
    ))}
  </ul>
);

/** Key-value list with copy. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl className="facts">
      {facts.map((fact, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a label may come twice, and facts have no state
        <div key={i}>
          <dt>{fact.label}</dt>
          <dd>
            <span className="select">{fact.value}</span>
            {fact.copy && <CopyButton text={fact.copy} />}
          </dd>
        </div>
      ))}
    </dl>
  );
}
