import { Failure } from '../failure.ts';
import { type Engine, logPath, untilStopped } from './engine.ts';
import { logDetails } from './log-options.ts';
import { isRunning } from './state.ts';
import { logFiles, readLogs } from './streams/index.ts';
import type { LogsOptions, OutputStream } from './types.ts';

/** GET /containers/{id}/logs */
export async function logs(engine: Engine, reference: string, options: LogsOptions, signal: AbortSignal): Promise<OutputStream> {
  const container = engine.store.get(reference);
  if (!options.stdout && !options.stderr) {
    throw new Failure('invalidParameter', 'Bad parameters: you must choose at least one stream');
  }
  if (container.hostConfig.LogConfig?.Type === 'none') {
    throw new Failure('notImplemented', 'configured logging driver does not support reading');
  }
  const multiplexed = !(container.config.Tty ?? false);
  const running = isRunning(container.state);
  const body = readLogs(
    {
      files: await logFiles(logPath(engine, container.id)),
      multiplexed,
      details: options.details ? logDetails(container) : '',
      ended: running ? untilStopped(container, undefined).then(() => undefined) : undefined,
    },
    options,
    signal,
  );
  return { multiplexed, body };
}
