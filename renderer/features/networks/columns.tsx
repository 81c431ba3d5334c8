import { EllipsisVertical, Trash2 } from 'lucide-react';
import { formatAgo, formatExact } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import type { Column } from '../../ui/Table.tsx';
import { openContainer } from '../containers/index.ts';
import { hostColumn } from '../hosts/index.ts';
import { removeNetworks, showUsers, useLeaving } from './remove.ts';
import type { NetworkRow } from './row.ts';

function Created({ at }: { at: number }) {
  const now = useNow();
  if (at <= 0) return <span className="dim">–</span>;
  return (
    <span className="dim truncate" data-tip={formatExact(at)}>
      {formatAgo(at, now)}
    </span>
  );
}

function Name({ row }: { row: NetworkRow }) {
  const leaving = useLeaving((s) => s.leaving.has(row.key));
  return (
    <span className="network-name">
      {leaving && <Spinner size={11} />}
      <span className="truncate" title={row.name}>
        <bdi>{row.name}</bdi>
      </span>
      {row.predefined && <span className="tag">{tr('networks.predefined')}</span>}
      {row.network.Internal && <span className="tag">{tr('networks.internal')}</span>}
    </span>
  );
}

/** The first container on it; a click goes there, one on the rest to the list of them all. */
function Users({ row }: { row: NetworkRow }) {
  const [first, ...rest] = row.users;
  if (!first) return <span className="dim">{row.predefined ? '–' : tr('networks.unused')}</span>;
  return (
    <span className="network-users">
      <button
        type="button"
        className="link truncate"
        tabIndex={-1}
        data-testid="network-user"
        data-tip={tr('volumes.openUser', { name: first.name })}
        onClick={(event) => {
          event.stopPropagation();
          openContainer({ host: row.host, id: first.id });
        }}
      >
        {first.name}
      </button>
      {rest.length > 0 && (
        <button
          type="button"
          className="link"
          tabIndex={-1}
          data-testid="network-users"
          data-tip={row.users.map(({ name }) => name).join('\n')}
          aria-label={`+${rest.length} ${tr('networks.showUsers')}`}
          onClick={(event) => {
            event.stopPropagation();
            showUsers(row);
          }}
        >
          +{rest.length}
        </button>
      )}
    </span>
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
      cell: (row) => <Users row={row} />,
    },
    {
      id: 'labels',
      title: tr('column.labels'),
      width: 'minmax(90px, 1fr)',
      from: 1160,
      cell: ({ labels }) => (
        <span className="mono dim truncate" data-tip={labels.length > 0 ? labels.join('\n') : undefined}>
          {labels.join(' ')}
        </span>
      ),
    },
    { id: 'created', title: tr('column.created'), width: '110px', sortable: true, from: 840, cell: (row) => <Created at={row.created} /> },
    {
      id: 'actions',
      title: '',
      width: '76px',
      from: 430,
      cell: (row) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from opening the row
        // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
        <div className="row-actions" onClick={(event) => event.stopPropagation()}>
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
          <IconButton
            tabIndex={-1}
            icon={EllipsisVertical}
            name={`${tr('action.more')} ${row.name}`}
            data-testid="row-menu"
            onClick={(event) => {
              const box = event.currentTarget.getBoundingClientRect();
              onMenu(row.key, { x: box.left, y: box.bottom });
            }}
          />
        </div>
      ),
    },
  ];
}
