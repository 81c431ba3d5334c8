import './progress.css';

/** A thin bar; `value` from 0 to 1, null while the total is unknown. */
export function Progress({ value, label, tone = 'accent' }: { value: number | null; label: string; tone?: 'accent' | 'done' | 'failed' }) {
  const percent = value === null ? undefined : Math.round(value * 100);
  return (
    <div className={`progress ${tone}`} role="progressbar" aria-label={label} aria-valuemin={0} aria-valuemax={100} aria-valuenow={percent}>
      <div className={value === null ? 'unknown' : ''} style={value === null ? undefined : { transform: `scaleX(${value})` }} />
    </div>
  );
}
