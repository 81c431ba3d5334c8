import { Play, RotateCw, ScrollText, SquareTerminal, Trash2 } from 'lucide-react';
import { useTranslation } from 'react-i18next';
import { IconButton } from '../../ui/Button.tsx';
import { StopIcon } from '../../ui/StopIcon.ts';
import { RowButtons } from '../list/index.ts';
import { act, usePending } from './actions.ts';
import { openContainer, openShell } from './menu.ts';
import { removeContainers } from './remove.ts';
import type { ContainerRow } from './row.ts';

/** The same action always at the same place; delete apart from the others. */
export function RowActions({ row, onMenu }: { row: ContainerRow; onMenu: (key: string, at: { x: number; y: number }) => void }) {
  const { t } = useTranslation();
  const busy = usePending((s) => s.pending.has(row.key));
  return (
    <RowButtons name={row.name} onMenu={(at) => onMenu(row.key, at)}>
      <IconButton
        tabIndex={-1}
        disabled={busy}
        icon={row.running ? StopIcon : Play}
        name={`${t(row.running ? 'action.stop' : 'action.start')} ${row.name}`}
        keys="S"
        data-testid={row.running ? 'row-stop' : 'row-start'}
        onClick={() => void act(row.running ? 'stop' : 'start', [row])}
      />
      <IconButton
        tabIndex={-1}
        disabled={busy}
        icon={RotateCw}
        name={`${t('action.restart')} ${row.name}`}
        keys="R"
        data-testid="row-restart"
        onClick={() => void act('restart', [row])}
      />
      <IconButton
        tabIndex={-1}
        icon={ScrollText}
        name={`${t('action.logs')} ${row.name}`}
        keys="L"
        data-testid="row-logs"
        onClick={() => openContainer(row, 'logs')}
      />
      <IconButton
        tabIndex={-1}
        icon={SquareTerminal}
        name={`${t('action.shell')} ${row.name}`}
        keys="T"
        data-testid="row-shell"
        onClick={() => void openShell(row)}
      />
      <IconButton
        tabIndex={-1}
        disabled={busy}
        tone="danger"
        icon={Trash2}
        name={`${t('action.delete')} ${row.name}`}
        keys="Del"
        data-testid="row-delete"
        onClick={() => void removeContainers([row])}
      />
    </RowButtons>
  );
}
