import { Plus } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { parseFilter } from '../../lib/filter.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { useRoute } from '../../lib/route.ts';
import { openDialog, toggleGroup, useScreen } from '../../lib/screen.ts';
import { Button } from '../../ui/Button.tsx';
import type { TableItem } from '../../ui/Table.tsx';
import { itemOf, ListPage, stripeOf, useList } from '../list/index.ts';
import { FirstRun } from '../start/index.ts';
import { useRowDrag } from '../transfer/index.ts';
import { act } from './actions.ts';
import { BulkBar } from './BulkBar.tsx';
import { containerColumns } from './columns.tsx';
import { removeContainers } from './remove.ts';
import './containers.css';
import { ContainerDetail } from './detail/ContainerDetail.tsx';
import { GroupActions, GroupLabel } from './GroupLabel.tsx';
import { containerMenu, containerSource, openContainer, openShell } from './menu.ts';
import { RenameDialog } from './RenameDialog.tsx';
import { type ContainerRow, filterNames, groupRows, rowMatches, sortRows } from './row.ts';
import { useContainers } from './useContainers.ts';

export function ContainersPage() {
  const { t, i18n } = useTranslation();
  const hosts = useShownHosts();
  const { detail } = useRoute();
  const { rows, failed, loading, loaded } = useContainers(hosts);
  const list = useList('containers', rows, { column: 'name', down: false });
  const { filterText, sort } = list;
  const collapsed = useScreen((s) => s.collapsed);
  const [renaming, setRenaming] = useState<ContainerRow | null>(null);
  const drag = useRowDrag(containerSource);
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
    const all: TableItem<ContainerRow>[] = [];
    for (const group of groups) {
      const expanded = !collapsed.has(group.key);
      all.push({
        kind: 'group',
        key: group.key,
        name: group.project,
        label: <GroupLabel project={group.project} rows={group.rows} host={many ? group.host.name : undefined} />,
        actions: <GroupActions project={group.project} rows={group.rows} />,
        expanded,
        stripe: stripeOf(group.host, many),
      });
      if (expanded) for (const row of group.rows) all.push(itemOf(row, many, true));
    }
    for (const row of single) all.push(itemOf(row, many));
    return all;
  }, [shown, collapsed, many]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language
  const columns = useMemo(() => containerColumns(many, list.openMenu), [many, i18n.language]);

  const current = detail && rows.find((row) => row.host.id === detail.host && (row.id.startsWith(detail.id) || row.name === detail.id));
  const running = rows.filter((row) => row.running).length;
  const onKey = (key: string, targets: ContainerRow[]): boolean => {
    const [first] = targets as [ContainerRow];
    if (key === 'l') openContainer(first, 'logs', detail !== undefined);
    else if (key === 't') void openShell(first, detail !== undefined);
    else if (key === 's') void act(first.running ? 'stop' : 'start', targets);
    else if (key === 'r') void act('restart', targets);
    else if (key === 'Delete') void removeContainers(targets);
    else return false;
    return true;
  };

  return (
    <ListPage
      list={list}
      hosts={hosts}
      failed={failed}
      loaded={loaded}
      waiting={loading}
      items={items}
      columns={columns}
      texts={{
        summary: rows.length > 0 ? t('containers.summary', { running, stopped: rows.length - running }) : '',
        filter: t('containers.filter'),
        noMatch: t('containers.noMatch'),
        noMatchText: t('containers.noMatchText'),
        listFailed: (host) => t('containers.listFailed', { host }),
      }}
      action={
        <Button tone="primary" icon={Plus} data-testid="run" onClick={() => openDialog({ type: 'run' })}>
          {t('action.run')}
        </Button>
      }
      empty={<FirstRun hosts={hosts} />}
      nameOf={(row) => row.name}
      menuOf={(row) => containerMenu(row, setRenaming)}
      current={current}
      detail={detail && <ContainerDetail key={`${detail.host}/${detail.id}`} route={detail} row={current} onRename={setRenaming} />}
      onOpen={(row) => openContainer(row, detail?.tab, detail !== undefined)}
      onToggleGroup={toggleGroup}
      onKey={onKey}
      drag={drag}
      bulk={<BulkBar list={list} />}
    >
      {renaming && <RenameDialog target={renaming} onClose={() => setRenaming(null)} />}
    </ListPage>
  );
}
