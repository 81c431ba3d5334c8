import type { Health, HealthConfig, HealthLog } from '../../contract/docker/index.ts';
import { isEnding } from '../../system/process/ended.ts';
import { goDuration, timerMs } from '../duration.ts';
import { messageOf } from '../failure.ts';
import { fromNanos, nowNanos, toNanos } from '../instant.ts';
import type { Container } from './container.ts';
import { type Engine, emit } from './engine.ts';

const SECOND = 1_000_000_000;
const DEFAULT_INTERVAL = 30 * SECOND;
const DEFAULT_TIMEOUT = 30 * SECOND;
const DEFAULT_START_INTERVAL = 5 * SECOND;
const DEFAULT_RETRIES = 3;
const MAX_RESULTS = 5;
const MAX_OUTPUT_BYTES = 4096;
/** Starting an added process takes its time on a loaded host; that is not the check's fault. */
const START_GRACE_MS = 30_000;

/** The command of a check; undefined when there is none, or it is switched off (`NONE`). */
export function checkCommand(check: HealthConfig | undefined, shell: readonly string[] | null | undefined): string[] | undefined {
  const [kind, ...words] = check?.Test ?? [];
  if (kind === 'CMD') return words;
  if (kind === 'CMD-SHELL') return [...(shell?.length ? shell : ['/bin/sh', '-c']), ...words];
  return undefined;
}

/**
 * The health after one more result. Failures within the start period of a container that was never healthy don't count. Pure.
 * Source: Docker's HEALTHCHECK documentation; dockerd's health.go.
 */
export function nextHealth(health: Health, result: HealthLog, check: HealthConfig, startedAt: bigint): Health {
  const Log = [...health.Log, result].slice(-MAX_RESULTS);
  if (result.ExitCode === 0) return { Status: 'healthy', FailingStreak: 0, Log };
  const early = health.Status === 'starting' && isEarly(Number(toNanos(result.Start) - startedAt), check);
  if (early) return { ...health, Log };
  const FailingStreak = health.FailingStreak + 1;
  const retries = (check.Retries ?? 0) > 0 ? (check.Retries ?? 0) : DEFAULT_RETRIES;
  return { Status: FailingStreak >= retries ? 'unhealthy' : health.Status, FailingStreak, Log };
}

/** Nanoseconds until the next check. Pure. */
export function nextInterval(health: Health, check: HealthConfig, sinceStart: number): number {
  const starting = isEarly(sinceStart, check) && health.Status === 'starting';
  return starting ? check.StartInterval || DEFAULT_START_INTERVAL : check.Interval || DEFAULT_INTERVAL;
}

/** In the start period. A clock that was set back behind the start tells nothing: then it is over, rather than as long as that. */
function isEarly(sinceStart: number, { StartPeriod = 0 }: HealthConfig): boolean {
  return sinceStart >= 0 && sinceStart < StartPeriod;
}

/** Begins (or, after a pause, goes on with) the checks of a running container; `live.stopHealth` ends them. */
export function startHealth(engine: Engine, container: Container, options: { resumed?: boolean } = {}): void {
  container.live.stopHealth?.();
  container.live.stopHealth = undefined;
  const check = container.config.Healthcheck;
  const command = checkCommand(check, container.config.Shell);
  if (!check || !command || container.state.status !== 'running') {
    container.live.health = undefined;
    return;
  }
  if (!options.resumed || !container.live.health) {
    container.live.health = { Status: 'starting', FailingStreak: 0, Log: container.live.health?.Log ?? [] };
  }
  container.live.summary = undefined;
  const { pid } = container.state;
  const startedAt = toNanos(container.state.startedAt);
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  container.live.stopHealth = () => {
    abort.abort();
    clearTimeout(timer);
    // Nobody looks any more: dockerd calls that unhealthy, without an event.
    if (container.live.health) container.live.health = { ...container.live.health, Status: 'unhealthy' };
    container.live.summary = undefined;
  };
  const schedule = (): void => {
    if (abort.signal.aborted || !container.live.health) return;
    const nanos = nextInterval(container.live.health, check, Number(nowNanos() - startedAt));
    timer = setTimeout(() => void once(), timerMs(nanos / 1e6));
  };
  const once = async (): Promise<void> => {
    const result = await probe(engine, container, command, check, abort.signal);
    // The container ended (which we hear of a moment later) or was paused while the check ran: its result says nothing.
    if (abort.signal.aborted || !container.live.health || isEnding(pid)) return;
    engine.context.meter?.healthCheck(result.ExitCode !== 0);
    const before = container.live.health.Status;
    container.live.health = nextHealth(container.live.health, result, check, startedAt);
    container.live.summary = undefined;
    if (container.live.health.Status !== before) emit(engine, container, `health_status: ${container.live.health.Status}`);
    schedule();
  };
  schedule();
}

async function probe(
  engine: Engine,
  container: Container,
  command: string[],
  check: HealthConfig,
  signal: AbortSignal,
): Promise<HealthLog> {
  const Start = fromNanos(nowNanos());
  const done = (ExitCode: number, Output: string): HealthLog => ({ Start, End: fromNanos(nowNanos()), ExitCode, Output });
  const output = new LimitedOutput();
  try {
    const id = await engine.execs.create(container.id, {
      AttachStdout: true,
      AttachStderr: true,
      Cmd: command,
      ...(container.config.User ? { User: container.config.User } : {}),
    });
    const timeoutNanos = check.Timeout || DEFAULT_TIMEOUT;
    const session = await withTimeout(engine.execs.start(id, { detach: false }), START_GRACE_MS);
    if (session === 'late' || !session) return done(-1, `timed out starting health check for container ${container.id}`);
    const { body } = session;
    const ended = new Promise<void>((resolve) => {
      body.on('data', (chunk: Buffer) => output.add(chunk, session.multiplexed));
      for (const event of ['end', 'close', 'error']) body.once(event, () => resolve());
    });
    const stop = (): void => {
      body.destroy();
    };
    signal.addEventListener('abort', stop, { once: true });
    const outcome = await withTimeout(ended, timeoutNanos / 1e6);
    signal.removeEventListener('abort', stop);
    if (outcome === 'late') {
      await killProbe(engine, id);
      body.destroy();
      const text = output.text();
      return done(-1, `Health check exceeded timeout (${goDuration(timeoutNanos)})${text ? `: ${text}` : ''}`);
    }
    return done(await exitCodeOf(engine, id), output.text());
  } catch (error) {
    return done(-1, messageOf(error));
  }
}

/** The streams end a moment before the exit is known. */
async function exitCodeOf(engine: Engine, id: string): Promise<number> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    const { Running, ExitCode } = await engine.execs.inspect(id);
    if (!Running && ExitCode !== null) return ExitCode;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return -1;
}

async function killProbe(engine: Engine, id: string): Promise<void> {
  const { Pid, Running } = await engine.execs.inspect(id);
  if (!Running || Pid <= 0) return;
  try {
    process.kill(Pid, 'SIGKILL');
  } catch {
    // ended meanwhile
  }
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T | 'late'> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), timerMs(timeoutMs));
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

const HEADER_BYTES = 8;

/** The first MAX_OUTPUT_BYTES of a check's output, frames taken off; the rest is read and forgotten. */
export class LimitedOutput {
  #parts: Buffer[] = [];
  #size = 0;
  #cut = false;
  #header = Buffer.alloc(0);
  #left = 0;

  add(chunk: Buffer, framed: boolean): void {
    let rest = chunk;
    while (rest.length) {
      if (framed && this.#left === 0) {
        const need = HEADER_BYTES - this.#header.length;
        this.#header = Buffer.concat([this.#header, rest.subarray(0, need)]);
        rest = rest.subarray(need);
        if (this.#header.length < HEADER_BYTES) return;
        this.#left = this.#header.readUInt32BE(4);
        this.#header = Buffer.alloc(0);
        continue;
      }
      const take = framed ? rest.subarray(0, this.#left) : rest;
      rest = rest.subarray(take.length);
      if (framed) this.#left -= take.length;
      this.#keep(take);
    }
  }

  #keep(bytes: Buffer): void {
    const kept = bytes.subarray(0, MAX_OUTPUT_BYTES - this.#size);
    if (kept.length < bytes.length) this.#cut = true;
    if (kept.length) this.#parts.push(Buffer.from(kept));
    this.#size += kept.length;
  }

  text(): string {
    return Buffer.concat(this.#parts).toString('utf8') + (this.#cut ? '...' : '');
  }
}
