import { hasEnded } from '../../system/process/ended.ts';
import { Failure, messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { checkSupported, parseSignal, SIGKILL } from '../signals.ts';
import type { Container } from './container.ts';
import { cancelRestart, cgroupsPath, type Engine, emit, runtimeOf, untilStopped } from './engine.ts';
import { recordExit } from './exit.ts';
import { untilCaught } from './first-moments.ts';
import { noteRequest } from './note-stop.ts';
import { isRunning } from './state.ts';

/** A killed process has this long to be seen dead. */
const KILL_WAIT_MS = 10_000;
/** The same when there is nobody who could see it. */
const UNMONITORED_WAIT_MS = 500;
/** What a shell adds to the number of the signal that ended a process. */
const SIGNAL_EXIT = 128;

const notRunning = (container: Container): Failure => new Failure('conflict', `container ${container.id} is not running`);

/** POST /containers/{id}/kill. SIGKILL resolves when the container has stopped, other signals when they were sent. */
export async function kill(engine: Engine, reference: string, signal: string, client?: string): Promise<void> {
  const number = signal === '' ? SIGKILL : parseSignal(signal);
  checkSupported(number);
  const container = engine.store.get(reference);
  if (!isRunning(container.state)) {
    throw notRunning(container);
  }
  if (endsIt(container, number)) noteRequest(container, { call: 'kill', signal: number, ...(client ? { client } : {}) });
  if (number === SIGKILL) await killAndWait(engine, container);
  else await sendSignal(engine, container, number);
}

/** Whether `signal` is meant to end the container: dockerd's rule for "stopped by the user". */
function endsIt(container: Container, signal: number): boolean {
  if (signal === SIGKILL || !container.config.StopSignal) return true;
  return parseSignal(container.config.StopSignal) === signal;
}

/**
 * Sends a signal in the container's queue, so that it can't race with a start. A paused container that is to end is thawed after.
 * @throws Failure conflict when it does not run (any more)
 */
export async function sendSignal(engine: Engine, container: Container, signal: number): Promise<void> {
  await engine.queue.run(container.id, async () => {
    if (!isRunning(container.state)) throw notRunning(container);
    const ends = endsIt(container, signal);
    if (ends) container.stoppedByUser ||= !engine.stopping;
    if (container.state.status === 'restarting') {
      // Nothing runs now: calling off the next start is the whole of it.
      if (ends) await stopRestarting(engine, container);
      return;
    }
    // Stored before the signal: if the helper dies between the two, the restart policy must not undo the user's wish.
    if (ends) await engine.store.saveState(container);
    await untilCaught(container, signal);
    try {
      await runtimeOf(engine, container).kill(container.id, signal);
    } catch (error) {
      throw new Failure('system', `Cannot kill container ${container.id}: ${messageOf(error)}`, { cause: error });
    }
    emit(engine, container, 'kill', { signal: String(signal) });
    if (ends && container.state.paused) {
      await engine.cgroups.thaw(cgroupsPath(engine, container));
      container.state = { ...container.state, paused: false };
      container.live.summary = undefined;
      emit(engine, container, 'unpause');
    }
  });
}

/** Ends a back-off. In the container's queue. */
async function stopRestarting(engine: Engine, container: Container): Promise<void> {
  if (container.state.status !== 'restarting') return;
  cancelRestart(container);
  container.state = { ...container.state, status: 'exited' };
  await engine.store.saveState(container);
}

/** SIGKILL, and wait until its exit is recorded. Resolves too when it was gone already. @throws Failure system when it won't die */
export async function killAndWait(engine: Engine, container: Container): Promise<void> {
  try {
    await sendSignal(engine, container, SIGKILL);
  } catch (error) {
    if (!isRunning(container.state)) return;
    throw error;
  }
  const monitored = container.state.status === 'running' && !hasEnded(container.state.monitorPid);
  if (await untilStopped(container, monitored ? KILL_WAIT_MS : UNMONITORED_WAIT_MS)) return;
  const state = await runtimeOf(engine, container).state(container.id);
  if (state && state.status !== 'stopped') await runtimeOf(engine, container).kill(container.id, SIGKILL, true);
  if (await untilStopped(container, UNMONITORED_WAIT_MS)) return;
  await recordUnseen(engine, container);
  if (isRunning(container.state)) throw new Failure('system', 'tried to kill container, but did not receive an exit event');
}

/** The monitor is gone (killed by hand, or for want of memory), and with it the exit file that would have come. */
async function recordUnseen(engine: Engine, container: Container): Promise<void> {
  await engine.queue.run(container.id, async () => {
    const { state } = container;
    if (state.status !== 'running' || !hasEnded(state.pid)) return;
    engine.context.log.warn('the end of a container is recorded without its monitor', { container: container.id });
    await recordExit(engine, container, { exitCode: SIGNAL_EXIT + SIGKILL, at: nowInstant() });
  });
}
