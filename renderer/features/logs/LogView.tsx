import { ArrowDown, ArrowUp, CaseSensitive, Clock, Download, Eraser, ListFilter, PanelBottomOpen, Search, WrapText, X } from 'lucide-react';
import { useEffect, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { gantry } from '../../lib/bridge.ts';
import { formatExact } from '../../lib/format.ts';
import { changeSettings, useSettings } from '../../lib/settings.ts';
import { toast } from '../../lib/toast.ts';
import { IconButton } from '../../ui/Button.tsx';
import { Menu } from '../../ui/Menu.tsx';
import { Spinner } from '../../ui/Spinner.tsx';
import { LogLineRow } from './LogLine.tsx';
import './logs.css';
import { RowIndex } from './rows.ts';
import { logSession, restartLog } from './session.ts';
import { rowStarts } from './store.ts';
import { useMatches } from './useMatches.ts';

const rowHeight = 19;
/** Chromium clips elements beyond 33,554,432 px; above this the scroll bar is scaled. */
const maxHeight = 30_000_000;

interface LogViewProps {
  host: string;
  id: string;
  name: string;
  running: boolean;
  onDock?: () => void;
}

export default function LogView({ host, id, name, running, onDock }: LogViewProps) {
  const { t } = useTranslation();
  const [session, setSession] = useState(() => logSession(host, id));
  const version = useSyncExternalStore(session.subscribe, session.snapshot);
  const settings = useSettings();
  const wrap = settings['ui.logWrap'] === true;
  const times = settings['ui.logTimes'] === true;
  const [tool, setTool] = useState<'search' | 'filter' | null>(null);
  const [search, setSearch] = useState('');
  const [filter, setFilter] = useState('');
  const [stream, setStream] = useState<'all' | 'out' | 'err'>('all');
  const [hit, setHit] = useState(0);
  const [follow, setFollow] = useState(true);
  const [seen, setSeen] = useState(0);
  const scroller = useRef<HTMLDivElement>(null);
  const probe = useRef<HTMLSpanElement>(null);
  const [box, setBox] = useState({ width: 600, height: 300, cell: 7.2 });
  const [scrollTop, setScrollTop] = useState(0);
  /** Where following has put the view. */
  const pinned = useRef(0);

  const { store } = session;
  const filtered = useMatches(session, filter.toLowerCase(), stream, version);
  const hits = useMatches(session, search.toLowerCase(), stream, version);

  // A container that runs again goes on writing: read on.
  const wasRunning = useRef(running);
  useEffect(() => {
    if (running && !wasRunning.current && session.state !== 'live') setSession(restartLog(host, id));
    wasRunning.current = running;
  }, [running, session, host, id]);

  useLayoutEffect(() => {
    const element = scroller.current;
    if (!element) return;
    const measure = () =>
      setBox({
        width: element.clientWidth,
        height: element.clientHeight,
        cell: (probe.current?.getBoundingClientRect().width ?? 72) / 10 || 7.2,
      });
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    void document.fonts.ready.then(measure);
    return () => observer.disconnect();
  }, []);

  const first = store.first;
  const count = filtered ? filtered.lines.length : store.end - first;
  const lineAt = (item: number) => (filtered ? (filtered.lines[item] ?? 0) : first + item);
  const cols = Math.max(20, Math.floor((box.width - 28 - (times ? 22 * box.cell : 0)) / box.cell) - 1);

  // Rows of wrapped lines; made anew when what they count changes, else only grown.
  const filterKey = filtered ? `${stream}:${filter}` : '';
  const lines = filtered?.lines;
  const linesRef = useRef(lines);
  linesRef.current = lines;
  const rows = useMemo(() => {
    if (!wrap) return null;
    void filterKey;
    return new RowIndex((item) => {
      const line = linesRef.current ? (linesRef.current[item] ?? 0) : first + item;
      return store.rows(line, cols);
    });
  }, [wrap, cols, filterKey, first, store]);
  rows?.grow(count);
  const total = rows ? rows.rows : count;

  const fullHeight = total * rowHeight + 12;
  const height = Math.min(fullHeight, maxHeight);
  const scale = height > box.height ? (fullHeight - box.height) / (height - box.height) : 1;
  const top = scrollTop * scale;
  const from = Math.max(0, Math.floor(top / rowHeight) - 6);
  const to = Math.min(total, Math.ceil((top + box.height) / rowHeight) + 6);

  useLayoutEffect(() => {
    // What moves the end: more lines, another wrapping, another size.
    void [total, height, box.height];
    const element = scroller.current;
    if (!element || !follow) return;
    element.scrollTop = element.scrollHeight;
    pinned.current = element.scrollTop;
    setScrollTop(element.scrollTop);
    setSeen(store.end);
  }, [follow, total, store, height, box.height]);

  const goTo = (line: number) => {
    const item = filtered ? filtered.lines.indexOf(line) : line - first;
    const element = scroller.current;
    if (!element || item < 0) return;
    setFollow(false);
    const row = rows ? rows.rowOf(item) : item;
    element.scrollTop = Math.max(0, (row * rowHeight - box.height / 2) / scale);
  };
  const hitCount = search ? (hits?.lines.length ?? 0) : 0;
  const step = (by: number) => {
    if (!hits || hitCount === 0) return;
    const next = (hit + by + hitCount) % hitCount;
    setHit(next);
    goTo(hits.lines[next] ?? 0);
  };
  // A new search begins at the first hit on the screen or below it, else at the last one.
  const sought = useRef('');
  const searching = hits?.busy ?? false;
  // biome-ignore lint/correctness/useExhaustiveDependencies: once for each text, when its hits are known
  useEffect(() => {
    if (search === '') sought.current = '';
    if (!hits || searching || hitCount === 0 || sought.current === search) return;
    sought.current = search;
    const row = Math.ceil(top / rowHeight);
    const onTop = lineAt(rows ? rows.at(row).item : row);
    const below = hits.lines.findIndex((line) => line >= onTop);
    const next = below >= 0 ? below : hitCount - 1;
    const line = hits.lines[next] ?? 0;
    setHit(next);
    const item = filtered ? filtered.lines.indexOf(line) : line - first;
    const at = (rows ? rows.rowOf(item) : item) * rowHeight;
    if (at < top || at > top + box.height - rowHeight) goTo(line);
    else setFollow(false);
  }, [search, searching, hitCount]);
  const hitLine = search ? hits?.lines[hit] : undefined;

  const drawn = [];
  let item = -1;
  for (let row = from; row < to; row++) {
    const place = rows ? rows.at(row) : { item: row, sub: 0 };
    item = place.item;
    const line = lineAt(item);
    const stored = store.get(line);
    if (!stored) continue;
    const starts = rows ? rowStarts(store.plain(line), cols) : [0];
    const y = row * rowHeight + 6 - top + scrollTop;
    drawn.push(
      <LogLineRow
        key={`${line}.${place.sub}`}
        top={y}
        text={stored.text}
        from={starts[place.sub] ?? 0}
        to={starts[place.sub + 1] ?? Number.POSITIVE_INFINITY}
        time={times ? (place.sub === 0 && stored.ms ? formatExact(stored.ms) : '') : null}
        err={stored.err}
        needle={search.toLowerCase()}
        current={line === hitLine}
      />,
    );
  }

  const openTool = (which: 'search' | 'filter') => setTool(which);
  const save = async () => {
    const path = await gantry().dialogs.saveText({
      title: t('logs.save'),
      name: `${name}.log`,
      text: store.text(times ? formatExact : undefined),
    });
    if (path) toast({ tone: 'success', title: t('logs.saved', { path }) });
  };
  const unseen = follow ? 0 : Math.max(0, store.end - seen);

  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Ctrl+F anywhere in the view opens its search
    <div
      className="logs"
      data-testid="logs"
      onKeyDown={(event) => {
        if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
          event.preventDefault();
          openTool('search');
        } else if (event.key === 'Escape' && tool) {
          event.stopPropagation();
          setTool(null);
          setSearch('');
          setFilter('');
        }
      }}
    >
      <div className="logs-bar">
        {tool === null ? (
          <span className="dim num logs-count">{t('logs.lines', { count: store.end - first })}</span>
        ) : (
          <div className="logs-find">
            {tool === 'search' ? <Search size={14} aria-hidden /> : <ListFilter size={14} aria-hidden />}
            <input
              // biome-ignore lint/a11y/noAutofocus: it opens because the user asked to type
              autoFocus
              key={tool}
              data-testid={`logs-${tool}`}
              value={tool === 'search' ? search : filter}
              placeholder={t(tool === 'search' ? 'logs.searchHint' : 'logs.filterHint')}
              aria-label={t(tool === 'search' ? 'logs.search' : 'logs.filter')}
              spellCheck={false}
              onChange={(event) => {
                if (tool === 'search') {
                  setSearch(event.target.value);
                  setHit(0);
                } else setFilter(event.target.value);
              }}
              onKeyDown={(event) => {
                if (tool === 'search' && event.key === 'Enter') step(event.shiftKey ? -1 : 1);
              }}
            />
            {tool === 'search' && search && (
              <>
                <span className="dim num" data-testid="logs-hits">
                  {t('logs.hits', { n: hitCount > 0 ? hit + 1 : 0, m: hitCount })}
                </span>
                <IconButton small icon={ArrowUp} name={t('logs.previous')} keys="Shift+Enter" onClick={() => step(-1)} />
                <IconButton small icon={ArrowDown} name={t('logs.next')} keys="Enter" onClick={() => step(1)} />
              </>
            )}
            {tool === 'filter' && filter && <span className="dim num">{t('logs.filtered', { count })}</span>}
            <IconButton
              small
              icon={X}
              name={t('action.close')}
              keys="Esc"
              onClick={() => {
                setTool(null);
                setSearch('');
                setFilter('');
              }}
            />
          </div>
        )}
        <div className="logs-tools">
          <IconButton
            small
            icon={Search}
            name={t('logs.search')}
            keys="Mod+F"
            pressed={tool === 'search'}
            onClick={() => openTool('search')}
          />
          <IconButton small icon={ListFilter} name={t('logs.filter')} pressed={tool === 'filter'} onClick={() => openTool('filter')} />
          <IconButton
            small
            icon={Clock}
            name={t('logs.timestamps')}
            pressed={times}
            onClick={() => changeSettings({ 'ui.logTimes': !times })}
          />
          <IconButton small icon={WrapText} name={t('logs.wrap')} pressed={wrap} onClick={() => changeSettings({ 'ui.logWrap': !wrap })} />
          <Menu
            trigger={<IconButton small icon={CaseSensitive} name={t('logs.stream')} pressed={stream !== 'all'} />}
            entries={(['all', 'out', 'err'] as const).map((value) => ({
              id: value,
              label: t(`logs.stream.${value}`),
              checked: stream === value,
              run: () => setStream(value),
            }))}
          />
          <IconButton small icon={Eraser} name={t('logs.clear')} onClick={() => session.clear()} />
          <IconButton small icon={Download} name={t('logs.save')} onClick={() => void save()} />
          {onDock && <IconButton small icon={PanelBottomOpen} name={t('dock.open')} onClick={onDock} />}
        </div>
      </div>
      <div
        ref={scroller}
        className="logs-scroll"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled region has to be reachable by keyboard
        tabIndex={0}
        role="log"
        aria-label={t('logs.of', { name })}
        aria-live="off"
        onScroll={(event) => {
          const element = event.currentTarget;
          setScrollTop(element.scrollTop);
          const atEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - 4;
          // A banner that comes makes the place smaller: the end is out of sight, and nobody has scrolled.
          const following = atEnd || (follow && element.scrollTop >= pinned.current);
          if (following !== follow) {
            setFollow(following);
            setSeen(store.end);
          }
        }}
      >
        <span ref={probe} className="logs-probe" aria-hidden>
          0123456789
        </span>
        <div className="logs-lines select" style={{ height }}>
          {drawn}
        </div>
        {count === 0 && (
          <div className="logs-empty dim">
            {session.state === 'connecting' ? (
              <Spinner />
            ) : filtered ? (
              t('logs.noMatch')
            ) : session.state === 'error' ? (
              session.message
            ) : (
              t('logs.empty')
            )}
          </div>
        )}
      </div>
      {session.state === 'disconnected' && <div className="logs-note attention">{t('logs.disconnected')}</div>}
      {session.state === 'error' && count > 0 && <div className="logs-note attention">{session.message}</div>}
      {!follow && (
        <button type="button" className="logs-pill" data-testid="logs-pill" onClick={() => setFollow(true)}>
          <ArrowDown size={13} aria-hidden />
          {unseen > 0 ? t('logs.newLines', { count: unseen }) : t('logs.toEnd')}
        </button>
      )}
    </div>
  );
}
