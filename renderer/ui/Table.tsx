// biome-ignore-all lint/a11y/useSemanticElements: rows are virtual, a <table> cannot position them
// biome-ignore-all lint/a11y/useAriaPropsSupportedByRole: the role comes with the shared props of a row
// biome-ignore-all lint/a11y/noStaticElementInteractions: the role comes with the shared props of a row
import { useVirtualizer } from '@tanstack/react-virtual';
import { ArrowDown, ArrowUp, ChevronRight } from 'lucide-react';
import {
  type DragEvent,
  type KeyboardEvent,
  memo,
  type ReactNode,
  type Ref,
  useCallback,
  useId,
  useImperativeHandle,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react';
import { useTranslation } from 'react-i18next';
import { fitting, SELECT_PX, type Sized } from './columns.ts';
import './table.css';

export interface Column<R> extends Sized {
  id: string;
  title: string;
  sortable?: boolean;
  align?: 'end';
  cell: (row: R) => ReactNode;
}
export type TableItem<R> =
  | { kind: 'row'; key: string; row: R; nested?: boolean; stripe?: string | undefined; stale?: boolean | undefined }
  | { kind: 'group'; key: string; label: ReactNode; name: string; expanded: boolean; stripe?: string | undefined; actions?: ReactNode };
export interface Sort {
  column: string;
  down: boolean;
}
/** Rows that can be taken elsewhere by the mouse. */
export interface RowDrag<R> {
  /** Fills the event's dataTransfer. `rows`: the one under the pointer first, then what is selected with it. */
  start: (rows: R[], event: DragEvent) => void;
  end: () => void;
}
export interface TableHandle {
  focus(): void;
}

interface TableProps<R> {
  label: string;
  items: TableItem<R>[];
  columns: Column<R>[];
  sort: Sort | null;
  onSort: (sort: Sort) => void;
  selection: ReadonlySet<string>;
  onSelection: (selection: ReadonlySet<string>) => void;
  /** The row that the detail pane shows. */
  current?: string | undefined;
  onOpen: (row: R, key: string) => void;
  onToggleGroup?: (key: string, collapse?: boolean) => void;
  /** Letters and Delete on the active row, or on the selection when there is one. */
  onKey?: (event: KeyboardEvent, keys: string[]) => void;
  onMenu?: (key: string, at: { x: number; y: number }) => void;
  onEscape?: () => void;
  drag?: RowDrag<R> | undefined;
  rowHeight: number;
  ref?: Ref<TableHandle>;
}

/** Virtual, sortable, with selection (click with Ctrl or Shift, Space) and the keyboard of an ARIA grid. */
export function Table<R>(props: TableProps<R>) {
  const { label, items, sort, onSort, selection, onSelection, current, onOpen, onToggleGroup, onKey, onMenu, onEscape, drag, rowHeight } =
    props;
  const { t } = useTranslation();
  const prefix = useId();
  const scroller = useRef<HTMLDivElement>(null);
  const [active, setActive] = useState<string | null>(null);
  const anchor = useRef<string | null>(null);
  const [width, setWidth] = useState(1200);
  const columns = fitting(props.columns, width);
  const template = `${SELECT_PX}px ${columns.map((c) => c.width).join(' ')}`;

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const observer = new ResizeObserver(([entry]) => {
      if (entry) setWidth(entry.contentRect.width);
    });
    observer.observe(element);
    setWidth(element.clientWidth);
    return () => observer.disconnect();
  }, []);

  const virtual = useVirtualizer({
    count: items.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => items[index]?.key ?? index,
    overscan: 8,
  });
  useLayoutEffect(() => {
    void rowHeight;
    virtual.measure();
  }, [rowHeight, virtual]);

  useImperativeHandle(props.ref, () => ({
    focus: () => {
      scroller.current?.focus();
      setActive((now) => now ?? items[0]?.key ?? null);
    },
  }));

  const indexOf = (key: string | null) => (key === null ? -1 : items.findIndex((item) => item.key === key));
  const rowKeys = (from: number, to: number) =>
    items.slice(Math.min(from, to), Math.max(from, to) + 1).flatMap((item) => (item.kind === 'row' ? [item.key] : []));
  const moveTo = (index: number, extend: boolean) => {
    const item = items[Math.max(0, Math.min(index, items.length - 1))];
    if (!item) return;
    setActive(item.key);
    virtual.scrollToIndex(items.indexOf(item));
    if (extend) onSelection(new Set(rowKeys(Math.max(0, indexOf(anchor.current ?? active)), items.indexOf(item))));
    else anchor.current = item.key;
  };
  const toggle = (key: string) => {
    const next = new Set(selection);
    if (!next.delete(key)) next.add(key);
    anchor.current = key;
    onSelection(next);
  };

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.target !== event.currentTarget) return;
    const index = indexOf(active);
    const item = items[index];
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 400) / rowHeight) - 2);
    const moves: Record<string, number> = {
      ArrowDown: index + 1,
      ArrowUp: Math.max(0, index - 1),
      Home: 0,
      End: items.length - 1,
      PageDown: index + page,
      PageUp: index - page,
    };
    const move = moves[event.key];
    if (move !== undefined) {
      event.preventDefault();
      moveTo(move, event.shiftKey);
    } else if (event.key === 'Escape') {
      if (selection.size > 0) onSelection(new Set());
      else onEscape?.();
    } else if (event.key.toLowerCase() === 'a' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSelection(new Set(rowKeys(0, items.length - 1)));
    } else if (!item) {
      return;
    } else if (item.kind === 'group') {
      if (event.key === 'Enter' || event.key === ' ') onToggleGroup?.(item.key);
      else if (event.key === 'ArrowRight') onToggleGroup?.(item.key, false);
      else if (event.key === 'ArrowLeft') onToggleGroup?.(item.key, true);
      else return;
      event.preventDefault();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      onOpen(item.row, item.key);
    } else if (event.key === ' ') {
      event.preventDefault();
      toggle(item.key);
    } else if (event.key === 'ContextMenu' || (event.key === 'F10' && event.shiftKey)) {
      event.preventDefault();
      const box = document.getElementById(`${prefix}${item.key}`)?.getBoundingClientRect();
      if (box) onMenu?.(item.key, { x: box.left + 60, y: box.bottom - 4 });
    } else if (!event.ctrlKey && !event.metaKey && !event.altKey) {
      onKey?.(event, selection.size > 0 ? [...selection] : [item.key]);
    }
  };

  const click = (item: TableItem<R>, event: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => {
    setActive(item.key);
    if (item.kind === 'group') return onToggleGroup?.(item.key);
    if (event.shiftKey) onSelection(new Set([...selection, ...rowKeys(Math.max(0, indexOf(anchor.current)), items.indexOf(item))]));
    else if (event.ctrlKey || event.metaKey) toggle(item.key);
    else {
      anchor.current = item.key;
      onOpen(item.row, item.key);
    }
  };

  const withSelected = (rows: R[]): R[] => {
    const chosen = items.flatMap((item) => (item.kind === 'row' && selection.has(item.key) ? [item.row] : []));
    return rows.some((row) => chosen.includes(row)) ? [...rows, ...chosen.filter((row) => !rows.includes(row))] : rows;
  };

  // Rows are drawn anew only when what they show changes: they get functions that stay and see what is selected now.
  const latest = useRef({ click, toggle, onMenu, drag, withSelected });
  latest.current = { click, toggle, onMenu, drag, withSelected };
  const clickRow = useCallback<RowProps<R>['click']>((item, event) => latest.current.click(item, event), []);
  const toggleRow = useCallback((key: string) => latest.current.toggle(key), []);
  const menuOfRow = useCallback<NonNullable<TableProps<R>['onMenu']>>((key, at) => latest.current.onMenu?.(key, at), []);

  const dragRow = useMemo<RowDrag<R>>(
    () => ({
      start: (rows, event) => latest.current.drag?.start(latest.current.withSelected(rows), event),
      end: () => latest.current.drag?.end(),
    }),
    [],
  );

  const all = items.reduce((n, item) => n + (item.kind === 'row' ? 1 : 0), 0);
  return (
    <div
      ref={scroller}
      className="table"
      role="grid"
      aria-label={label}
      aria-rowcount={items.length + 1}
      aria-multiselectable
      aria-activedescendant={active !== null && indexOf(active) >= 0 ? `${prefix}${active}` : undefined}
      tabIndex={0}
      onKeyDown={onKeyDown}
      onFocus={(event) => {
        if (event.target === event.currentTarget && indexOf(active) < 0) setActive(items[0]?.key ?? null);
      }}
    >
      <div className="table-head" role="row" aria-rowindex={1} tabIndex={-1} style={{ gridTemplateColumns: template }}>
        <div role="columnheader" tabIndex={-1} className="cell check-cell">
          <input
            type="checkbox"
            tabIndex={-1}
            aria-label={t('table.selectAll')}
            checked={all > 0 && selection.size === all}
            ref={(box) => {
              if (box) box.indeterminate = selection.size > 0 && selection.size < all;
            }}
            onChange={() => onSelection(selection.size === all ? new Set() : new Set(rowKeys(0, items.length - 1)))}
          />
        </div>
        {columns.map((column) => {
          const sorted = sort?.column === column.id ? sort : null;
          return (
            <div
              key={column.id}
              role="columnheader"
              tabIndex={-1}
              className={`cell ${column.align ?? ''}`}
              aria-sort={sorted ? (sorted.down ? 'descending' : 'ascending') : undefined}
            >
              {column.sortable ? (
                <button type="button" tabIndex={-1} onClick={() => onSort({ column: column.id, down: sorted ? !sorted.down : false })}>
                  {column.title}
                  {sorted && (sorted.down ? <ArrowDown size={12} aria-hidden /> : <ArrowUp size={12} aria-hidden />)}
                </button>
              ) : (
                <span className={column.title ? '' : 'sr-only'}>{column.title || column.id}</span>
              )}
            </div>
          );
        })}
      </div>
      <div className="table-body" role="rowgroup" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((v) => {
          const item = items[v.index];
          if (!item) return null;
          return (
            <Row
              key={item.key}
              id={`${prefix}${item.key}`}
              index={v.index}
              top={v.start}
              height={rowHeight}
              item={item}
              columns={columns}
              template={template}
              selected={selection.has(item.key)}
              active={active === item.key}
              current={current === item.key}
              selectName={t('table.select')}
              click={clickRow}
              toggle={toggleRow}
              menu={onMenu && menuOfRow}
              drag={drag && dragRow}
            />
          );
        })}
      </div>
    </div>
  );
}

interface RowProps<R> {
  id: string;
  index: number;
  top: number;
  height: number;
  item: TableItem<R>;
  columns: Column<R>[];
  template: string;
  selected: boolean;
  active: boolean;
  current: boolean;
  selectName: string;
  click: (item: TableItem<R>, event: { ctrlKey: boolean; metaKey: boolean; shiftKey: boolean }) => void;
  toggle: (key: string) => void;
  menu: ((key: string, at: { x: number; y: number }) => void) | undefined;
  drag: RowDrag<R> | undefined;
}

function same<R>(a: RowProps<R>, b: RowProps<R>): boolean {
  const item =
    a.item === b.item ||
    (a.item.kind === 'row' &&
      b.item.kind === 'row' &&
      a.item.row === b.item.row &&
      a.item.key === b.item.key &&
      a.item.nested === b.item.nested &&
      a.item.stripe === b.item.stripe &&
      a.item.stale === b.item.stale);
  return (
    item &&
    a.index === b.index &&
    a.top === b.top &&
    a.height === b.height &&
    a.template === b.template &&
    a.selected === b.selected &&
    a.active === b.active &&
    a.current === b.current &&
    a.drag === b.drag &&
    a.columns.length === b.columns.length &&
    a.columns.every((c, i) => c === b.columns[i])
  );
}

const Row = memo(function Row({
  id,
  index,
  top,
  height,
  item,
  columns,
  template,
  selected,
  active,
  current,
  selectName,
  click,
  toggle,
  menu,
  drag,
}: RowProps<never>) {
  const frame = {
    id,
    role: 'row',
    tabIndex: -1,
    'aria-rowindex': index + 2,
    style: { transform: `translateY(${top}px)`, height, gridTemplateColumns: template },
    onContextMenu: (event: React.MouseEvent) => {
      if (!menu) return;
      event.preventDefault();
      menu(item.key, { x: event.clientX, y: event.clientY });
    },
  };
  const stripe = item.stripe ? <span className="stripe" style={{ background: item.stripe }} aria-hidden /> : null;
  if (item.kind === 'group') {
    return (
      // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
      <div
        {...frame}
        style={{ ...frame.style, gridTemplateColumns: '32px minmax(0, 1fr) auto' }}
        className={`row group ${active ? 'active' : ''}`}
        aria-expanded={item.expanded}
        onClick={(event) => click(item, event)}
        data-testid={`group-${item.name}`}
      >
        {stripe}
        <div className="cell check-cell" role="gridcell" tabIndex={-1}>
          <ChevronRight size={14} className={`chevron ${item.expanded ? 'open' : ''}`} aria-hidden />
        </div>
        <div className="cell group-label" role="gridcell" tabIndex={-1}>
          {item.label}
        </div>
        {item.actions && (
          <div className="cell group-actions" role="gridcell" tabIndex={-1}>
            {item.actions}
          </div>
        )}
      </div>
    );
  }
  const row = item.row as never;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keyboard
    <div
      {...frame}
      className={`row ${active ? 'active' : ''} ${selected ? 'selected' : ''} ${current ? 'current' : ''} ${item.stale ? 'stale' : ''}`}
      aria-selected={selected}
      draggable={drag !== undefined}
      onDragStart={(event) => drag?.start([row], event)}
      onDragEnd={() => drag?.end()}
      onClick={(event) => click(item, event)}
      data-key={item.key}
    >
      {stripe}
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: Space does it */}
      <div className="cell check-cell" role="gridcell" tabIndex={-1} onClick={(event) => event.stopPropagation()}>
        <input type="checkbox" tabIndex={-1} aria-label={selectName} checked={selected} onChange={() => toggle(item.key)} />
      </div>
      {columns.map((column, i) => (
        <div
          key={column.id}
          role="gridcell"
          tabIndex={-1}
          className={`cell ${column.align ?? ''} ${item.nested && i === 0 ? 'nested' : ''}`}
          data-column={column.id}
        >
          {column.cell(row)}
        </div>
      ))}
    </div>
  );
}, same) as unknown as <R>(props: RowProps<R>) => ReactNode;
