/** A length of time for people, in the words that `docker ps` shows (go-units' HumanDuration). */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < 1) return 'Less than a second';
  if (seconds === 1) return '1 second';
  if (seconds < 60) return `${seconds} seconds`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes === 1) return 'About a minute';
  if (minutes < 60) return `${minutes} minutes`;
  const hours = Math.trunc(ms / 3_600_000 + 0.5);
  if (hours === 1) return 'About an hour';
  if (hours < 48) return `${hours} hours`;
  const days = Math.trunc(hours / 24);
  if (hours < 24 * 7 * 2) return `${days} days`;
  if (hours < 24 * 30 * 2) return `${Math.trunc(hours / 24 / 7)} weeks`;
  if (hours < 24 * 365 * 2) return `${Math.trunc(hours / 24 / 30)} months`;
  return `${Math.trunc(ms / 3_600_000 / 24 / 365)} years`;
}

/** A duration in nanoseconds as Go prints it: `1m30s`, `500ms`, `30s`. */
export function goDuration(nanos: number): string {
  if (nanos === 0) return '0s';
  if (nanos < 1_000) return `${nanos}ns`;
  if (nanos < 1_000_000) return `${nanos / 1_000}µs`;
  if (nanos < 1_000_000_000) return `${nanos / 1_000_000}ms`;
  const total = nanos / 1_000_000_000;
  const hours = Math.trunc(total / 3600);
  const minutes = Math.trunc((total % 3600) / 60);
  const seconds = Number((total % 60).toFixed(9));
  return `${hours ? `${hours}h` : ''}${hours || minutes ? `${minutes}m` : ''}${seconds}s`;
}

/** `10m`, `1h30m`, `1.5s` → nanoseconds; undefined when it is not a Go duration. */
export function parseGoDuration(text: string): number | undefined {
  if (!/^(\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  const unit: Record<string, number> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 };
  let nanos = 0;
  for (const [, number, , name] of text.matchAll(/(\d+(\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) nanos += Number(number) * (unit[name ?? ''] ?? 0);
  return nanos;
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Milliseconds for setTimeout, which fires at once when it is asked for more than 24.8 days: that long at most then. */
export function timerMs(ms: number): number {
  return Math.min(ms, LONGEST_TIMER_MS);
}
