import { ArrowRightLeft, Box, Clipboard, CopyPlus, Terminal, Trash2 } from 'lucide-react';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import { navigate } from '../../lib/route.ts';
import type { MenuEntry } from '../../ui/Menu.tsx';
import { openTransfer } from '../transfer/index.ts';
import { removeVolumes, showUsers } from './remove.ts';
import type { VolumeRow } from './row.ts';

/** As what it goes to another host. */
export const volumeSource = ({ host, name, title }: VolumeRow): TransferSource => ({
  kind: 'volume',
  hostId: host.id,
  id: name,
  name: title,
});

export function openVolume(host: string, name: string, replace = false): void {
  navigate({ page: 'volumes', detail: { host, id: name } }, { replace });
}

/** What ⋮ and the right click offer: the same items in the same order. */
export function volumeMenu(row: VolumeRow): MenuEntry[] {
  const copy = (text: string) => void gantry().shell.copy(text);
  const { Mountpoint: place } = row.volume;
  return [
    { id: 'users', label: tr('volumes.showUsers'), icon: Box, disabled: row.users.length === 0, run: () => showUsers(row) },
    { id: 'copy-to', label: tr('action.copyTo'), icon: CopyPlus, run: () => openTransfer([volumeSource(row)]) },
    { id: 'move-to', label: tr('action.moveTo'), icon: ArrowRightLeft, run: () => openTransfer([volumeSource(row)], true) },
    { id: 's1', separator: true },
    {
      id: 'copy',
      label: tr('action.copyAs'),
      icon: Clipboard,
      entries: [
        { id: 'copy-name', label: tr('copy.name'), run: () => copy(row.name) },
        { id: 'copy-place', label: tr('copy.place'), disabled: place === '', run: () => copy(place) },
        { id: 's2', separator: true as const },
        ...[`docker volume inspect ${row.name}`, `docker run --rm -it -v ${row.name}:/data IMAGE`, `docker volume rm ${row.name}`].map(
          (command, i) => ({ id: `copy-command-${i}`, label: command, icon: Terminal, run: () => copy(command) }),
        ),
      ],
    },
    { id: 's3', separator: true },
    { id: 'delete', label: `${tr('action.delete')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void removeVolumes([row]) },
  ];
}
