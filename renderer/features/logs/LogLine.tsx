import { memo, type ReactNode } from 'react';
import { gantry } from '../../lib/bridge.ts';
import { parseAnsi, type Span } from './ansi.ts';

const link = /\bhttps?:\/\/[^\s"'<>`]+[^\s"'<>`.,;:!?)\]}]/g;

function colour(value: number | string): string {
  // A program's own colours were chosen for a dark screen: mixed with the text's they stay readable on a light one.
  return typeof value === 'number' ? `var(--ansi-${value})` : `color-mix(in oklab, ${value} 70%, var(--text))`;
}

function styleOf(span: Span): React.CSSProperties | undefined {
  const style: React.CSSProperties = {};
  const [fg, bg] = span.inverse ? [span.bg ?? 'var(--bg)', span.fg ?? 'var(--text)'] : [span.fg, span.bg];
  if (fg !== undefined) style.color = colour(fg);
  if (bg !== undefined) style.background = colour(bg);
  if (span.bold) style.fontWeight = 600;
  if (span.dim) style.opacity = 0.65;
  if (span.italic) style.fontStyle = 'italic';
  if (span.underline) style.textDecoration = 'underline';
  return Object.keys(style).length > 0 ? style : undefined;
}

/** A span's text with links and search hits marked. `from` is where it begins in the row. */
function marked(text: string, needle: string, current: boolean): ReactNode[] {
  const marks: { at: number; end: number; kind: 'hit' | 'link' }[] = [];
  if (needle) {
    const low = text.toLowerCase();
    for (let at = low.indexOf(needle); at >= 0; at = low.indexOf(needle, at + needle.length))
      marks.push({ at, end: at + needle.length, kind: 'hit' });
  } else {
    for (const found of text.matchAll(link)) marks.push({ at: found.index, end: found.index + found[0].length, kind: 'link' });
  }
  const parts: ReactNode[] = [];
  let at = 0;
  for (const mark of marks) {
    if (mark.at > at) parts.push(text.slice(at, mark.at));
    const inside = text.slice(mark.at, mark.end);
    parts.push(
      mark.kind === 'hit' ? (
        <mark key={mark.at} className={current ? 'current' : ''}>
          {inside}
        </mark>
      ) : (
        <a
          key={mark.at}
          href={inside}
          onClick={(event) => {
            event.preventDefault();
            void gantry().shell.openExternal(inside);
          }}
        >
          {inside}
        </a>
      ),
    );
    at = mark.end;
  }
  if (at < text.length) parts.push(text.slice(at));
  return parts;
}

interface LogLineProps {
  top: number;
  text: string;
  /** The part of the visible text that this row shows. */
  from: number;
  to: number;
  time: string | null;
  err: boolean;
  needle: string;
  current: boolean;
}

/** One row of the log view. */
export const LogLineRow = memo(function LogLineRow({ top, text, from, to, time, err, needle, current }: LogLineProps) {
  let at = 0;
  const parts: ReactNode[] = [];
  for (const span of parseAnsi(text)) {
    const start = Math.max(0, from - at);
    const stop = Math.min(span.text.length, to - at);
    if (start < stop) {
      parts.push(
        <span key={at} style={styleOf(span)}>
          {marked(span.text.slice(start, stop), needle, current)}
        </span>,
      );
    }
    at += span.text.length;
  }
  return (
    <div className={`log-row ${err ? 'err' : ''} ${current ? 'current' : ''}`} style={{ transform: `translateY(${top}px)` }}>
      {time !== null && <span className="log-time">{time}</span>}
      <span className="log-text">{parts}</span>
    </div>
  );
});
