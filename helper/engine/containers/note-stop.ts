import { nowInstant } from '../instant.ts';
import type { StopFacts, StopRequest } from '../stops/types.ts';
import type { Container } from './container.ts';
import { type Engine, logPath } from './engine.ts';
import { holdLog } from './streams/index.ts';

const LINES = 20;
const LONGEST_OUTPUT = 1000;

/** Remembers who asked for the end of a run, until it comes. */
export function noteRequest(container: Container, request: Omit<StopRequest, 'time'>): void {
  container.live.stopRequest = { ...request, time: nowInstant() };
}

export type Ended = Pick<StopFacts, 'exitCode' | 'finishedAt'> & Partial<StopFacts>;

/**
 * Reports the end of a run, before anything of the container goes. What a container that removes itself did well is of no
 * interest to anybody.
 */
export function noteStop(engine: Engine, container: Container, ended: Ended): void {
  const { id, name, imageRef, hostConfig, live } = container;
  const request = live.stopRequest;
  live.stopRequest = undefined;
  if (!engine.stops || (hostConfig.AutoRemove && ended.exitCode === 0 && !request)) return;
  const { health } = live;
  engine.stops.note(
    {
      ...{ id, name, image: imageRef, startedAt: '', oomKilled: false, oomAt: live.oomAt, error: undefined, request },
      ...{ shutdown: engine.stopping, lost: false, restart: undefined },
      health:
        health && health.Status !== 'none'
          ? {
              Status: health.Status,
              FailingStreak: health.FailingStreak,
              Results: health.Log.map(({ Start, ExitCode, Output }) => ({ Start, ExitCode, Output: Output.slice(0, LONGEST_OUTPUT) })),
            }
          : undefined,
      ...ended,
    },
    // What the log has is of an earlier run, if this one did not start.
    ended.error === undefined ? holdLog(logPath(engine, id), LINES) : async () => [],
  );
}
