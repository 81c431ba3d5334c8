import { watch } from 'node:fs';
import { messageOf } from '../failure.ts';
import type { Container } from './container.ts';
import { type Engine, logPath } from './engine.ts';
import { logLimits } from './log-options.ts';
import { beginLog, keepReplaced } from './streams/index.ts';

/** The bytes that the monitor may write to one file, and the files there may be; undefined: no limit. */
export function rotationOf(container: Container): { maxBytes: number; maxFiles: number } | undefined {
  if (container.hostConfig.LogConfig?.Type === 'none') return undefined;
  const { maxBytes, maxFiles } = logLimits(container.hostConfig);
  return maxBytes === undefined || maxBytes <= 0 ? undefined : { maxBytes, maxFiles };
}

/**
 * json-file's `max-size` and `max-file`. The monitor itself begins the file anew at its limit, however fast a container writes and
 * whether or not the helper lives; here what it leaves is kept. Begins before the monitor does; `live.stopRotation` ends it.
 */
export function startRotation(engine: Engine, container: Container): void {
  container.live.stopRotation?.();
  container.live.stopRotation = undefined;
  const limits = rotationOf(container);
  if (!limits) return;
  const log = logPath(engine, container.id);
  const keep = (): void => {
    try {
      keepReplaced(log, limits.maxFiles);
    } catch (error) {
      engine.context.log.warn('a log could not be rotated', { container: container.id, error: messageOf(error) });
    }
  };
  // The folder, not the file: another takes its place. At once: the one after may come in some milliseconds.
  const watcher = watch(engine.store.folder(container.id), (event, name) => {
    if (event === 'rename' && name === 'container.log') keep();
  });
  watcher.on('error', () => undefined);
  beginLog(log, limits);
  keep();
  container.live.stopRotation = () => {
    watcher.close();
    keep();
  };
}
