import { type EngineClient, EngineError, ProtocolError } from '../engine-client/index.ts';
import { pause } from '../hosts/abort.ts';
import type { LogLine, OpenLogs } from '../ipc/contract.ts';
import { containerState } from './containers.ts';
import { LineQueue } from './line-queue.ts';
import { LogParser, type ParsedLine } from './log-parser.ts';
import { LogPosition } from './log-position.ts';
import { type LogTime, sinceParameter } from './log-time.ts';
import { checkUp, type StreamPort } from './port.ts';

export interface LogsOptions {
  request: OpenLogs;
  port: StreamPort;
  /** Waits until the host is connected. Rejects when the host is removed. */
  whenConnected: (signal: AbortSignal) => Promise<EngineClient>;
  /** Pause between two tries; for tests. */
  retryMs?: number;
}

/**
 * Reads a container's log into a port until it ends, the port is closed, or the container is gone. Lost connections are taken up
 * again where they broke. Always asks for time stamps: they are how it knows where that was.
 */
export async function readLogs(options: LogsOptions): Promise<void> {
  const { port, request } = options;
  const abort = new AbortController();
  const queue = new LineQueue((message) => port.post(message));
  const close = () => {
    abort.abort();
    queue.close();
  };
  port.listen((message) => {
    const up = checkUp(message);
    if (up?.t === 'credit') queue.credit(up.bytes);
    if (up?.t === 'close') {
      close();
      port.close();
    }
  }, close);
  const reader = new Reader(request, queue, abort.signal);
  let cut = false;
  while (!abort.signal.aborted) {
    try {
      const client = await options.whenConnected(abort.signal);
      const outcome = await reader.read(client, () => {
        if (cut) queue.control({ t: 'resumed' });
        cut = false;
      });
      if (outcome === 'eof') return queue.control({ t: 'end', reason: 'eof' });
      await pause(options.retryMs ?? 250, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) return;
      const message = error instanceof Error ? error.message : String(error);
      if (!isCut(error)) return queue.control({ t: 'end', reason: 'error', message });
      if (!cut) queue.control({ t: 'end', reason: 'disconnected', message });
      cut = true;
      await pause(options.retryMs ?? 250, abort.signal);
    }
  }
}

/** A broken connection has a system's code; what an engine says, or what makes no sense, will not change by asking again. */
function isCut(error: unknown): boolean {
  if (error instanceof EngineError || error instanceof ProtocolError) return false;
  return typeof (error as NodeJS.ErrnoException).code === 'string' || (error as Error).name === 'AbortError';
}

class Reader {
  readonly #request: OpenLogs;
  readonly #queue: LineQueue;
  readonly #signal: AbortSignal;
  readonly #position = new LogPosition();
  /** The engine's clock when it was first asked (whole seconds): where to go on if nothing was read until the cut. */
  #asked: LogTime | undefined;

  constructor(request: OpenLogs, queue: LineQueue, signal: AbortSignal) {
    this.#request = request;
    this.#queue = queue;
    this.#signal = signal;
  }

  /**
   * Reads until the engine ends the log. @returns `again` if it ended while the container runs (an engine that goes down politely)
   * @throws what broke the connection, EngineError for what the engine refuses
   */
  async read(client: EngineClient, onOpen: () => void): Promise<'eof' | 'again'> {
    const { containerId, follow } = this.#request;
    const container = await containerState(client, containerId, this.#signal);
    const answer = await client.stream('GET', this.#path(container.id), { signal: this.#signal });
    const date = Date.parse(answer.headers.date ?? '');
    if (!Number.isNaN(date)) this.#asked ??= { seconds: Math.floor(date / 1000), nanos: 0 };
    onOpen();
    const parser = new LogParser(container.tty);
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      for (const line of parser.push(chunk)) this.#deliver(line);
      await this.#queue.room();
    }
    for (const line of parser.flush()) this.#deliver(line);
    if (!follow) return 'eof';
    const now = await containerState(client, container.id, this.#signal);
    return now.running || now.restarting ? 'again' : 'eof';
  }

  #path(id: string): string {
    const { tail, follow, since } = this.#request;
    const query = new URLSearchParams({ stdout: '1', stderr: '1', timestamps: '1', follow: follow ? '1' : '0' });
    const at = this.#position.resume(tail === 'all' && since === undefined) ?? (tail === 0 ? this.#asked : undefined);
    if (at) query.set('since', sinceParameter(at));
    else {
      query.set('tail', String(tail));
      if (since !== undefined) query.set('since', since);
    }
    return `/containers/${encodeURIComponent(id)}/logs?${query}`;
  }

  #deliver({ time, stamp, err, text, bytes }: ParsedLine): void {
    if (!this.#position.accept(time, err, text.length)) return;
    const line: LogLine = { ms: time ? time.seconds * 1000 + Math.floor(time.nanos / 1e6) : 0, err, text };
    if (this.#request.timestamps) line.time = stamp;
    this.#queue.line(line, bytes);
  }
}
