import { type RefObject, useMemo, useRef, useState } from 'react';
import type { Host } from '../../../electron/ipc/contract.ts';
import type { Page } from '../../lib/route.ts';
import { useScreen } from '../../lib/screen.ts';
import type { Sort, TableHandle, TableItem } from '../../ui/Table.tsx';

/** Something on a host that a list shows. `key` begins with the host's id. */
export interface Listed {
  key: string;
  host: Host;
}

/** What a list remembers of itself: its order, what is chosen, whose menu is open. */
export interface List<R extends Listed> {
  page: Page;
  rows: R[];
  filterText: string;
  sort: Sort;
  setSort: (sort: Sort) => void;
  /** Keys of rows that are still there. */
  selection: ReadonlySet<string>;
  setSelection: (selection: ReadonlySet<string>) => void;
  chosen: R[];
  pick: (keys: Iterable<string>) => R[];
  menu: { row: R; at: { x: number; y: number } } | undefined;
  openMenu: (key: string, at: { x: number; y: number }) => void;
  /** The keyboard goes back to the table. */
  closeMenu: () => void;
  table: RefObject<TableHandle | null>;
}

export function useList<R extends Listed>(page: Page, rows: R[], first: Sort): List<R> {
  const filterText = useScreen((s) => s.filters[page] ?? '');
  const [sort, setSort] = useState(first);
  const [selected, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [menu, setMenu] = useState<{ key: string; at: { x: number; y: number } } | null>(null);
  const table = useRef<TableHandle>(null);
  const byKey = useMemo(() => new Map(rows.map((row) => [row.key, row])), [rows]);
  const selection = useMemo(() => new Set([...selected].filter((key) => byKey.has(key))), [selected, byKey]);
  const pick = (keys: Iterable<string>) => [...keys].flatMap((key) => byKey.get(key) ?? []);
  const menuRow = menu ? byKey.get(menu.key) : undefined;
  return {
    page,
    rows,
    filterText,
    sort,
    setSort,
    selection,
    setSelection,
    chosen: pick(selection),
    pick,
    menu: menu && menuRow ? { row: menuRow, at: menu.at } : undefined,
    openMenu: (key, at) => setMenu({ key, at }),
    closeMenu: () => {
      setMenu(null);
      table.current?.focus();
    },
    table,
  };
}

/** A row of the table, with its host's stripe where the list mixes hosts. */
export function itemOf<R extends Listed>(row: R, many: boolean, nested = false): TableItem<R> {
  return { kind: 'row', key: row.key, row, nested, stripe: stripeOf(row.host, many), stale: row.host.state.status !== 'connected' };
}

export const stripeOf = (host: Host, many: boolean): string | undefined => (many ? `var(--host-${host.colour})` : undefined);
