import type { ContainerState, ContainerStatus, Health } from '../../contract/docker/index.ts';
import { humanDuration } from '../duration.ts';
import { NEVER } from '../instant.ts';

/** Where a container stands. What can't be is not expressible; each change goes through the container's queue. */
export type State = CreatedState | RunningState | RestartingState | ExitedState | RemovingState;

/** Never ran, or never got as far: `error` and `exitCode` (126, 127, 128) then say why. */
export interface CreatedState {
  status: 'created';
  exitCode: number;
  error: string;
}
export interface RunningState {
  status: 'running';
  pid: number;
  monitorPid: number;
  startedAt: string;
  paused: boolean;
  /** The kernel killed one of its processes; the first one may live on. */
  oomKilled: boolean;
  /** Of the run before; NEVER for the first. */
  finishedAt: string;
}
/** Exited, and will be started again by its restart policy when the back-off is over. */
export interface RestartingState {
  status: 'restarting';
  exitCode: number;
  oomKilled: boolean;
  startedAt: string;
  finishedAt: string;
  error: string;
}
export interface ExitedState {
  status: 'exited';
  exitCode: number;
  oomKilled: boolean;
  error: string;
  startedAt: string;
  finishedAt: string;
}
/** Its removal has begun (`failed` undefined), or failed: what is left can only be removed (`dead` in the API). */
export interface RemovingState {
  status: 'removing';
  exitCode: number;
  startedAt: string;
  finishedAt: string;
  failed?: string;
}

export const FRESH: CreatedState = { status: 'created', exitCode: 0, error: '' };

/** dockerd's "Running": restarting counts. */
export function isRunning(state: State): state is RunningState | RestartingState {
  return state.status === 'running' || state.status === 'restarting';
}

/** The word that the API uses. */
export function statusWord(state: State): ContainerStatus {
  if (state.status === 'running') return state.paused ? 'paused' : 'running';
  if (state.status === 'removing') return state.failed === undefined ? 'removing' : 'dead';
  return state.status;
}

/** For people, in `docker ps`. `now` in milliseconds since the epoch. */
export function statusText(state: State, health: Health | undefined, now: number): string {
  const since = (instant: string): string => humanDuration(Math.max(0, now - Date.parse(instant)));
  switch (state.status) {
    case 'created':
      return 'Created';
    case 'running': {
      const up = `Up ${since(state.startedAt)}`;
      if (state.paused) return `${up} (Paused)`;
      if (!health || health.Status === 'none') return up;
      return `${up} (${health.Status === 'starting' ? 'health: starting' : health.Status})`;
    }
    case 'restarting':
      return `Restarting (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'exited':
      return `Exited (${state.exitCode}) ${since(state.finishedAt)} ago`;
    case 'removing':
      return state.failed === undefined ? 'Removal In Progress' : 'Dead';
  }
}

/** `State` of inspect. */
export function apiState(state: State, health: Health | undefined): ContainerState {
  const running = isRunning(state);
  return {
    Status: statusWord(state),
    Running: running,
    Paused: state.status === 'running' && state.paused,
    Restarting: state.status === 'restarting',
    OOMKilled: 'oomKilled' in state && state.oomKilled,
    Dead: state.status === 'removing' && state.failed !== undefined,
    Pid: state.status === 'running' ? state.pid : 0,
    ExitCode: state.status === 'running' ? 0 : state.exitCode,
    Error: 'error' in state ? state.error : state.status === 'removing' ? (state.failed ?? '') : '',
    StartedAt: state.status === 'created' ? NEVER : state.startedAt,
    FinishedAt: state.status === 'created' ? NEVER : state.finishedAt,
    ...(health ? { Health: health } : {}),
  };
}
