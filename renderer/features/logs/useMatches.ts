import { useEffect, useRef, useState } from 'react';
import type { LogSession } from './session.ts';

/** Lines searched between two frames: about 5 ms. */
const slice = 60_000;

/**
 * The lines that contain a text, found in slices so that a million lines never hold up a frame, and kept up as lines come.
 * @returns null while there is nothing to look for
 */
export function useMatches(
  session: LogSession,
  needle: string,
  stream: 'all' | 'out' | 'err',
  version: number,
): { lines: number[]; busy: boolean } | null {
  const active = needle !== '' || stream !== 'all';
  const [, redraw] = useState(0);
  const work = useRef<{ key: string; lines: number[]; done: number }>({ key: '', lines: [], done: 0 });
  const key = `${stream}:${needle}`;

  useEffect(() => {
    void version;
    if (!active) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const step = () => {
      if (work.current.key !== key) work.current = { key, lines: [], done: session.store.first };
      const state = work.current;
      const { first, end } = session.store;
      const stop = Math.min(end, Math.max(state.done, first) + slice);
      const found = session.store.find(needle, state.done, stop, stream);
      const kept = state.lines.length > 0 && (state.lines[0] ?? 0) < first ? state.lines.filter((line) => line >= first) : state.lines;
      work.current = { key, lines: found.length > 0 ? kept.concat(found) : kept, done: stop };
      redraw((n) => n + 1);
      if (stop < end) timer = setTimeout(step);
    };
    step();
    return () => clearTimeout(timer);
  }, [session, active, key, needle, stream, version]);

  if (!active) return null;
  const state = work.current;
  return state.key === key ? { lines: state.lines, busy: state.done < session.store.end } : { lines: [], busy: true };
}
