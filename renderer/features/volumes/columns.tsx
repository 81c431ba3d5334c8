import { Trash2 } from 'lucide-react';
import { formatSize } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import type { Column } from '../../ui/Table.tsx';
import { openContainer } from '../containers/index.ts';
import { hostColumn } from '../hosts/index.ts';
import { Created, Labels, RowButtons, Users } from '../list/index.ts';
import { removeVolumes, showUsers, useLeaving } from './remove.ts';
import type { VolumeRow } from './row.ts';

function Name({ row }: { row: VolumeRow }) {
  const leaving = useLeaving((s) => s.leaving.has(row.key));
  return (
    <span className="row-name">
      {leaving && <Spinner size={11} />}
      <span className={`truncate ${row.anonymous ? 'mono' : ''}`} title={row.name}>
        <bdi>{row.title}</bdi>
      </span>
      {row.anonymous && <span className="tag">{tr('volumes.anonymous')}</span>}
    </span>
  );
}

function UsersOf({ row }: { row: VolumeRow }) {
  const [first, ...rest] = row.users;
  if (!first) return <span className="dim">{tr('volumes.unused')}</span>;
  return (
    <Users
      users={[first, ...rest]}
      allLabel={tr('volumes.showUsers')}
      testId="volume-user"
      onOpen={({ id }) => openContainer({ host: row.host, id })}
      onOpenAll={() => showUsers(row)}
    />
  );
}

/** @param manyHosts whether the list mixes hosts; then each row names its own */
export function volumeColumns(
  manyHosts: boolean,
  measuring: boolean,
  onMenu: (key: string, at: { x: number; y: number }) => void,
): Column<VolumeRow>[] {
  const size = (row: VolumeRow) => {
    if (row.size !== undefined) return formatSize(row.size);
    return (
      <span className="dim" data-tip={measuring ? undefined : tr('volumes.notMeasured')}>
        {measuring ? '…' : '–'}
      </span>
    );
  };
  return [
    { id: 'name', title: tr('column.name'), width: 'minmax(150px, 2.2fr)', sortable: true, cell: (row) => <Name row={row} /> },
    ...(manyHosts ? [hostColumn<VolumeRow>('volumes')] : []),
    {
      id: 'driver',
      title: tr('column.driver'),
      width: 'minmax(108px, 0.8fr)',
      sortable: true,
      from: 680,
      cell: (row) => (
        <span className="dim truncate">
          {row.driver}
          {row.kind !== 'plain' && row.driver === 'local' && ` · ${tr(`volumeKind.${row.kind}`)}`}
        </span>
      ),
    },
    {
      id: 'users',
      title: tr('column.usedBy'),
      width: 'minmax(110px, 1.4fr)',
      sortable: true,
      from: 520,
      cell: (row) => <UsersOf row={row} />,
    },
    {
      id: 'labels',
      title: tr('column.labels'),
      width: 'minmax(90px, 1fr)',
      from: 1060,
      cell: ({ labels }) => <Labels labels={labels} />,
    },
    { id: 'created', title: tr('column.created'), width: '110px', sortable: true, from: 800, cell: (row) => <Created at={row.created} /> },
    { id: 'size', title: tr('column.size'), width: '84px', sortable: true, align: 'end', cell: size },
    {
      id: 'actions',
      title: '',
      width: '76px',
      from: 430,
      cell: (row) => (
        <RowButtons name={row.title} onMenu={(at) => onMenu(row.key, at)}>
          <IconButton
            tabIndex={-1}
            tone="danger"
            icon={Trash2}
            name={`${tr('action.delete')} ${row.title}`}
            keys="Del"
            data-testid="volume-delete"
            onClick={() => void removeVolumes([row])}
          />
        </RowButtons>
      ),
    },
  ];
}
