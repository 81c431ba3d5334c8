import { formatExact, formatSpan } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import type { Column } from '../../ui/Table.tsx';
import { hostColumn } from '../hosts/index.ts';
import { PortChips } from './PortChips.tsx';
import { RowActions } from './RowActions.tsx';
import type { ContainerRow } from './row.ts';
import { StateCell } from './StateCell.tsx';

function Since({ row }: { row: ContainerRow }) {
  const now = useNow();
  const { since } = row.state;
  const title = `${row.status}\n${tr('column.createdAt', { time: formatExact(row.created) })}`;
  return (
    <span className="dim truncate" data-tip={title}>
      {row.running && since !== undefined
        ? formatSpan(Math.max(0, now - since))
        : tr('time.ago', { span: formatSpan(Math.max(0, now - (since ?? row.created))) })}
    </span>
  );
}

/** @param manyHosts whether the list mixes hosts; then each row names its own */
export function containerColumns(manyHosts: boolean, onMenu: (key: string, at: { x: number; y: number }) => void): Column<ContainerRow>[] {
  return [
    { id: 'state', title: tr('column.state'), width: '128px', sortable: true, cell: (row) => <StateCell id={row.key} state={row.state} /> },
    {
      id: 'name',
      title: tr('column.name'),
      width: 'minmax(120px, 2fr)',
      sortable: true,
      cell: (row) => (
        <span className="truncate container-name" title={row.name}>
          <bdi>{row.name}</bdi>
        </span>
      ),
    },
    ...(manyHosts ? [hostColumn<ContainerRow>('containers')] : []),
    {
      id: 'image',
      title: tr('column.image'),
      width: 'minmax(100px, 1.8fr)',
      sortable: true,
      from: 700,
      cell: (row) => (
        <span className="mono dim truncate" title={row.image}>
          {row.image}
        </span>
      ),
    },
    {
      id: 'ports',
      title: tr('column.ports'),
      width: 'minmax(124px, 1.2fr)',
      sortable: true,
      from: 560,
      cell: (row) => <PortChips row={row} ports={row.ports} room={14} />,
    },
    { id: 'since', title: tr('column.since'), width: '96px', sortable: true, from: 780, cell: (row) => <Since row={row} /> },
    { id: 'actions', title: '', width: '168px', from: 430, cell: (row) => <RowActions row={row} onMenu={onMenu} /> },
  ];
}
