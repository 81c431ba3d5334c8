import { useMemo, useState } from 'react';
import { useTranslation } from 'react-i18next';
import { CopyButton } from './Panels.tsx';
import './json.css';

interface Line {
  path: string;
  depth: number;
  name: string | null;
  /** A leaf's text, or the bracket of a branch. */
  text: string;
  kind: 'string' | 'number' | 'word' | 'open' | 'close' | 'empty';
  comma: boolean;
}

/** A JSON value as lines; branches in `folded` are one line. Exported for its test. */
export function jsonLines(value: unknown, folded: ReadonlySet<string>): Line[] {
  const lines: Line[] = [];
  const walk = (v: unknown, path: string, depth: number, name: string | null, comma: boolean) => {
    if (typeof v === 'object' && v !== null) {
      const entries = Array.isArray(v) ? v.map((item, i) => [String(i), item] as const) : Object.entries(v);
      const [open, close] = Array.isArray(v) ? ['[', ']'] : ['{', '}'];
      if (entries.length === 0) lines.push({ path, depth, name, text: open + close, kind: 'empty', comma });
      else if (folded.has(path)) lines.push({ path, depth, name, text: `${open} ${entries.length} … ${close}`, kind: 'open', comma });
      else {
        lines.push({ path, depth, name, text: open, kind: 'open', comma: false });
        for (const [i, [key, item]] of entries.entries())
          walk(item, `${path}/${key}`, depth + 1, Array.isArray(v) ? null : key, i < entries.length - 1);
        lines.push({ path, depth, name: null, text: close, kind: 'close', comma });
      }
    } else {
      const kind = typeof v === 'string' ? 'string' : typeof v === 'number' ? 'number' : 'word';
      lines.push({ path, depth, name, text: JSON.stringify(v) ?? 'null', kind, comma });
    }
  };
  walk(value, '', 0, null, false);
  return lines;
}

/** JSON as a tree with search and copy. */
export function JsonView({ value }: { value: unknown }) {
  const { t } = useTranslation();
  const [folded, setFolded] = useState<ReadonlySet<string>>(new Set());
  const [search, setSearch] = useState('');
  const lines = useMemo(() => jsonLines(value, search ? new Set() : folded), [value, folded, search]);
  const needle = search.toLowerCase();
  const hits = needle ? lines.filter((l) => `${l.name ?? ''} ${l.text}`.toLowerCase().includes(needle)) : [];
  const shown = needle ? hits : lines;
  return (
    <div className="json">
      <div className="json-bar">
        <input
          className="input"
          value={search}
          placeholder={t('json.search')}
          aria-label={t('json.search')}
          spellCheck={false}
          onChange={(e) => setSearch(e.target.value)}
        />
        {needle && <span className="dim num">{t('json.hits', { count: hits.length })}</span>}
        <CopyButton text={JSON.stringify(value, null, 2)} name={t('json.copy')} />
      </div>
      <div className="json-lines mono select">
        {shown.map((line) => {
          const branch = line.kind === 'open' && !needle;
          return (
            <div key={`${line.path}${line.kind}`} style={{ paddingLeft: 16 + (needle ? 0 : line.depth * 14) }}>
              {branch && (
                <button
                  type="button"
                  className="json-fold"
                  aria-label={t(folded.has(line.path) ? 'action.expand' : 'action.collapse')}
                  aria-expanded={!folded.has(line.path)}
                  onClick={() => {
                    const next = new Set(folded);
                    if (!next.delete(line.path)) next.add(line.path);
                    setFolded(next);
                  }}
                >
                  {folded.has(line.path) ? '▸' : '▾'}
                </button>
              )}
              {needle && <span className="dim">{line.path.slice(1).replaceAll('/', '.')} </span>}
              {!needle && line.name !== null && <span className="json-name">{JSON.stringify(line.name)}: </span>}
              <span className={`json-${line.kind}`}>{line.text}</span>
              {line.comma && !needle && ','}
            </div>
          );
        })}
      </div>
    </div>
  );
}
