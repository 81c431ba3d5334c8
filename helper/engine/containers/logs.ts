import { Failure } from '../failure.ts';
import type { Container } from './container.ts';
import { type Engine, logPath, untilStopped } from './engine.ts';
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
      details: details(container),
      ended: running ? untilStopped(container, undefined).then(() => undefined) : undefined,
    },
    options,
    signal,
  );
  return { multiplexed, body };
}

/** What `--log-opt labels=…` and `env=…` add to each line: `key=value` pairs, sorted, as `docker logs --details` shows them. */
function details(container: Container): string {
  const options = container.hostConfig.LogConfig?.Config ?? {};
  const found = new Map<string, string>();
  const labels = container.config.Labels ?? {};
  for (const key of (options.labels ?? '').split(',')) if (key !== '' && key in labels) found.set(key, labels[key] ?? '');
  const wanted = new Set((options.env ?? '').split(','));
  for (const entry of container.config.Env ?? []) {
    const equals = entry.indexOf('=');
    if (equals > 0 && wanted.has(entry.slice(0, equals))) found.set(entry.slice(0, equals), entry.slice(equals + 1));
  }
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${encodeURIComponent(key)}=${encodeURIComponent(value)}`)
    .join(',');
}
