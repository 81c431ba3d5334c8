import { Plus, SearchX } from 'lucide-react';
import { useMemo, useRef, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { explain } from '../../lib/explain.ts';
import { parseFilter } from '../../lib/filter.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { navigate, useRoute } from '../../lib/route.ts';
import { openDialog, setFilter, toggleGroup, useScreen } from '../../lib/screen.ts';
import { useSettings } from '../../lib/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { FilterField } from '../../ui/FilterField.tsx';
import { MenuAt } from '../../ui/Menu.tsx';
import { Page } from '../../ui/Page.tsx';
import { EmptyState, ErrorPanel, Skeleton } from '../../ui/Panels.tsx';
import { type Sort, Table, type TableHandle, type TableItem } from '../../ui/Table.tsx';
import { HostTrouble } from '../hosts/index.ts';
import { FirstRun } from '../start/index.ts';
import { act } from './actions.ts';
import { BulkBar } from './BulkBar.tsx';
import { containerColumns } from './columns.tsx';
import { removeContainers } from './remove.ts';
import './containers.css';
import { ContainerDetail } from './detail/ContainerDetail.tsx';
import { GroupActions, GroupLabel } from './GroupLabel.tsx';
import { containerMenu, openContainer, openShell } from './menu.ts';
import { RenameDialog } from './RenameDialog.tsx';
import { type ContainerRow, filterNames, groupRows, rowMatches, sortRows } from './row.ts';
import { useContainers } from './useContainers.ts';

export function ContainersPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const { rows, failed, loading, loaded } = useContainers(hosts);
  const filterText = useScreen((s) => s.filters.containers ?? '');
  const collapsed = useScreen((s) => s.collapsed);
  const { density } = useSettings();
  const [sort, setSort] = useState<Sort>({ column: 'name', down: false });
  const [selected, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [menu, setMenu] = useState<{ key: string; at: { x: number; y: number } } | null>(null);
  const [renaming, setRenaming] = useState<ContainerRow | null>(null);
  const table = useRef<TableHandle>(null);
  const many = hosts.length > 1;

  const shown = useMemo(() => {
    const filter = parseFilter(filterText, filterNames);
    return sortRows(
      rows.filter((row) => rowMatches(row, filter)),
      sort.column,
      sort.down,
    );
  }, [rows, filterText, sort]);
  const items = useMemo(() => {
    const { groups, single } = groupRows(shown);
    const list: TableItem<ContainerRow>[] = [];
    const stripe = (row: { host: { colour: string } }) => (many ? `var(--host-${row.host.colour})` : undefined);
    const isStale = (row: ContainerRow) => row.host.state.status !== 'connected';
    for (const group of groups) {
      const expanded = !collapsed.has(group.key);
      list.push({
        kind: 'group',
        key: group.key,
        name: group.project,
        label: <GroupLabel project={group.project} rows={group.rows} host={many ? group.host.name : undefined} />,
        actions: <GroupActions project={group.project} rows={group.rows} />,
        expanded,
        stripe: stripe(group),
      });
      if (expanded)
        for (const row of group.rows) list.push({ kind: 'row', key: row.key, row, nested: true, stripe: stripe(row), stale: isStale(row) });
    }
    for (const row of single) list.push({ kind: 'row', key: row.key, row, stripe: stripe(row), stale: isStale(row) });
    return list;
  }, [shown, collapsed, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(() => containerColumns(many, (key, at) => setMenu({ key, at })), [many, i18n.language]);

  const byKey = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows]);
  const selection = useMemo(() => new Set([...selected].filter((key) => byKey.has(key))), [selected, byKey]);
  const pick = (keys: Iterable<string>) => [...keys].flatMap((key) => byKey.get(key) ?? []);
  const current = detail && rows.find((row) => row.host.id === detail.host && (row.id.startsWith(detail.id) || row.name === detail.id));
  const running = rows.filter((row) => row.running).length;
  const menuRow = menu ? byKey.get(menu.key) : undefined;

  const body = () => {
    if (items.length > 0) {
      return (
        <Table
          ref={table}
          label={t('page.containers')}
          items={items}
          columns={columns}
          sort={sort}
          onSort={setSort}
          selection={selection}
          onSelection={setSelection}
          current={current?.key}
          rowHeight={density === 'dense' ? 28 : 36}
          onOpen={(row) => openContainer(row, detail?.tab, detail !== undefined)}
          onToggleGroup={toggleGroup}
          onMenu={(key, at) => setMenu({ key, at })}
          onEscape={() => detail && navigate({ page: 'containers' })}
          onKey={(event, keys) => {
            const targets = pick(keys);
            const [first] = targets;
            if (!first) return;
            if (event.key === 'l') openContainer(first, 'logs', detail !== undefined);
            else if (event.key === 't') void openShell(first, detail !== undefined);
            else if (event.key === 's') void act(first.running ? 'stop' : 'start', targets);
            else if (event.key === 'r') void act('restart', targets);
            else if (event.key === 'Delete' || event.key === 'Backspace') void removeContainers(targets);
            else return;
            event.preventDefault();
          }}
        />
      );
    }
    if (
      failed.length > 0 ||
      (hosts.length > 0 && hosts.every((host) => host.state.status === 'failed' || host.state.status === 'reconnecting'))
    )
      return null;
    if (loading || !loaded) return <Skeleton label={t('loading')} />;
    if (rows.length > 0) {
      return (
        <EmptyState icon={SearchX} title={t('containers.noMatch')} text={t('containers.noMatchText')}>
          <Button onClick={() => setFilter('containers', '')}>{t('filter.clear')}</Button>
        </EmptyState>
      );
    }
    return <FirstRun hosts={hosts} />;
  };

  return (
    <Page
      title={t('page.containers')}
      summary={rows.length > 0 ? t('containers.summary', { running, stopped: rows.length - running }) : ''}
      filter={
        <FilterField
          value={filterText}
          onChange={(text) => setFilter('containers', text)}
          placeholder={t('containers.filter')}
          onLeave={() => table.current?.focus()}
        />
      }
      action={
        <Button tone="primary" icon={Plus} data-testid="run" onClick={() => openDialog({ type: 'run' })}>
          {t('action.run')}
        </Button>
      }
      detail={detail && <ContainerDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} onRename={setRenaming} />}
      detailName="containers"
    >
      {loaded || hosts.map((host) => <HostTrouble key={host.id} host={host} named />)}
      {failed.map(({ host, error, retry }) => (
        <ErrorPanel key={host.id} title={t('containers.listFailed', { host: host.name })} {...explain(error)}>
          <Button onClick={retry}>{t('action.retry')}</Button>
        </ErrorPanel>
      ))}
      {body()}
      <BulkBar rows={pick(selection)} onClear={() => setSelection(new Set())} />
      <MenuAt
        at={menu && menuRow ? menu.at : null}
        label={menuRow?.name ?? ''}
        entries={menuRow ? containerMenu(menuRow, setRenaming) : []}
        onClose={() => {
          setMenu(null);
          table.current?.focus();
        }}
      />
      {renaming && <RenameDialog target={renaming} onClose={() => setRenaming(null)} />}
    </Page>
  );
}
