import { useQueries } from '@tanstack/react-query';
import { Clipboard, CopyPlus, Download, EllipsisVertical, Layers, Play, SearchX, Tag, Trash2 } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import { explain } from '../../lib/explain.ts';
import { matches, parseFilter } from '../../lib/filter.ts';
import { formatAgo, formatExact, formatSize, shortId } from '../../lib/format.ts';
import { useNow } from '../../lib/now.ts';
import { containersQuery, imagesQuery, useShownHosts } from '../../lib/queries.ts';
import { navigate, useRoute } from '../../lib/route.ts';
import { openDialog, setFilter, useScreen } from '../../lib/screen.ts';
import { useSettings } from '../../lib/settings.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import { FilterField } from '../../ui/FilterField.tsx';
import { MenuAt, type MenuEntry } from '../../ui/Menu.tsx';
import { Page } from '../../ui/Page.tsx';
import { EmptyState, ErrorPanel, Skeleton } from '../../ui/Panels.tsx';
import { type Column, type Sort, Table, type TableHandle, type TableItem } from '../../ui/Table.tsx';
import { HostCell, HostTrouble } from '../hosts/index.ts';
import { openTransfer } from '../transfer/index.ts';
import { removeImages } from './actions.ts';
import { ImageDetail } from './ImageDetail.tsx';
import { type ImageRow, imageRows, sortImages } from './row.ts';
import { TagDialog } from './TagDialog.tsx';

const filterNames = ['host', 'state', 'name'];

function Created({ at }: { at: number }) {
  const now = useNow();
  return (
    <span className="dim truncate" data-tip={formatExact(at)}>
      {formatAgo(at, now)}
    </span>
  );
}

export function ImagesPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const lists = useQueries({ queries: hosts.map(imagesQuery) });
  const containers = useQueries({ queries: hosts.map(containersQuery) });
  const filterText = useScreen((s) => s.filters.images ?? '');
  const { density } = useSettings();
  const [sort, setSort] = useState<Sort>({ column: 'name', down: false });
  const [selected, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [menu, setMenu] = useState<{ key: string; at: { x: number; y: number } } | null>(null);
  const [tagging, setTagging] = useState<ImageRow | null>(null);
  const table = useRef<TableHandle>(null);
  const many = hosts.length > 1;
  const images = lists.map((l) => l.data);
  const users = containers.map((l) => l.data);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the arrays are new each time, their members are not
  const rows = useMemo(
    () => hosts.flatMap((host, i) => imageRows(host, images[i] ?? [], users[i]?.containers ?? [])),
    [...hosts, ...images, ...users],
  );
  const shown = useMemo(() => {
    const filter = parseFilter(filterText, filterNames);
    const hit = (row: ImageRow) =>
      matches(filter, `${row.reference} ${shortId(row.id)}`, {
        host: [row.host.name],
        name: [row.reference],
        state: [row.users.length > 0 ? 'used' : 'unused', ...(row.dangling ? ['dangling'] : [])],
      });
    return sortImages(rows.filter(hit), sort.column, sort.down);
  }, [rows, filterText, sort]);
  const items = useMemo(
    () =>
      shown.map(
        (row): TableItem<ImageRow> => ({
          kind: 'row',
          key: row.key,
          row,
          stripe: many ? `var(--host-${row.host.colour})` : undefined,
          stale: row.host.state.status !== 'connected',
        }),
      ),
    [shown, many],
  );

  const byKey = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows]);
  const selection = useMemo(() => new Set([...selected].filter((key) => byKey.has(key))), [selected, byKey]);
  const pick = (keys: Iterable<string>) => [...keys].flatMap((key) => byKey.get(key) ?? []);
  const open = (row: ImageRow) =>
    navigate(
      { page: 'images', detail: { host: row.host.id, id: row.dangling ? shortId(row.id) : row.reference } },
      { replace: detail !== undefined },
    );

  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(
    (): Column<ImageRow>[] => [
      {
        id: 'name',
        title: t('column.name'),
        width: 'minmax(140px, 2.4fr)',
        sortable: true,
        cell: (row) => (
          <span className="truncate image-name" title={row.reference}>
            {row.repository || <span className="dim">{t('images.none')}</span>}
          </span>
        ),
      },
      {
        id: 'tag',
        title: t('column.tag'),
        width: 'minmax(70px, 1fr)',
        cell: (row) =>
          row.dangling ? <span className="tag">{t('images.dangling')}</span> : <span className="mono truncate">{row.tag}</span>,
      },
      ...(many
        ? [
            {
              id: 'host',
              title: t('column.host'),
              width: 'minmax(70px, 0.7fr)',
              sortable: true,
              from: 760,
              cell: (row: ImageRow) => <HostCell host={row.host} page="images" />,
            },
          ]
        : []),
      { id: 'id', title: 'ID', width: '116px', from: 800, cell: (row) => <span className="mono dim">{shortId(row.id)}</span> },
      { id: 'created', title: t('column.created'), width: '110px', sortable: true, from: 720, cell: (row) => <Created at={row.created} /> },
      {
        id: 'users',
        title: t('column.inUse'),
        width: '110px',
        sortable: true,
        from: 560,
        cell: (row) =>
          row.users.length > 0 ? (
            <span className="tag" data-tip={row.users.join(', ')}>
              {t('images.usedBy', { count: row.users.length })}
            </span>
          ) : (
            <span className="dim">{t('images.unused')}</span>
          ),
      },
      { id: 'size', title: t('column.size'), width: '84px', sortable: true, align: 'end', cell: (row) => formatSize(row.size) },
      {
        id: 'actions',
        title: '',
        width: '104px',
        from: 430,
        cell: (row) => (
          // biome-ignore lint/a11y/noStaticElementInteractions: keeps clicks on buttons from opening the row
          // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
          <div className="row-actions" onClick={(event) => event.stopPropagation()}>
            <IconButton
              tabIndex={-1}
              icon={Play}
              name={`${t('action.run')} ${row.reference}`}
              keys="R"
              data-testid="image-run"
              onClick={() => openDialog({ type: 'run', host: row.host.id, image: row.reference })}
            />
            <IconButton
              tabIndex={-1}
              tone="danger"
              icon={Trash2}
              name={`${t('action.delete')} ${row.reference}`}
              keys="Del"
              data-testid="image-delete"
              onClick={() => void removeImages([row])}
            />
            <IconButton
              tabIndex={-1}
              icon={EllipsisVertical}
              name={`${t('action.more')} ${row.reference}`}
              data-testid="row-menu"
              onClick={(event) => {
                const box = event.currentTarget.getBoundingClientRect();
                setMenu({ key: row.key, at: { x: box.left, y: box.bottom } });
              }}
            />
          </div>
        ),
      },
    ],
    [many, i18n.language],
  );
  const menuOf = (row: ImageRow): MenuEntry[] => [
    {
      id: 'run',
      label: `${t('action.run')}…`,
      icon: Play,
      keys: 'R',
      run: () => openDialog({ type: 'run', host: row.host.id, image: row.reference }),
    },
    {
      id: 'pull',
      label: t('images.pullAgain'),
      icon: Download,
      disabled: row.dangling,
      run: () => openDialog({ type: 'pull', host: row.host.id, reference: row.reference }),
    },
    { id: 'tag', label: `${t('action.tag')}…`, icon: Tag, run: () => setTagging(row) },
    {
      id: 'copy-to',
      label: t('action.copyTo'),
      icon: CopyPlus,
      run: () => openTransfer({ kind: 'image', hostId: row.host.id, id: row.dangling ? row.id : row.reference, name: row.reference }),
    },
    { id: 's1', separator: true },
    { id: 'copy-name', label: t('copy.reference'), icon: Clipboard, run: () => void gantry().shell.copy(row.reference) },
    { id: 'copy-id', label: t('copy.id'), icon: Clipboard, run: () => void gantry().shell.copy(row.id) },
    {
      id: 'copy-command',
      label: `docker run -d ${row.reference}`,
      icon: Clipboard,
      run: () => void gantry().shell.copy(`docker run -d ${row.reference}`),
    },
    { id: 's2', separator: true },
    { id: 'delete', label: `${t('action.delete')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void removeImages([row]) },
  ];

  const loaded = lists.some((l) => l.data !== undefined);
  const failed = hosts.flatMap((host, i) =>
    lists[i]?.error && !lists[i]?.data ? [{ host, error: lists[i].error, retry: () => void lists[i]?.refetch() }] : [],
  );
  const unique = new Map(rows.map((row) => [`${row.host.id}/${row.id}`, row.size]));
  const menuRow = menu ? byKey.get(menu.key) : undefined;
  const current =
    detail &&
    rows.find(
      (row) => row.host.id === detail.host && (row.reference === detail.id || shortId(row.id) === detail.id || row.id === detail.id),
    );
  const chosen = pick(selection);

  return (
    <Page
      title={t('page.images')}
      summary={loaded ? t('images.summary', { count: unique.size, size: formatSize([...unique.values()].reduce((a, b) => a + b, 0)) }) : ''}
      filter={
        <FilterField
          value={filterText}
          onChange={(text) => setFilter('images', text)}
          placeholder={t('images.filter')}
          onLeave={() => table.current?.focus()}
        />
      }
      action={
        <Button tone="primary" icon={Download} data-testid="pull" onClick={() => openDialog({ type: 'pull' })}>
          {t('action.pull')}
        </Button>
      }
      detail={
        detail && <ImageDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} menu={current ? menuOf(current) : []} />
      }
      detailName="images"
    >
      {loaded || hosts.map((host) => <HostTrouble key={host.id} host={host} named />)}
      {failed.map(({ host, error, retry }) => (
        <ErrorPanel key={host.id} title={t('images.listFailed', { host: host.name })} {...explain(error)}>
          <Button onClick={retry}>{t('action.retry')}</Button>
        </ErrorPanel>
      ))}
      {items.length > 0 ? (
        <Table
          ref={table}
          label={t('page.images')}
          items={items}
          columns={columns}
          sort={sort}
          onSort={setSort}
          selection={selection}
          onSelection={setSelection}
          current={current?.key}
          rowHeight={density === 'dense' ? 28 : 36}
          onOpen={open}
          onMenu={(key, at) => setMenu({ key, at })}
          onEscape={() => detail && navigate({ page: 'images' })}
          onKey={(event, keys) => {
            const [first] = pick(keys);
            if (!first) return;
            if (event.key === 'r') openDialog({ type: 'run', host: first.host.id, image: first.reference });
            else if (event.key === 'Delete' || event.key === 'Backspace') void removeImages(pick(keys));
            else return;
            event.preventDefault();
          }}
        />
      ) : failed.length > 0 ||
        (hosts.length > 0 &&
          hosts.every((host) => host.state.status === 'failed' || host.state.status === 'reconnecting')) ? null : !loaded ? (
        <Skeleton label={t('loading')} />
      ) : rows.length > 0 ? (
        <EmptyState icon={SearchX} title={t('images.noMatch')}>
          <Button onClick={() => setFilter('images', '')}>{t('filter.clear')}</Button>
        </EmptyState>
      ) : (
        <EmptyState icon={Layers} title={t('images.empty')} text={t('images.emptyText')} command="docker pull nginx">
          <Button tone="primary" icon={Download} onClick={() => openDialog({ type: 'pull' })}>
            {t('start.pull')}
          </Button>
        </EmptyState>
      )}
      {chosen.length > 0 && (
        <div className="bulk" role="toolbar" aria-label={t('bulk.label')}>
          <span className="num bulk-count">
            {t('images.selected', {
              count: chosen.length,
              size: formatSize([...new Map(chosen.map((r) => [`${r.host.id}/${r.id}`, r.size])).values()].reduce((a, b) => a + b, 0)),
            })}
          </span>
          <Button tone="ghost" icon={Trash2} className="bulk-delete" onClick={() => void removeImages(chosen)}>
            {t('imageRemove.verb', { count: chosen.length })}
          </Button>
        </div>
      )}
      <MenuAt
        at={menu && menuRow ? menu.at : null}
        label={menuRow?.reference ?? ''}
        entries={menuRow ? menuOf(menuRow) : []}
        onClose={() => {
          setMenu(null);
          table.current?.focus();
        }}
      />
      {tagging && <TagDialog row={tagging} onClose={() => setTagging(null)} />}
    </Page>
  );
}
