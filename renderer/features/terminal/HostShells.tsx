import { Plus, SquareTerminal } from 'lucide-react';
import { useState } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { TerminalTabs } from './TerminalTabs.tsx';
import { openHostShell, useTerminals } from './terminals.ts';

/** Shells on a host's machine, as tabs. They need no engine: one that is down can be looked after from here. */
export function HostShells({ host }: { host: Host }) {
  const { t } = useTranslation();
  const terminals = useTerminals().filter(({ hostId, mode }) => hostId === host.id && mode === 'host');
  const [chosen, setChosen] = useState<string | null>(null);
  const shown = terminals.find(({ id }) => id === chosen) ?? terminals.at(-1);
  const open = async () => {
    const terminal = await openHostShell(host);
    if (terminal) setChosen(terminal.id);
  };
  if (!shown) {
    return (
      <EmptyState
        icon={SquareTerminal}
        title={t('terminal.none')}
        text={t(host.kind === 'ssh' ? 'terminal.onHostText' : 'terminal.onThisText', { name: host.name })}
        {...(host.address ? { command: `ssh ${host.address}` } : {})}
      >
        <Button tone="primary" icon={SquareTerminal} data-testid="host-shell-open" onClick={() => void open()}>
          {t('terminal.open')}
        </Button>
      </EmptyState>
    );
  }
  return (
    <TerminalTabs terminals={terminals} shown={shown} onChoose={setChosen}>
      <IconButton small icon={Plus} name={t('terminal.new')} data-testid="terminal-new" onClick={() => void open()} />
    </TerminalTabs>
  );
}
