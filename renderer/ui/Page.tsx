import { type ReactNode, useState, useSyncExternalStore } from 'react';
import { useTranslation } from 'react-i18next';
import { useRemembered } from '../lib/settings.ts';
import './page.css';
import { Splitter } from './Splitter.tsx';

interface PageProps {
  title: string;
  /** What is on it in a few words: "12 running, 5 stopped". */
  summary?: string;
  filter?: ReactNode;
  /** The one primary action. */
  action?: ReactNode;
  children: ReactNode;
  /** The pane at the right; over the page where the window is narrow. */
  detail?: ReactNode;
  detailName: string;
}

/** In CSS pixels. A list needs its state, its name and whose it is, and its header the page's name, filter and action. */
const WIDE = 1000;
const RAIL = 208;
const MIN_LIST = 400;
const MIN_DETAIL = 340;

function onResize(listener: () => void): () => void {
  window.addEventListener('resize', listener);
  return () => window.removeEventListener('resize', listener);
}

/** Header, body, detail pane. */
export function Page({ title, summary, filter, action, children, detail, detailName }: PageProps) {
  const { t } = useTranslation();
  const [saved, save] = useRemembered(`detail.${detailName}`, 560);
  const [width, setWidth] = useState(saved);
  const windowWidth = useSyncExternalStore(onResize, () => window.innerWidth);
  const wide = windowWidth >= WIDE;
  const max = Math.max(MIN_DETAIL, windowWidth - RAIL - MIN_LIST);
  const size = Math.min(width, max);
  return (
    <div className="page">
      <main className="page-main">
        <header className="page-head">
          <h1>{title}</h1>
          <span className="page-summary num truncate" data-testid="summary">
            {summary}
          </span>
          {filter}
          {action}
        </header>
        <div className="page-body">{children}</div>
      </main>
      {detail && wide && (
        <Splitter label={t('detail.resize')} direction="column" size={size} min={MIN_DETAIL} max={max} onResize={setWidth} onDone={save} />
      )}
      {detail && (
        <aside
          className={`page-detail ${wide ? '' : 'over'}`}
          style={wide ? { width: size } : undefined}
          aria-label={t('detail.pane')}
          data-testid="detail"
        >
          {detail}
        </aside>
      )}
    </div>
  );
}
