import type { Host } from '../../../electron/ipc/contract.ts';
import { tr } from '../../lib/i18n.ts';
import type { Column } from '../../ui/Table.tsx';
import { HostCell } from './HostCell.tsx';

/** The column of a list over several hosts that names each row's own. It never gives way: two of one name differ by nothing else but a colour. */
export function hostColumn<Row extends { host: Host }>(page: string): Column<Row> {
  return {
    id: 'host',
    title: tr('column.host'),
    width: 'minmax(70px, 0.7fr)',
    sortable: true,
    cell: ({ host }) => <HostCell host={host} page={page} />,
  };
}
