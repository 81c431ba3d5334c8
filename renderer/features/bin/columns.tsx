import { Box, HardDrive, Trash2, Undo2 } from 'lucide-react';
import { formatAgo, formatExact, formatSize, formatSpan, parseTime } from '../../lib/format.ts';
import { tr } from '../../lib/i18n.ts';
import { useNow } from '../../lib/now.ts';
import { IconButton } from '../../ui/Button.tsx';
import type { Column } from '../../ui/Table.tsx';
import { hostColumn } from '../hosts/index.ts';
import { deleteForGood } from './actions.ts';
import type { BinRow } from './useBin.ts';

function Removed({ at }: { at: string }) {
  const now = useNow();
  const time = parseTime(at);
  return (
    <span className="dim truncate" data-tip={formatExact(time)}>
      {formatAgo(time, now)}
    </span>
  );
}

/** How long it stays. */
function Expires({ at }: { at: string }) {
  const now = useNow();
  const time = parseTime(at);
  return (
    <span className="dim truncate" data-tip={time > 0 ? formatExact(time) : undefined}>
      {time > 0 ? formatSpan(Math.max(0, time - now)) : tr('bin.stays')}
    </span>
  );
}

/** @param manyHosts whether the list mixes hosts; then each row names its own */
export function binColumns(manyHosts: boolean, busy: ReadonlySet<string>, putBack: (row: BinRow) => void): Column<BinRow>[] {
  return [
    {
      id: 'name',
      title: tr('column.name'),
      width: 'minmax(150px, 2fr)',
      sortable: true,
      cell: ({ entry }) => {
        const Icon = entry.Kind === 'container' ? Box : HardDrive;
        return (
          <span className="bin-name">
            <Icon size={14} aria-label={tr(`bin.kind.${entry.Kind}`)} />
            <span className="truncate" title={entry.Name}>
              {entry.Name}
            </span>
          </span>
        );
      },
    },
    {
      id: 'image',
      title: tr('column.image'),
      width: 'minmax(100px, 1.4fr)',
      from: 640,
      cell: ({ entry }) => <span className="dim truncate">{entry.Image ?? ''}</span>,
    },
    ...(manyHosts ? [hostColumn<BinRow>('bin')] : []),
    {
      id: 'removed',
      title: tr('bin.removed'),
      width: '120px',
      sortable: true,
      from: 480,
      cell: ({ entry }) => <Removed at={entry.RemovedAt} />,
    },
    { id: 'expires', title: tr('bin.keptFor'), width: '110px', from: 720, cell: ({ entry }) => <Expires at={entry.ExpiresAt} /> },
    { id: 'size', title: tr('column.size'), width: '84px', sortable: true, align: 'end', cell: ({ entry }) => formatSize(entry.Bytes) },
    {
      id: 'actions',
      title: '',
      width: '76px',
      cell: (row) => (
        // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from opening the row
        // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
        <div className="row-actions" onClick={(event) => event.stopPropagation()}>
          <IconButton
            tabIndex={-1}
            icon={Undo2}
            name={`${tr('bin.restore')} ${row.entry.Name}`}
            keys="Enter"
            disabled={busy.has(row.key)}
            data-testid="bin-row-restore"
            onClick={() => putBack(row)}
          />
          <IconButton
            tabIndex={-1}
            tone="danger"
            icon={Trash2}
            name={`${tr('bin.deleteForGood')} ${row.entry.Name}`}
            keys="Del"
            disabled={busy.has(row.key)}
            data-testid="bin-row-delete"
            onClick={() => void deleteForGood([row])}
          />
        </div>
      ),
    },
  ];
}
