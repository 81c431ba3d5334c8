import { Link2, PanelBottomOpen, Plus, SquareTerminal, X } from 'lucide-react';
import { lazy, Suspense, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import { showTerminalInDock } from '../../lib/screen.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import './terminal.css';
import { openTerminal, useTerminals } from './terminals.ts';

const TerminalView = lazy(() => import('./TerminalView.tsx'));

/** The terminals of one container, as tabs. */
export function ContainerTerminals({ host, id, name, running }: { host: string; id: string; name: string; running: boolean }) {
  const { t } = useTranslation();
  const terminals = useTerminals().filter((terminal) => terminal.hostId === host && terminal.containerId === id);
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = terminals.find((terminal) => terminal.id === chosen) ?? terminals[terminals.length - 1];
  const open = async (mode: 'exec' | 'attach') => {
    const terminal = await openTerminal({ host, id, name }, mode);
    if (terminal) setChosen(terminal.id);
  };

  if (!shown) {
    return (
      <EmptyState
        icon={SquareTerminal}
        title={t(running ? 'terminal.none' : 'terminal.stopped')}
        text={t(running ? 'terminal.noneText' : 'terminal.stoppedText')}
        command={`docker exec -it ${name} sh`}
      >
        {running && (
          <>
            <Button tone="primary" icon={SquareTerminal} data-testid="terminal-open" onClick={() => void open('exec')}>
              {t('terminal.open')}
            </Button>
            <Button icon={Link2} data-testid="terminal-attach" onClick={() => void open('attach')}>
              {t('terminal.attach')}
            </Button>
          </>
        )}
      </EmptyState>
    );
  }
  return (
    <div className="terminals">
      <div className="subtabs" role="tablist" aria-label={t('terminal.tabs')}>
        {terminals.map((terminal, i) => (
          <span key={terminal.id} className={`subtab ${terminal.id === shown.id ? 'active' : ''}`}>
            <button type="button" role="tab" aria-selected={terminal.id === shown.id} onClick={() => setChosen(terminal.id)}>
              {terminal.mode === 'attach' ? <Link2 size={13} aria-hidden /> : <SquareTerminal size={13} aria-hidden />}
              {terminal.title || t('terminal.shell')} {terminals.length > 1 && <span className="dim num">{i + 1}</span>}
            </button>
            <IconButton small icon={X} name={t('terminal.close')} onClick={() => void gantry().terminals.close(terminal.id)} />
          </span>
        ))}
        {running && <IconButton small icon={Plus} name={t('terminal.new')} data-testid="terminal-new" onClick={() => void open('exec')} />}
        {running && <IconButton small icon={Link2} name={t('terminal.attach')} onClick={() => void open('attach')} />}
        <span className="grow" />
        <IconButton small icon={PanelBottomOpen} name={t('dock.open')} onClick={() => showTerminalInDock(shown.id)} />
      </div>
      <Suspense>
        <TerminalView key={shown.id} id={shown.id} />
      </Suspense>
    </div>
  );
}
