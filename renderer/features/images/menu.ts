import { ArrowRightLeft, Clipboard, CopyPlus, Download, Play, Tag, Trash2 } from 'lucide-react';
import type { TransferSource } from '../../../electron/ipc/contract.ts';
import { gantry } from '../../lib/bridge.ts';
import { tr } from '../../lib/i18n.ts';
import { openDialog } from '../../lib/screen.ts';
import type { MenuEntry } from '../../ui/Menu.tsx';
import { openTransfer } from '../transfer/index.ts';
import { removeImages } from './actions.ts';
import type { ImageRow } from './row.ts';

/** As what it goes to another host. */
export const imageSource = (row: ImageRow): TransferSource => ({
  kind: 'image',
  hostId: row.host.id,
  id: row.dangling ? row.id : row.reference,
  name: row.reference,
});

/** What ⋮ and the right click offer: the same items in the same order. */
export function imageMenu(row: ImageRow, tag: (row: ImageRow) => void): MenuEntry[] {
  return [
    {
      id: 'run',
      label: `${tr('action.run')}…`,
      icon: Play,
      keys: 'R',
      run: () => openDialog({ type: 'run', host: row.host.id, image: row.reference }),
    },
    {
      id: 'pull',
      label: tr('images.pullAgain'),
      icon: Download,
      disabled: row.dangling,
      run: () => openDialog({ type: 'pull', host: row.host.id, reference: row.reference }),
    },
    { id: 'tag', label: `${tr('action.tag')}…`, icon: Tag, run: () => tag(row) },
    {
      id: 'copy-to',
      label: tr('action.copyTo'),
      icon: CopyPlus,
      run: () => openTransfer([imageSource(row)]),
    },
    { id: 'move-to', label: tr('action.moveTo'), icon: ArrowRightLeft, run: () => openTransfer([imageSource(row)], true) },
    { id: 's1', separator: true },
    { id: 'copy-name', label: tr('copy.reference'), icon: Clipboard, run: () => void gantry().shell.copy(row.reference) },
    { id: 'copy-id', label: tr('copy.id'), icon: Clipboard, run: () => void gantry().shell.copy(row.id) },
    {
      id: 'copy-command',
      label: `docker run -d ${row.reference}`,
      icon: Clipboard,
      run: () => void gantry().shell.copy(`docker run -d ${row.reference}`),
    },
    { id: 's2', separator: true },
    { id: 'delete', label: `${tr('action.delete')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void removeImages([row]) },
  ];
}
