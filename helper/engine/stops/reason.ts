import type { Reason, StopFacts } from './types.ts';

/** Exit codes from here on are those of a process that a signal ended: 128 and the signal's number. */
const SIGNALLED = 128;
const LARGEST_SIGNAL = 64;
const SIGKILL = 9;
/** A signal is taken for the cause of an end that comes so long after it, and no longer: a process may ignore it. */
const OBEYED_MS = 30_000;

const SIGKILLED = SIGNALLED + SIGKILL;
/** What the kernel kills for want of memory ends within this time, and so does a shell that waited for it. */
const OOM_MS = 10_000;

/** The number of the signal that an exit code tells of; undefined when it tells of none. */
export function signalOf(exitCode: number): number | undefined {
  return exitCode > SIGNALLED && exitCode <= SIGNALLED + LARGEST_SIGNAL ? exitCode - SIGNALLED : undefined;
}

/**
 * Who or what ended a run. Pure. A request comes before what the kernel says: a container that is stopped while it is short
 * of memory was stopped. A request's signal that the process survived for long is not what ended it, and neither is a want of memory that
 * took another process of the container, whatever the first one's exit code was then.
 */
export function reasonOf(facts: StopFacts): Reason {
  const { exitCode, request } = facts;
  if (facts.error !== undefined) return { cause: 'start', by: 'engine', forced: false };
  if (facts.lost) return { cause: 'lost', by: 'host', forced: false };
  const signal = signalOf(exitCode);
  const forced = signal === SIGKILL;
  if (facts.shutdown) return { cause: 'shutdown', by: 'engine', forced };
  if (request && obeyed(facts)) {
    const asked = request.call === 'kill' || request.call === 'remove';
    return { cause: request.call === 'kill' ? 'killed' : 'stopped', by: 'api', forced: forced && !asked && request.signal !== SIGKILL };
  }
  if (killedForMemory(facts)) return { cause: 'oom', by: 'kernel', forced: false };
  if (signal !== undefined) return { cause: 'signal', by: 'unknown', forced: false };
  return { cause: 'exited', by: 'process', forced: false };
}

function killedForMemory({ exitCode, oomKilled, oomAt, finishedAt }: StopFacts): boolean {
  if (!oomKilled || exitCode !== SIGKILLED) return false;
  return oomAt === undefined || Date.parse(finishedAt) - Date.parse(oomAt) <= OOM_MS;
}

/** A stop, a restart and a removal don't end before the container does; a signal alone may be ignored. */
function obeyed({ request, finishedAt }: StopFacts): boolean {
  if (!request) return false;
  return request.call !== 'kill' || Date.parse(finishedAt) - Date.parse(request.time) <= OBEYED_MS;
}
