import { useRef } from 'react';
import './splitter.css';

interface SplitterProps {
  label: string;
  /** `column`: between left and right; `row`: between top and bottom. The pane is after the line. */
  direction: 'column' | 'row';
  size: number;
  min: number;
  max: number;
  onResize: (size: number) => void;
  onDone?: (size: number) => void;
}

/** A line that can be dragged, or moved by the arrow keys. */
export function Splitter({ label, direction, size, min, max, onResize, onDone }: SplitterProps) {
  const start = useRef<{ at: number; size: number; last: number } | null>(null);
  const clamp = (value: number) => Math.round(Math.min(Math.max(value, min), Math.max(min, max)));
  return (
    // biome-ignore lint/a11y/useSemanticElements: an <hr> cannot be dragged and focused as ARIA's window splitter can
    <div
      className={`splitter between-${direction}s`}
      role="separator"
      aria-label={label}
      aria-orientation={direction === 'column' ? 'vertical' : 'horizontal'}
      aria-valuenow={Math.round(size)}
      aria-valuemin={min}
      aria-valuemax={Math.round(max)}
      tabIndex={0}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { at: direction === 'column' ? event.clientX : event.clientY, size, last: size };
      }}
      onPointerMove={(event) => {
        if (!start.current) return;
        const at = direction === 'column' ? event.clientX : event.clientY;
        start.current.last = clamp(start.current.size + start.current.at - at);
        onResize(start.current.last);
      }}
      onPointerUp={() => {
        if (start.current) onDone?.(start.current.last);
        start.current = null;
      }}
      onKeyDown={(event) => {
        const more = direction === 'column' ? 'ArrowLeft' : 'ArrowUp';
        const less = direction === 'column' ? 'ArrowRight' : 'ArrowDown';
        if (event.key !== more && event.key !== less) return;
        event.preventDefault();
        const next = clamp(size + (event.key === more ? 24 : -24));
        onResize(next);
        onDone?.(next);
      }}
    />
  );
}
