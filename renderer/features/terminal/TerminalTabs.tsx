import { Link2, PanelBottomOpen, SquareTerminal, X } from 'lucide-react';
import { lazy, type ReactNode, Suspense } from 'react';
import { useTranslation } from 'react-i18next';
import type { TerminalInfo } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { showTerminalInDock } from '../../lib/screen.ts';
import { IconButton } from '../../ui/Button.tsx';
import './terminal.css';

const TerminalView = lazy(() => import('./TerminalView.tsx'));

interface TerminalTabsProps {
  terminals: TerminalInfo[];
  shown: TerminalInfo;
  onChoose: (id: string) => void;
  /** What opens more of them. */
  children: ReactNode;
}

/** Several terminals of one thing, one of them on the screen. */
export function TerminalTabs({ terminals, shown, onChoose, children }: TerminalTabsProps) {
  const { t } = useTranslation();
  return (
    <div className="terminals">
      <div className="subtabs" role="tablist" aria-label={t('terminal.tabs')}>
        {terminals.map((terminal, i) => (
          <span key={terminal.id} className={`subtab ${terminal.id === shown.id ? 'active' : ''}`}>
            <button type="button" role="tab" aria-selected={terminal.id === shown.id} onClick={() => onChoose(terminal.id)}>
              {terminal.mode === 'attach' ? <Link2 size={13} aria-hidden /> : <SquareTerminal size={13} aria-hidden />}
              {terminal.title || t('terminal.shell')} {terminals.length > 1 && <span className="dim num">{i + 1}</span>}
            </button>
            <IconButton small icon={X} name={t('terminal.close')} onClick={() => void gantry().terminals.close(terminal.id)} />
          </span>
        ))}
        {children}
        <span className="grow" />
        <IconButton small icon={PanelBottomOpen} name={t('dock.open')} onClick={() => showTerminalInDock(shown.id)} />
      </div>
      <Suspense>
        <TerminalView key={shown.id} id={shown.id} />
      </Suspense>
    </div>
  );
}
