import { EllipsisVertical, Trash2 } from 'lucide-react';
import { formatAgo, formatExact, formatSize } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import type { Column } from '../../ui/Table.tsx';
import { openContainer } from '../containers/index.ts';
import { hostColumn } from '../hosts/index.ts';
import { removeVolumes, showUsers, useLeaving } from './remove.ts';
import type { VolumeRow } from './row.ts';

function Created({ at }: { at: number }) {
  const now = useNow();
  if (at === 0) return <span className="dim">–</span>;
  return (
    <span className="dim truncate" data-tip={formatExact(at)}>
      {formatAgo(at, now)}
    </span>
  );
}

function Name({ row }: { row: VolumeRow }) {
  const leaving = useLeaving((s) => s.leaving.has(row.key));
  return (
    <span className="volume-name">
      {leaving && <Spinner size={11} />}
      <span className={`truncate ${row.anonymous ? 'mono' : ''}`} title={row.name}>
        <bdi>{row.title}</bdi>
      </span>
      {row.anonymous && <span className="tag">{tr('volumes.anonymous')}</span>}
    </span>
  );
}

/** The first container that has it; a click goes there, one on the rest to the list of them all. */
function Users({ row }: { row: VolumeRow }) {
  const [first, ...rest] = row.users;
  if (!first) return <span className="dim">{tr('volumes.unused')}</span>;
  return (
    <span className="volume-users">
      <button
        type="button"
        className="link truncate"
        tabIndex={-1}
        data-testid="volume-user"
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
          data-testid="volume-users"
          data-tip={row.users.map(({ name }) => name).join('\n')}
          aria-label={`+${rest.length} ${tr('volumes.showUsers')}`}
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
      cell: (row) => <Users row={row} />,
    },
    {
      id: 'labels',
      title: tr('column.labels'),
      width: 'minmax(90px, 1fr)',
      from: 1060,
      cell: ({ labels }) => (
        <span className="mono dim truncate" data-tip={labels.length > 0 ? labels.join('\n') : undefined}>
          {labels.join(' ')}
        </span>
      ),
    },
    { id: 'created', title: tr('column.created'), width: '110px', sortable: true, from: 800, cell: (row) => <Created at={row.created} /> },
    { id: 'size', title: tr('column.size'), width: '84px', sortable: true, align: 'end', cell: size },
    {
      id: 'actions',
      title: '',
      width: '76px',
      from: 430,
      cell: (row) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from opening the row
        // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
        <div className="row-actions" onClick={(event) => event.stopPropagation()}>
          <IconButton
            tabIndex={-1}
            tone="danger"
            icon={Trash2}
            name={`${tr('action.delete')} ${row.title}`}
            keys="Del"
            data-testid="volume-delete"
            onClick={() => void removeVolumes([row])}
          />
          <IconButton
            tabIndex={-1}
            icon={EllipsisVertical}
            name={`${tr('action.more')} ${row.title}`}
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
