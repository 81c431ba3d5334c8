import {
  ArrowRightLeft,
  Cable,
  Clipboard,
  Code,
  CopyPlus,
  Pause,
  Pencil,
  Play,
  RotateCw,
  ScrollText,
  SquareTerminal,
  Terminal,
  Trash2,
  Zap,
} from 'lucide-react';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import { navigate } from '../../lib/route.ts';
import { showLogsInDock } from '../../lib/screen.ts';
import { hasTunnels, reachOf } from '../../lib/tcp-host.ts';
import { toast } from '../../lib/toast.ts';
import type { MenuEntry } from '../../ui/Menu.tsx';
import { StopIcon } from '../../ui/StopIcon.ts';
import { openTerminal } from '../terminal/index.ts';
import { openTransfer } from '../transfer/index.ts';
import { openTunnel } from '../tunnels/index.ts';
import { act } from './actions.ts';
import { removeContainers } from './remove.ts';
import type { ContainerRow } from './row.ts';

export function openContainer(row: Pick<ContainerRow, 'host' | 'id'>, tab?: string, replace = false): void {
  navigate({ page: 'containers', detail: { host: row.host.id, id: row.id.slice(0, 12), ...(tab ? { tab } : {}) } }, { replace });
}

/** Shows a shell in a container: the one that is open, else a new one. */
export async function openShell(row: Pick<ContainerRow, 'host' | 'id' | 'name' | 'running'>, replace = false): Promise<void> {
  openContainer(row, 'terminal', replace);
  if (!row.running) return;
  const terminals = await gantry().terminals.list();
  const open = terminals.some((t) => t.hostId === row.host.id && t.containerId === row.id && t.state.status !== 'ended');
  if (!open) await openTerminal({ host: row.host.id, id: row.id, name: row.name }, 'exec');
}

function copy(text: string): void {
  void gantry().shell.copy(text);
  toast({ tone: 'success', title: tr('copied.text', { text: text.length > 60 ? `${text.slice(0, 60)}…` : text }) });
}

/** The `docker` lines of what can be done with a container. */
export function commandsOf(row: Pick<ContainerRow, 'name' | 'running'>): string[] {
  return [
    `docker logs -f ${row.name}`,
    `docker exec -it ${row.name} sh`,
    `docker ${row.running ? 'stop' : 'start'} ${row.name}`,
    `docker inspect ${row.name}`,
    `docker rm -f ${row.name}`,
  ];
}

/** As what it goes to another host. */
export const containerSource = (row: ContainerRow): TransferSource => ({
  kind: 'container',
  hostId: row.host.id,
  id: row.id,
  name: row.name,
});

/** What ⋮ and the right click offer: the same items in the same order. */
export function containerMenu(row: ContainerRow, rename: (row: ContainerRow) => void): MenuEntry[] {
  return [
    row.running
      ? { id: 'stop', label: tr('action.stop'), icon: StopIcon, keys: 'S', run: () => void act('stop', [row]) }
      : { id: 'start', label: tr('action.start'), icon: Play, keys: 'S', run: () => void act('start', [row]) },
    { id: 'restart', label: tr('action.restart'), icon: RotateCw, keys: 'R', run: () => void act('restart', [row]) },
    row.paused
      ? { id: 'unpause', label: tr('action.unpause'), icon: Play, run: () => void act('unpause', [row]) }
      : { id: 'pause', label: tr('action.pause'), icon: Pause, disabled: !row.running, run: () => void act('pause', [row]) },
    { id: 'kill', label: tr('action.kill'), icon: Zap, disabled: !row.running, run: () => void act('kill', [row]) },
    { id: 's1', separator: true },
    { id: 'logs', label: tr('action.logs'), icon: ScrollText, keys: 'L', run: () => openContainer(row, 'logs') },
    { id: 'shell', label: tr('action.shell'), icon: SquareTerminal, keys: 'T', run: () => void openShell(row) },
    { id: 'inspect', label: tr('action.inspect'), icon: Code, run: () => openContainer(row, 'inspect') },
    {
      id: 'dock',
      label: tr('action.logsInDock'),
      icon: ScrollText,
      run: () => showLogsInDock({ host: row.host.id, id: row.id, name: row.name }),
    },
    {
      id: 'ports',
      label: tr('action.ports'),
      icon: Cable,
      entries: [
        ...row.ports
          .filter(({ type }) => type === 'tcp' && row.running && hasTunnels(row.host))
          .map((port) => ({
            id: `tunnel-${port.private}`,
            label: tr('port.tunnel', { port: port.private }),
            run: () => void openTunnel({ host: row.host.id, id: row.id, name: row.name }, port.private),
          })),
        { id: 'tunnel-other', label: tr('action.portOther'), run: () => openContainer(row, 'ports') },
      ],
    },
    { id: 's2', separator: true },
    {
      id: 'copy-to',
      label: tr('action.copyTo'),
      icon: CopyPlus,
      run: () => openTransfer([containerSource(row)]),
    },
    {
      id: 'move-to',
      label: tr('action.moveTo'),
      icon: ArrowRightLeft,
      run: () => openTransfer([containerSource(row)], true),
    },
    { id: 'rename', label: tr('action.rename'), icon: Pencil, run: () => rename(row) },
    {
      id: 'copy',
      label: tr('action.copyAs'),
      icon: Clipboard,
      entries: [
        { id: 'copy-name', label: tr('copy.name'), run: () => copy(row.name) },
        { id: 'copy-id', label: tr('copy.id'), run: () => copy(row.id) },
        { id: 'copy-image', label: tr('copy.image'), run: () => copy(row.image) },
        ...row.ports.flatMap((p) => {
          const at = p.public && p.type === 'tcp' ? reachOf(row.host, p.ip) : undefined;
          const url = `http://${at}:${p.public}`;
          return at === undefined ? [] : [{ id: `copy-url-${p.public}`, label: url, run: () => copy(url) }];
        }),
        { id: 's3', separator: true as const },
        ...commandsOf(row).map((command, i) => ({ id: `copy-command-${i}`, label: command, icon: Terminal, run: () => copy(command) })),
      ],
    },
    { id: 's4', separator: true },
    { id: 'delete', label: `${tr('action.delete')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void removeContainers([row]) },
  ];
}
