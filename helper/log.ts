import type { DaemonConfig, Log } from './engine/context.ts';

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40 } as const;

/**
 * The helper's log on stderr, one line a record: text for people (`2026-11-24T19:04:10.123Z warn message key=value`)
 * or JSON (`--log-format json`).
 */
export function createLog(
  level: DaemonConfig['logLevel'],
  format: DaemonConfig['logFormat'],
): Log & { setLevel(level: DaemonConfig['logLevel']): void } {
  let threshold: number = LEVELS[level];
  const write = (name: keyof typeof LEVELS, message: string, fields?: Record<string, unknown>): void => {
    if (LEVELS[name] < threshold) return;
    const time = new Date().toISOString();
    const line =
      format === 'json'
        ? JSON.stringify({ time, level: name, message, ...plain(fields) })
        : [time, name, message, ...Object.entries(plain(fields)).map(([key, value]) => `${key}=${quote(value)}`)].join(' ');
    process.stderr.write(`${line}\n`);
  };
  return {
    debug: (message, fields) => write('debug', message, fields),
    info: (message, fields) => write('info', message, fields),
    warn: (message, fields) => write('warn', message, fields),
    error: (message, fields) => write('error', message, fields),
    setLevel(next) {
      threshold = LEVELS[next];
    },
  };
}

function plain(fields: Record<string, unknown> = {}): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [key, value instanceof Error ? (value.stack ?? value.message) : value]),
  );
}

function quote(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /^[\w./:@-]+$/.test(text ?? '') ? (text ?? '') : JSON.stringify(text);
}
