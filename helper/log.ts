import { fstatSync } from 'node:fs';
import type { DaemonConfig, Log } from './engine/context.ts';

const LEVELS = { debug: 10, info: 20, warn: 30, error: 40, fatal: 50 } as const;
type Level = 'debug' | 'info' | 'warn' | 'error';
/** syslog's numbers, which journald reads before a line. Source: sd-daemon(3). */
const PRIORITIES = { debug: 7, info: 6, warn: 4, error: 3 } as const;
/** As dockerd's log names them. */
const NAMES = { debug: 'debug', info: 'info', warn: 'warning', error: 'error' } as const;

/**
 * The helper's log on stderr, one line a record: `2026-11-24T19:04:10.123Z warn message key=value` for people, without the time
 * and with a priority where journald reads it (it has the time), or JSON with dockerd's fields (`level`, `msg`, `time`).
 */
export function createLog(
  level: DaemonConfig['logLevel'],
  format: DaemonConfig['logFormat'],
): Log & { setLevel(level: DaemonConfig['logLevel']): void } {
  let threshold: number = LEVELS[level];
  const journal = format === 'text' && isJournal();
  // Who read it has gone (a pipe's end, a terminal): an error of which nobody can be told, and that a record of it would bring again.
  process.stderr.on('error', () => {});
  const write = (name: Level, message: string, fields?: Record<string, unknown>): void => {
    if (LEVELS[name] < threshold) return;
    process.stderr.write(`${format === 'json' ? jsonLine(name, message, fields) : textLine(name, message, fields, journal)}\n`);
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

function jsonLine(name: Level, message: string, fields: Record<string, unknown> | undefined): string {
  return JSON.stringify({ level: NAMES[name], msg: message, time: new Date().toISOString(), ...plain(fields) });
}

function textLine(name: Level, message: string, fields: Record<string, unknown> | undefined, journal: boolean): string {
  const start = journal ? [`<${PRIORITIES[name]}>${name}`] : [new Date().toISOString(), name];
  return [...start, message, ...Object.entries(plain(fields)).map(([key, value]) => `${key}=${quote(value)}`)].join(' ');
}

/** Whether stderr is the journal's own stream. Source: systemd.exec(5), JOURNAL_STREAM. */
function isJournal(): boolean {
  const stream = process.env.JOURNAL_STREAM;
  if (!stream) return false;
  try {
    const { dev, ino } = fstatSync(2);
    return stream === `${dev}:${ino}`;
  } catch {
    return false;
  }
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
