import { tr } from './i18n.ts';

/** Bytes as people count them on disks (powers of 1000), three digits: `0 B`, `948 kB`, `1.21 GB`. */
export function formatSize(bytes: number): string {
  return scale(bytes, 1000, ['B', 'kB', 'MB', 'GB', 'TB', 'PB']);
}

/** Bytes as memory is counted (powers of 1024): `512 MiB`. */
export function formatMemory(bytes: number): string {
  return scale(bytes, 1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);
}

function scale(bytes: number, step: number, units: string[]): string {
  let value = bytes;
  let unit = 0;
  while (value >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  // 999.6 would be written "1000": then the next unit reads better.
  if (Math.round(value) >= step && unit < units.length - 1) {
    value /= step;
    unit++;
  }
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  const text = value.toFixed(digits);
  return `${digits > 0 ? text.replace(/\.?0+$/, '') : text} ${units[unit]}`;
}

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;

/** A span of time in one unit, as rows show it: `< 1 min`, `3 min`, `5 h`, `12 d`, `8 mo`, `2 y`. */
export function formatSpan(ms: number): string {
  if (ms < minute) return tr('time.underMinute');
  if (ms < hour) return tr('time.minutes', { n: Math.floor(ms / minute) });
  if (ms < 2 * day) return tr('time.hours', { n: Math.floor(ms / hour) });
  if (ms < 60 * day) return tr('time.days', { n: Math.floor(ms / day) });
  if (ms < 730 * day) return tr('time.months', { n: Math.floor(ms / (30 * day)) });
  return tr('time.years', { n: Math.floor(ms / (365 * day)) });
}

/** `3 min ago`. */
export function formatAgo(thenMs: number, nowMs: number): string {
  const span = Math.max(0, nowMs - thenMs);
  return span < minute ? tr('time.justNow') : tr('time.ago', { span: formatSpan(span) });
}

/** Exact, for tooltips: `2026-11-24 19:13:50`. */
export function formatExact(ms: number): string {
  const d = new Date(ms);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}:${two(d.getSeconds())}`;
}

/** `sha256:0123456789abcdef…` → `0123456789ab`. */
export function shortId(id: string): string {
  return id.replace(/^sha256:/, '').slice(0, 12);
}

/** ISO time of an inspect answer in ms; 0 for the engine's "never" (year 1). */
export function parseTime(iso: string | undefined): number {
  if (!iso || iso.startsWith('0001-')) return 0;
  const ms = Date.parse(iso.replace(/\.(\d{3})\d+/, '.$1'));
  return Number.isNaN(ms) ? 0 : ms;
}
