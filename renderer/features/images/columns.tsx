import { Play, Trash2 } from 'lucide-react';
import { formatAgo, formatExact, formatSize, shortId } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import { openDialog } from '../../lib/screen.ts';
import { IconButton } from '../../ui/Button.tsx';
import type { Column } from '../../ui/Table.tsx';
import { hostColumn } from '../hosts/index.ts';
import { RowButtons } from '../list/index.ts';
import { removeImages } from './actions.ts';
import type { ImageRow } from './row.ts';

function Created({ at }: { at: number }) {
  const now = useNow();
  return (
    <span className="dim truncate" data-tip={formatExact(at)}>
      {formatAgo(at, now)}
    </span>
  );
}

/** @param manyHosts whether the list mixes hosts; then each row names its own */
export function imageColumns(manyHosts: boolean, onMenu: (key: string, at: { x: number; y: number }) => void): Column<ImageRow>[] {
  return [
    {
      id: 'name',
      title: tr('column.name'),
      width: 'minmax(140px, 2.4fr)',
      sortable: true,
      cell: (row) => (
        <span className="truncate image-name" title={row.reference}>
          {row.repository || <span className="dim">{tr('images.none')}</span>}
        </span>
      ),
    },
    {
      id: 'tag',
      title: tr('column.tag'),
      width: 'minmax(70px, 1fr)',
      cell: (row) =>
        row.dangling ? <span className="tag">{tr('images.dangling')}</span> : <span className="mono truncate">{row.tag}</span>,
    },
    ...(manyHosts ? [hostColumn<ImageRow>('images')] : []),
    { id: 'id', title: 'ID', width: '116px', from: 800, cell: (row) => <span className="mono dim">{shortId(row.id)}</span> },
    { id: 'created', title: tr('column.created'), width: '110px', sortable: true, from: 720, cell: (row) => <Created at={row.created} /> },
    {
      id: 'users',
      title: tr('column.inUse'),
      width: '110px',
      sortable: true,
      from: 560,
      cell: (row) =>
        row.users.length > 0 ? (
          <span className="tag" data-tip={row.users.join(', ')}>
            {tr('images.usedBy', { count: row.users.length })}
          </span>
        ) : (
          <span className="dim">{tr('images.unused')}</span>
        ),
    },
    { id: 'size', title: tr('column.size'), width: '84px', sortable: true, align: 'end', cell: (row) => formatSize(row.size) },
    {
      id: 'actions',
      title: '',
      width: '104px',
      from: 430,
      cell: (row) => (
        <RowButtons name={row.reference} onMenu={(at) => onMenu(row.key, at)}>
          <IconButton
            tabIndex={-1}
            icon={Play}
            name={`${tr('action.run')} ${row.reference}`}
            keys="R"
            data-testid="image-run"
            onClick={() => openDialog({ type: 'run', host: row.host.id, image: row.reference })}
          />
          <IconButton
            tabIndex={-1}
            tone="danger"
            icon={Trash2}
            name={`${tr('action.delete')} ${row.reference}`}
            keys="Del"
            data-testid="image-delete"
            onClick={() => void removeImages([row])}
          />
        </RowButtons>
      ),
    },
  ];
}
