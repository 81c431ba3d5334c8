import { Trash2, Undo2, X } from 'lucide-react';
import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { matches, parseFilter } from '../../lib/filter.ts';
import { formatSize } from '../../lib/format.ts';
import { useShownHosts } from '../../lib/queries.ts';
import { Button, IconButton } from '../../ui/Button.tsx';
import type { MenuEntry } from '../../ui/Menu.tsx';
import { EmptyState } from '../../ui/Panels.tsx';
import { itemOf, ListPage, useList } from '../list/index.ts';
import { deleteForGood, empty, restore, useBusy } from './actions.ts';
import './bin.css';
import { binColumns } from './columns.tsx';
import { RestoreDialog } from './RestoreDialog.tsx';
import { sortBin } from './row.ts';
import { type BinRow, useBin, useBinHosts } from './useBin.ts';

/** Removed containers and volumes that can come back. */
export function BinPage() {
  const { t, i18n } = useTranslation();
  const shown = useShownHosts();
  const hosts = useBinHosts(shown);
  const { rows, failed, loaded } = useBin(hosts);
  const list = useList('bin', rows, { column: 'removed', down: false });
  const { filterText, sort } = list;
  const busy = useBusy((s) => s.busy);
  const [renaming, setRenaming] = useState<BinRow | null>(null);
  const many = hosts.length > 1;

  const items = useMemo(() => {
    const filter = parseFilter(filterText, ['host', 'name']);
    const hits = rows.filter(({ host, entry }) =>
      matches(filter, `${entry.Name} ${entry.Image ?? ''}`, { host: [host.name], name: [entry.Name] }),
    );
    return sortBin(hits, sort.column, sort.down).map((row) => itemOf(row, many));
  }, [rows, filterText, sort, many]);
  const putBack = async (some: BinRow[]) => {
    for (const row of some) if ((await restore(row)) === 'taken') setRenaming(row);
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: titles change with the language; putBack holds nothing
  const columns = useMemo(() => binColumns(many, busy, (row) => void putBack([row])), [many, busy, i18n.language]);
  const menuOf = (row: BinRow): MenuEntry[] => [
    { id: 'restore', label: t('bin.restore'), icon: Undo2, keys: 'Enter', run: () => void putBack([row]) },
    { id: 's1', separator: true },
    { id: 'delete', label: `${t('bin.deleteForGood')}…`, icon: Trash2, keys: 'Del', danger: true, run: () => void deleteForGood([row]) },
  ];
  const size = formatSize(rows.reduce((sum, { entry }) => sum + entry.Bytes, 0));
  const room = formatSize(hosts.reduce((sum, { settings }) => sum + settings.MaxBytes, 0));

  return (
    <ListPage
      list={list}
      hosts={hosts.map(({ host }) => host)}
      failed={failed}
      loaded={loaded}
      items={items}
      columns={columns}
      texts={{
        summary: rows.length > 0 ? t('bin.summary', { count: rows.length, size, room }) : '',
        filter: t('bin.filter'),
        noMatch: t('bin.noMatch'),
        listFailed: (host) => t('bin.listFailed', { host }),
      }}
      action={
        rows.length > 0 && (
          <Button icon={Trash2} data-testid="bin-empty" onClick={() => void empty(hosts, rows)}>
            {t('bin.empty')}…
          </Button>
        )
      }
      empty={<EmptyState icon={Trash2} title={t('bin.none')} text={t('bin.noneText')} />}
      nameOf={({ entry }) => entry.Name}
      menuOf={menuOf}
      onOpen={(row) => void putBack([row])}
      onKey={(key, targets) => {
        if (key === 'Delete') void deleteForGood(targets);
        return key === 'Delete';
      }}
      bulk={
        <>
          <span className="num bulk-count">{t('bulk.selected', { count: list.chosen.length })}</span>
          <Button tone="ghost" icon={Undo2} onClick={() => void putBack(list.chosen)}>
            {t('bin.restore')}
          </Button>
          <Button tone="ghost" icon={Trash2} className="bulk-delete" onClick={() => void deleteForGood(list.chosen)}>
            {t('bin.deleteForGood')}
          </Button>
          <IconButton icon={X} name={t('bulk.clear')} keys="Esc" onClick={() => list.setSelection(new Set())} />
        </>
      }
    >
      {renaming && <RestoreDialog row={renaming} onClose={() => setRenaming(null)} />}
    </ListPage>
  );
}
