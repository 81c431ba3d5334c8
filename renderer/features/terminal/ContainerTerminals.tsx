import { Link2, Plus, SquareTerminal } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import { Button, IconButton } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { TerminalTabs } from './TerminalTabs.tsx';
import { openTerminal, useTerminals } from './terminals.ts';

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
    <TerminalTabs terminals={terminals} shown={shown} onChoose={setChosen}>
      {running && <IconButton small icon={Plus} name={t('terminal.new')} data-testid="terminal-new" onClick={() => void open('exec')} />}
      {running && <IconButton small icon={Link2} name={t('terminal.attach')} onClick={() => void open('attach')} />}
    </TerminalTabs>
  );
}
