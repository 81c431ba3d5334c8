import { Box, Cable, Clipboard, Terminal, Trash2 } from 'lucide-react';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import { navigate } from '../../lib/route.ts';
import { openDialog } from '../../lib/screen.ts';
import type { MenuEntry } from '../../ui/Menu.tsx';
import { removeNetworks, showUsers } from './remove.ts';
import { type NetworkRow, takesContainers } from './row.ts';

export function openNetwork(host: string, id: string, replace = false): void {
  navigate({ page: 'networks', detail: { host, id } }, { replace });
}

export const openConnect = ({ host, id }: NetworkRow): void => openDialog({ type: 'connect-network', host: host.id, network: id });

export const mayConnect = (row: NetworkRow): boolean =>
  takesContainers(row) && row.host.readOnly !== true && row.host.state.status === 'connected';

/** What ⋮ and the right click offer: the same items in the same order. */
export function networkMenu(row: NetworkRow): MenuEntry[] {
  const copy = (text: string) => void gantry().shell.copy(text);
  const subnets = row.subnets.join('\n');
  return [
    { id: 'users', label: tr('networks.showUsers'), icon: Box, disabled: row.users.length === 0, run: () => showUsers(row) },
    { id: 'connect', label: tr('networks.connect'), icon: Cable, disabled: !mayConnect(row), run: () => openConnect(row) },
    { id: 's1', separator: true },
    {
      id: 'copy',
      label: tr('action.copyAs'),
      icon: Clipboard,
      entries: [
        { id: 'copy-name', label: tr('copy.name'), run: () => copy(row.name) },
        { id: 'copy-id', label: tr('copy.id'), run: () => copy(row.id) },
        { id: 'copy-subnet', label: tr('copy.subnet'), disabled: subnets === '', run: () => copy(subnets) },
        { id: 's2', separator: true as const },
        ...[
          `docker network inspect ${row.name}`,
          `docker run --rm -it --network ${row.name} IMAGE`,
          `docker network connect ${row.name} CONTAINER`,
          `docker network rm ${row.name}`,
        ].map((command, i) => ({ id: `copy-command-${i}`, label: command, icon: Terminal, run: () => copy(command) })),
      ],
    },
    { id: 's3', separator: true },
    { id: 'delete', label: `${tr('action.delete')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void removeNetworks([row]) },
  ];
}
