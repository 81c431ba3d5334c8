import { Box, HardDrive, SearchX, Trash2, Undo2 } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explain } from '../../lib/explain.ts';
import { matches, parseFilter } from '../../lib/filter.ts';
import { formatAgo, formatExact, formatSize, formatSpan, parseTime } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { setFilter, useScreen } from '../../lib/screen.ts';
import { useSettings } from '../../lib/settings.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { FilterField } from '../../ui/FilterField.tsx';
import { MenuAt, type MenuEntry } from '../../ui/Menu.tsx';
import { Page } from '../../ui/Page.tsx';
import { EmptyState, ErrorPanel, Skeleton } from '../../ui/Panels.tsx';
import { type Column, type Sort, Table, type TableHandle, type TableItem } from '../../ui/Table.tsx';
import { HostCell } from '../hosts/index.ts';
import { deleteForGood, empty, restore, useBusy } from './actions.ts';
import './bin.css';
import { RestoreDialog } from './RestoreDialog.tsx';
import { sortBin } from './row.ts';
import { type BinRow, useBin, useBinHosts } from './useBin.ts';

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
  const { t } = useTranslation();
  const time = parseTime(at);
  return (
    <span className="dim truncate" data-tip={time > 0 ? formatExact(time) : undefined}>
      {time > 0 ? formatSpan(Math.max(0, time - now)) : t('bin.stays')}
    </span>
  );
}

/** Removed containers and volumes that can come back. */
export function BinPage() {
  const { t, i18n } = useTranslation();
  const shown = useShownHosts();
  const hosts = useBinHosts(shown);
  const { rows, failed, loaded } = useBin(hosts);
  const filterText = useScreen((s) => s.filters.bin ?? '');
  const { density } = useSettings();
  const busy = useBusy((s) => s.busy);
  const [sort, setSort] = useState<Sort>({ column: 'removed', down: false });
  const [selected, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [menu, setMenu] = useState<{ key: string; at: { x: number; y: number } } | null>(null);
  const [renaming, setRenaming] = useState<BinRow | null>(null);
  const table = useRef<TableHandle>(null);
  const many = hosts.length > 1;

  const items = useMemo(() => {
    const filter = parseFilter(filterText, ['host', 'name']);
    const hits = rows.filter(({ host, entry }) =>
      matches(filter, `${entry.Name} ${entry.Image ?? ''}`, { host: [host.name], name: [entry.Name] }),
    );
    return sortBin(hits, sort.column, sort.down).map(
      (row): TableItem<BinRow> => ({
        kind: 'row',
        key: row.key,
        row,
        stripe: many ? `var(--host-${row.host.colour})` : undefined,
        stale: row.host.state.status !== 'connected',
      }),
    );
  }, [rows, filterText, sort, many]);
  const byKey = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows]);
  const selection = useMemo(() => new Set([...selected].filter((key) => byKey.has(key))), [selected, byKey]);
  const pick = (keys: Iterable<string>) => [...keys].flatMap((key) => byKey.get(key) ?? []);
  const putBack = async (some: BinRow[]) => {
    for (const row of some) if ((await restore(row)) === 'taken') setRenaming(row);
  };

  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language; putBack holds nothing
  const columns = useMemo(
    (): Column<BinRow>[] => [
      {
        id: 'name',
        title: t('column.name'),
        width: 'minmax(150px, 2fr)',
        sortable: true,
        cell: ({ entry }) => {
          const Icon = entry.Kind === 'container' ? Box : HardDrive;
          return (
            <span className="bin-name">
              <Icon size={14} aria-label={t(`bin.kind.${entry.Kind}`)} />
              <span className="truncate" title={entry.Name}>
                {entry.Name}
              </span>
            </span>
          );
        },
      },
      {
        id: 'image',
        title: t('column.image'),
        width: 'minmax(100px, 1.4fr)',
        from: 640,
        cell: ({ entry }) => <span className="dim truncate">{entry.Image ?? ''}</span>,
      },
      ...(many
        ? [
            {
              id: 'host',
              title: t('column.host'),
              width: 'minmax(70px, 0.7fr)',
              sortable: true,
              from: 820,
              cell: ({ host }: BinRow) => <HostCell host={host} page="bin" />,
            },
          ]
        : []),
      {
        id: 'removed',
        title: t('bin.removed'),
        width: '120px',
        sortable: true,
        from: 480,
        cell: ({ entry }) => <Removed at={entry.RemovedAt} />,
      },
      { id: 'expires', title: t('bin.keptFor'), width: '110px', from: 720, cell: ({ entry }) => <Expires at={entry.ExpiresAt} /> },
      { id: 'size', title: t('column.size'), width: '84px', sortable: true, align: 'end', cell: ({ entry }) => formatSize(entry.Bytes) },
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
              name={`${t('bin.restore')} ${row.entry.Name}`}
              keys="Enter"
              disabled={busy.has(row.key)}
              data-testid="bin-row-restore"
              onClick={() => void putBack([row])}
            />
            <IconButton
              tabIndex={-1}
              tone="danger"
              icon={Trash2}
              name={`${t('bin.deleteForGood')} ${row.entry.Name}`}
              keys="Del"
              disabled={busy.has(row.key)}
              data-testid="bin-row-delete"
              onClick={() => void deleteForGood([row])}
            />
          </div>
        ),
      },
    ],
    [many, busy, i18n.language],
  );
  const menuOf = (row: BinRow): MenuEntry[] => [
    { id: 'restore', label: t('bin.restore'), icon: Undo2, keys: 'Enter', run: () => void putBack([row]) },
    { id: 's1', separator: true },
    { id: 'delete', label: `${t('bin.deleteForGood')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void deleteForGood([row]) },
  ];
  const bytes = rows.reduce((sum, { entry }) => sum + entry.Bytes, 0);
  const room = hosts.reduce((sum, { settings }) => sum + settings.MaxBytes, 0);
  const menuRow = menu ? byKey.get(menu.key) : undefined;
  const chosen = pick(selection);

  return (
    <Page
      title={t('page.bin')}
      summary={rows.length > 0 ? t('bin.summary', { count: rows.length, size: formatSize(bytes), room: formatSize(room) }) : ''}
      filter={
        <FilterField
          value={filterText}
          onChange={(text) => setFilter('bin', text)}
          placeholder={t('bin.filter')}
          onLeave={() => table.current?.focus()}
        />
      }
      action={
        rows.length > 0 && (
          <Button icon={Trash2} data-testid="bin-empty" onClick={() => void empty(hosts, rows)}>
            {t('bin.empty')}…
          </Button>
        )
      }
      detailName="bin"
    >
      {failed.map(({ host, error, retry }) => (
        <ErrorPanel key={host.id} title={t('bin.listFailed', { host: host.name })} {...explain(error)}>
          <Button onClick={retry}>{t('action.retry')}</Button>
        </ErrorPanel>
      ))}
      {items.length > 0 ? (
        <Table
          ref={table}
          label={t('page.bin')}
          items={items}
          columns={columns}
          sort={sort}
          onSort={setSort}
          selection={selection}
          onSelection={setSelection}
          rowHeight={density === 'dense' ? 28 : 36}
          onOpen={(row) => void putBack([row])}
          onMenu={(key, at) => setMenu({ key, at })}
          onKey={(event, keys) => {
            if (event.key !== 'Delete' && event.key !== 'Backspace') return;
            void deleteForGood(pick(keys));
            event.preventDefault();
          }}
        />
      ) : !loaded ? (
        failed.length === 0 && <Skeleton label={t('loading')} />
      ) : rows.length > 0 ? (
        <EmptyState icon={SearchX} title={t('bin.noMatch')}>
          <Button onClick={() => setFilter('bin', '')}>{t('filter.clear')}</Button>
        </EmptyState>
      ) : (
        failed.length === 0 && <EmptyState icon={Trash2} title={t('bin.none')} text={t('bin.noneText')} />
      )}
      {chosen.length > 0 && (
        <div className="bulk" role="toolbar" aria-label={t('bulk.label')}>
          <span className="num bulk-count">{t('bulk.selected', { count: chosen.length })}</span>
          <Button tone="ghost" icon={Undo2} onClick={() => void putBack(chosen)}>
            {t('bin.restore')}
          </Button>
          <Button tone="ghost" icon={Trash2} className="bulk-delete" onClick={() => void deleteForGood(chosen)}>
            {t('bin.deleteForGood')}
          </Button>
        </div>
      )}
      <MenuAt
        at={menu && menuRow ? menu.at : null}
        label={menuRow?.entry.Name ?? ''}
        entries={menuRow ? menuOf(menuRow) : []}
        onClose={() => {
          setMenu(null);
          table.current?.focus();
        }}
      />
      {renaming && <RestoreDialog row={renaming} onClose={() => setRenaming(null)} />}
    </Page>
  );
}
