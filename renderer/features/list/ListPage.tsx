import { SearchX } from 'lucide-react';
import type { KeyboardEvent, ReactNode } from 'react';
import { useTranslation } from 'react-i18next';
import type { Host } from '../../../electron/ipc/contract.ts';
import { explain } from '../../lib/explain.ts';
import { navigate, useRoute } from '../../lib/route.ts';
import { setFilter } from '../../lib/screen.ts';
import { useSettings } from '../../lib/settings.ts';
import { Button } from '../../ui/Button.tsx';
import { FilterField } from '../../ui/FilterField.tsx';
import { MenuAt, type MenuEntry } from '../../ui/Menu.tsx';
import { Page } from '../../ui/Page.tsx';
import { EmptyState, ErrorPanel, Skeleton } from '../../ui/Panels.tsx';
import { type Column, type RowDrag, Table, type TableItem } from '../../ui/Table.tsx';
import { HostTrouble } from '../hosts/index.ts';
import type { List, Listed } from './useList.ts';

interface ListPageProps<R extends Listed> {
  list: List<R>;
  hosts: Host[];
  /** Hosts whose list did not come. */
  failed: { host: Host; error: Error; retry: () => void }[];
  /** Some list has come; nothing is said to be missing before. */
  loaded: boolean;
  /** Some list is still to come. */
  waiting?: boolean;
  items: TableItem<R>[];
  columns: Column<R>[];
  /** `listFailed` is said of a host, `noMatch` of the filter. */
  texts: { summary: string; filter: string; noMatch: string; noMatchText?: string; listFailed: (host: string) => string };
  action?: ReactNode;
  /** Where there is nothing at all. */
  empty: ReactNode;
  nameOf: (row: R) => string;
  menuOf: (row: R) => MenuEntry[];
  /** The row that the detail pane shows. */
  current?: R | undefined;
  detail?: ReactNode;
  onOpen: (row: R) => void;
  onToggleGroup?: (key: string, collapse?: boolean) => void;
  /** A letter or Delete for these rows (there is one at least). @returns false when it means nothing */
  onKey: (key: string, rows: R[]) => boolean;
  drag?: RowDrag<R> | undefined;
  /** What can be done with the rows that are chosen. */
  bulk: ReactNode;
  /** Dialogs about a row. */
  children?: ReactNode;
}

/** A page that lists one kind of thing over hosts: filter, hosts in trouble, table, context menu, what several rows have in common. */
export function ListPage<R extends Listed>(props: ListPageProps<R>) {
  const { list, hosts, failed, loaded, texts, menuOf, nameOf, detail } = props;
  const { t } = useTranslation();
  return (
    <Page
      title={t(`page.${list.page}`)}
      summary={texts.summary}
      filter={
        <FilterField
          value={list.filterText}
          onChange={(text) => setFilter(list.page, text)}
          placeholder={texts.filter}
          onLeave={() => list.table.current?.focus()}
        />
      }
      action={props.action}
      detail={detail}
      detailName={list.page}
    >
      {loaded || hosts.map((host) => <HostTrouble key={host.id} host={host} named />)}
      {failed.map(({ host, error, retry }) => (
        <ErrorPanel key={host.id} title={texts.listFailed(host.name)} {...explain(error)}>
          <Button onClick={retry}>{t('action.retry')}</Button>
        </ErrorPanel>
      ))}
      <Body {...props} />
      {list.chosen.length > 0 && (
        <div className="bulk" role="toolbar" aria-label={t('bulk.label')} data-testid="bulk">
          {props.bulk}
        </div>
      )}
      <MenuAt
        at={list.menu?.at ?? null}
        label={list.menu ? nameOf(list.menu.row) : ''}
        entries={list.menu ? menuOf(list.menu.row) : []}
        onClose={list.closeMenu}
      />
      {props.children}
    </Page>
  );
}

const isAway = ({ state }: Host): boolean => state.status === 'failed' || state.status === 'reconnecting';

function Body<R extends Listed>(props: ListPageProps<R>) {
  const { list, hosts, failed, loaded, waiting, items, columns, texts, current, drag, onOpen, onToggleGroup, onKey } = props;
  const { t } = useTranslation();
  const { detail } = useRoute();
  const { density } = useSettings();
  if (items.length > 0) {
    return (
      <Table
        ref={list.table}
        label={t(`page.${list.page}`)}
        items={items}
        columns={columns}
        sort={list.sort}
        onSort={list.setSort}
        selection={list.selection}
        onSelection={list.setSelection}
        current={current?.key}
        rowHeight={density === 'dense' ? 28 : 36}
        onOpen={onOpen}
        {...(onToggleGroup && { onToggleGroup })}
        onMenu={list.openMenu}
        onEscape={() => detail && navigate({ page: list.page })}
        onKey={(event: KeyboardEvent, keys) => {
          const rows = list.pick(keys);
          if (rows.length > 0 && onKey(event.key === 'Backspace' ? 'Delete' : event.key, rows)) event.preventDefault();
        }}
        drag={drag}
      />
    );
  }
  if (list.rows.length > 0) {
    return (
      <EmptyState icon={SearchX} title={texts.noMatch} {...(texts.noMatchText && { text: texts.noMatchText })}>
        <Button onClick={() => setFilter(list.page, '')}>{t('filter.clear')}</Button>
      </EmptyState>
    );
  }
  // The panels above say it.
  if (failed.length > 0 || (hosts.length > 0 && hosts.every(isAway))) return null;
  if (!loaded || waiting) return <Skeleton label={t('loading')} />;
  return props.empty;
}
