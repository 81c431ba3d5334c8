import { type Dialer, EngineClient, type Guard, identify, jsonLines } from '../engine-client/index.ts';
import type { EngineIdentity, HostState } from '../ipc/contract.ts';
import { anySignal, pause } from './abort.ts';
import { backoffMs } from './backoff.ts';
import { HostFailure, hostErrorOf } from './errors.ts';

export interface ConnectionOptions {
  /** For error messages: the socket's path, or an address. */
  where: string;
  dial: Dialer;
  /** Keeps to what the user has said of the host. */
  guard?: Guard;
  /** Runs before each attempt: starts the local helper when it is down. `asked` is true when the user wants it now. */
  prepare?: (signal: AbortSignal, asked: boolean) => Promise<void>;
  onState: (state: HostState) => void;
  onEvent: (message: unknown) => void;
  /** What a broken stream or a failed request can't say: why the connection below it was lost. */
  whyLost?: (failure: unknown) => Error | undefined;
  /** How long to wait after a failure; quicker for engines of this machine than for others. */
  pauses?: Pauses;
  /** For tests: in [0, 1). */
  random?: () => number;
}

export interface Pauses {
  /** Lost after it was connected. `attempt` counts from 1, `random` is in [0, 1). */
  lostMs: (attempt: number, random: number) => number;
  /** Never connected yet, for a reason that may pass by itself (the engine is started later). */
  failedMs: (attempt: number, random: number) => number;
}

const HANDSHAKE_MS = 10_000;
/** Podman may send the head of GET /events only with the first event: after this we go on without it. */
const EVENTS_HEAD_MS = 500;
const LOCAL_PAUSES: Pauses = { lostMs: backoffMs, failedMs: () => 10_000 };

/**
 * Keeps one host connected: handshake, then its event stream, whose end means the connection is lost. After a loss it tries
 * again by itself, with growing pauses; `reconnect()` tries at once.
 */
export class HostConnection {
  readonly #options: ConnectionOptions;
  readonly #stopped = new AbortController();
  /** Ends the present pause, or the present connection, so that the next attempt begins. */
  #wake = new AbortController();
  #asked = false;
  #renewed = false;
  #state: HostState = { status: 'connecting' };
  #client: EngineClient | undefined;
  #everConnected = false;
  #identity: EngineIdentity | undefined;
  #waiting = new Set<() => void>();
  #running: Promise<void> | undefined;

  constructor(options: ConnectionOptions) {
    this.#options = options;
  }

  get state(): HostState {
    return this.#state;
  }

  /** Ever, since the app has started. */
  get wasConnected(): boolean {
    return this.#everConnected;
  }

  /** Present while connected. */
  get client(): EngineClient | undefined {
    return this.#state.status === 'connected' ? this.#client : undefined;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** @param why what those hear who wait for the host */
  async stop(why = new Error('The host was removed')): Promise<void> {
    this.#stopped.abort(why);
    // At once: what is under way may take its time to end.
    this.#wakeAll();
    await this.#running;
  }

  /** Tries now instead of after the pause; when connected, checks the connection and makes a new one if it is dead. */
  reconnect(): void {
    if (this.#state.status === 'connected') void this.#check();
    else {
      this.#asked = true;
      this.#wake.abort();
    }
  }

  /** Connects anew also when it is connected: the way there is another one now. */
  renew(): void {
    this.#renewed = true;
    this.#asked = true;
    this.#wake.abort();
  }

  /** Resolves with the client as soon as the host is connected. Rejects with the signal's reason, or with why it was stopped. */
  async whenConnected(signal: AbortSignal): Promise<EngineClient> {
    for (;;) {
      if (signal.aborted) throw signal.reason;
      if (this.#stopped.signal.aborted) throw this.#stopped.signal.reason;
      const client = this.client;
      if (client) return client;
      await new Promise<void>((resolve) => {
        const done = () => {
          signal.removeEventListener('abort', done);
          this.#waiting.delete(done);
          resolve();
        };
        this.#waiting.add(done);
        signal.addEventListener('abort', done, { once: true });
      });
    }
  }

  async #check(): Promise<void> {
    const client = this.#client;
    const wake = this.#wake;
    try {
      const answer = await client?.request({ method: 'GET', path: '/_ping', fresh: true, signal: AbortSignal.timeout(3000) });
      answer?.body.resume();
    } catch {
      this.#asked = true;
      wake.abort();
    }
  }

  async #run(): Promise<void> {
    const stopped = this.#stopped.signal;
    let attempt = 0;
    while (!stopped.aborted) {
      this.#wake = new AbortController();
      const asked = this.#asked;
      this.#asked = false;
      this.#renewed = false;
      if (asked && !this.#everConnected) this.#become({ status: 'connecting' });
      let failure: unknown;
      try {
        await this.#connectOnce(asked, () => {
          attempt = 0;
        });
        failure = Object.assign(new Error('the event stream ended'), { code: 'ECONNRESET' });
      } catch (error) {
        failure = error;
      }
      if (!(failure instanceof HostFailure)) failure = this.#options.whyLost?.(failure) ?? failure;
      this.#client?.close();
      this.#client = undefined;
      if (stopped.aborted) break;
      if (this.#renewed) {
        // It was not lost: nobody is told of a failure.
        this.#become({ status: 'connecting' });
        continue;
      }
      attempt += 1;
      const waitMs = this.#fail(failure, attempt);
      if (this.#asked) continue;
      const { signal, release } = anySignal(stopped, this.#wake.signal);
      await pause(waitMs, signal);
      release();
    }
    this.#wakeAll();
  }

  /** Connects and stays until the connection is lost; returns or throws then. */
  async #connectOnce(asked: boolean, onConnected: () => void): Promise<void> {
    const handshake = anySignal(this.#stopped.signal, this.#wake.signal);
    try {
      await this.#options.prepare?.(handshake.signal, asked);
      const client = new EngineClient(this.#options.dial, this.#options.guard);
      this.#client = client;
      const limited = anySignal(handshake.signal, AbortSignal.timeout(HANDSHAKE_MS));
      const engine = await identify(client, limited.signal).finally(limited.release);
      const events = client.stream('GET', '/events', { signal: handshake.signal });
      events.catch(() => {});
      await Promise.race([events, pause(EVENTS_HEAD_MS, handshake.signal)]);
      this.#everConnected = true;
      this.#identity = engine;
      onConnected();
      this.#become({ status: 'connected', engine, since: Date.now() });
      for await (const message of jsonLines((await events).body)) this.#options.onEvent(message);
    } finally {
      handshake.release();
    }
  }

  /** Publishes why it failed; returns how long to wait before the next attempt. */
  #fail(failure: unknown, attempt: number): number {
    const error = hostErrorOf(failure, this.#options.where);
    const final = failure instanceof HostFailure && failure.final;
    const { pauses = LOCAL_PAUSES, random = Math.random } = this.#options;
    if (final || !this.#everConnected) {
      // Shown once, not on every quiet look.
      const before = this.#state;
      const same = before.status === 'failed' && before.error.code === error.code && before.error.detail === error.detail;
      if (!same) this.#become({ status: 'failed', error });
      return final ? 2 ** 31 - 1 : pauses.failedMs(attempt, random());
    }
    const waitMs = pauses.lostMs(attempt, random());
    this.#become({
      status: 'reconnecting',
      error,
      ...(this.#identity && { engine: this.#identity }),
      retryAt: Date.now() + waitMs,
      attempt,
    });
    return waitMs;
  }

  #become(state: HostState): void {
    this.#state = state;
    this.#options.onState(state);
    if (state.status === 'connected') this.#wakeAll();
  }

  #wakeAll(): void {
    for (const wake of [...this.#waiting]) wake();
  }
}
