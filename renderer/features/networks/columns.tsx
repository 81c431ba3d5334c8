import { Trash2 } from 'lucide-react';
import { tr } from '../../lib/i18n.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import type { Column } from '../../ui/Table.tsx';
import { openContainer } from '../containers/index.ts';
import { hostColumn } from '../hosts/index.ts';
import { Created, Labels, RowButtons, Users } from '../list/index.ts';
import { removeNetworks, showUsers, useLeaving } from './remove.ts';
import type { NetworkRow } from './row.ts';

function Name({ row }: { row: NetworkRow }) {
  const leaving = useLeaving((s) => s.leaving.has(row.key));
  return (
    <span className="row-name">
      {leaving && <Spinner size={11} />}
      <span className="truncate" title={row.name}>
        <bdi>{row.name}</bdi>
      </span>
      {row.predefined && <span className="tag">{tr('networks.predefined')}</span>}
      {row.network.Internal && <span className="tag">{tr('networks.internal')}</span>}
    </span>
  );
}

function UsersOf({ row }: { row: NetworkRow }) {
  const [first, ...rest] = row.users;
  if (!first) return <span className="dim">{row.predefined ? '–' : tr('networks.unused')}</span>;
  return (
    <Users
      users={[first, ...rest]}
      allLabel={tr('networks.showUsers')}
      testId="network-user"
      onOpen={({ id }) => openContainer({ host: row.host, id })}
      onOpenAll={() => showUsers(row)}
    />
  );
}

/** @param manyHosts whether the list mixes hosts; then each row names its own */
export function networkColumns(manyHosts: boolean, onMenu: (key: string, at: { x: number; y: number }) => void): Column<NetworkRow>[] {
  return [
    { id: 'name', title: tr('column.name'), width: 'minmax(150px, 1.6fr)', sortable: true, cell: (row) => <Name row={row} /> },
    ...(manyHosts ? [hostColumn<NetworkRow>('networks')] : []),
    {
      id: 'driver',
      title: tr('column.driver'),
      width: 'minmax(84px, 0.6fr)',
      sortable: true,
      from: 560,
      cell: (row) => <span className="dim truncate">{row.driver}</span>,
    },
    {
      id: 'scope',
      title: tr('column.scope'),
      width: '84px',
      sortable: true,
      from: 940,
      cell: (row) => <span className="dim truncate">{row.scope}</span>,
    },
    {
      id: 'subnets',
      title: tr('column.subnets'),
      width: 'minmax(130px, 1.1fr)',
      sortable: true,
      from: 660,
      cell: ({ subnets }) =>
        subnets.length === 0 ? (
          <span className="dim">–</span>
        ) : (
          <span className="mono truncate" data-tip={subnets.length > 1 ? subnets.join('\n') : undefined}>
            {subnets.join(' ')}
          </span>
        ),
    },
    {
      id: 'users',
      title: tr('page.containers'),
      width: 'minmax(110px, 1.2fr)',
      sortable: true,
      from: 440,
      cell: (row) => <UsersOf row={row} />,
    },
    {
      id: 'labels',
      title: tr('column.labels'),
      width: 'minmax(90px, 1fr)',
      from: 1160,
      cell: ({ labels }) => <Labels labels={labels} />,
    },
    { id: 'created', title: tr('column.created'), width: '110px', sortable: true, from: 840, cell: (row) => <Created at={row.created} /> },
    {
      id: 'actions',
      title: '',
      width: '76px',
      from: 430,
      cell: (row) => (
        <RowButtons name={row.name} onMenu={(at) => onMenu(row.key, at)}>
          {row.predefined ? (
            <span className="network-no-delete" />
          ) : (
            <IconButton
              tabIndex={-1}
              tone="danger"
              icon={Trash2}
              name={`${tr('action.delete')} ${row.name}`}
              keys="Del"
              data-testid="network-delete"
              onClick={() => void removeNetworks([row])}
            />
          )}
        </RowButtons>
      ),
    },
  ];
}
