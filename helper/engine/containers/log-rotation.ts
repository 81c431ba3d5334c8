import { watch } from 'node:fs';
import { messageOf } from '../failure.ts';
import type { Container } from './container.ts';
import { type Engine, logPath } from './engine.ts';
import { logLimits } from './log-options.ts';
import { rotateIfLarger } from './streams/index.ts';

/** A busy log changes thousands of times a second; looking this often keeps it near its limit. */
const LOOK_EVERY_MS = 100;

/** json-file's `max-size` and `max-file`: the log is watched while the container runs. `live.stopRotation` ends it. */
export function startRotation(engine: Engine, container: Container): void {
  container.live.stopRotation?.();
  container.live.stopRotation = undefined;
  if (container.hostConfig.LogConfig?.Type === 'none') return;
  const { maxBytes, maxFiles } = logLimits(container.hostConfig);
  if (maxBytes === undefined) return;
  const log = logPath(engine, container.id);
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  const look = async (): Promise<void> => {
    timer = undefined;
    if (busy) return;
    busy = true;
    try {
      await rotateIfLarger(log, { maxBytes, maxFiles }, () => engine.monitor.reopenLog(engine.store.runFolder(container.id)));
    } catch (error) {
      engine.context.log.warn('a log could not be rotated', { container: container.id, error: messageOf(error) });
    } finally {
      busy = false;
    }
  };
  // The folder, not the file: the file is renamed away.
  const watcher = watch(engine.store.folder(container.id), (_, name) => {
    if (name === 'container.log') timer ??= setTimeout(() => void look(), LOOK_EVERY_MS);
  });
  watcher.on('error', () => undefined);
  container.live.stopRotation = () => {
    clearTimeout(timer);
    watcher.close();
  };
}
