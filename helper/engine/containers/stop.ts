import { Failure, isFailure, messageOf } from '../failure.ts';
import { parseSignal, SIGTERM } from '../signals.ts';
import type { Container } from './container.ts';
import { type Engine, emit, untilStopped } from './engine.ts';
import { killAndWait, sendSignal } from './kill.ts';
import { noteRequest } from './note-stop.ts';
import { isRunning } from './state.ts';

/** What a container has to obey when nobody says otherwise. */
export const DEFAULT_TIMEOUT_SECONDS = 10;

export interface StopOptions {
  signal?: string;
  /** -1: for ever. */
  timeoutSeconds?: number;
  /** What the client calls itself. */
  client?: string;
  /** The request that it is part of. */
  call?: 'stop' | 'restart';
}

/** POST /containers/{id}/stop. @throws Failure notModified when it does not run */
export async function stopContainer(engine: Engine, reference: string, options: StopOptions): Promise<void> {
  const container = engine.store.get(reference);
  if (!isRunning(container.state)) throw new Failure('notModified', 'container is already stopped');
  try {
    await stopNow(engine, container, options);
  } catch (error) {
    throw new Failure('system', `cannot stop container: ${reference}: ${messageOf(error)}`, { cause: error });
  }
}

/** The container's stop signal, time to obey, then SIGKILL. Resolves when its exit is recorded; does nothing when it does not run. */
export async function stopNow(engine: Engine, container: Container, options: StopOptions): Promise<void> {
  if (!isRunning(container.state)) return;
  const signal = options.signal
    ? parseSignal(options.signal)
    : container.config.StopSignal
      ? parseSignal(container.config.StopSignal)
      : SIGTERM;
  const seconds = options.timeoutSeconds ?? container.config.StopTimeout ?? DEFAULT_TIMEOUT_SECONDS;
  // Whatever the signal, a stop is the user's wish: the policy must not start it again. (An engine that stops is no user.)
  container.stoppedByUser ||= !engine.stopping;
  noteRequest(container, { call: options.call ?? 'stop', signal, ...(options.client ? { client: options.client } : {}) });
  let waitMs = seconds < 0 ? undefined : seconds * 1000;
  try {
    await sendSignal(engine, container, signal);
  } catch (error) {
    if (!isFailure(error)) throw error;
    if (isRunning(container.state)) waitMs = 2_000;
  }
  if (!(await untilStopped(container, waitMs))) await killAndWait(engine, container);
  emit(engine, container, 'stop');
}
