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
  const following = options.follow && isRunning(container.state);
  // A container runs for months, and its readers come and go: none of them may be remembered.
  const left = new AbortController();
  const body = readLogs(
    {
      files: await logFiles(logPath(engine, container.id)),
      multiplexed,
      details: options.details ? logDetails(container) : '',
      ended: following ? untilStopped(container, undefined, left.signal).then(() => undefined) : undefined,
    },
    options,
    signal,
  );
  body.once('close', () => left.abort());
  return { multiplexed, body };
}
