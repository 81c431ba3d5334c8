import type { ContainerState, ContainerSummary } from '../../../helper/contract/docker/index.ts';
import type { Tone } from '../../ui/StateBadge.tsx';

/** A container's state as people see it. `word` is a key under `state.`. */
export interface StateView {
  tone: Tone;
  word: 'running' | 'starting' | 'unhealthy' | 'paused' | 'restarting' | 'created' | 'exited' | 'stopped' | 'removing' | 'dead';
  exitCode?: number;
  /** Since when (ms since the epoch), as far as the engine says. */
  since?: number;
}

const units: Record<string, number> = {
  second: 1000,
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
  week: 604_800_000,
  month: 2_592_000_000,
  year: 31_536_000_000,
};

/**
 * The span in an engine's status text: `Up About an hour (healthy)`, `Exited (0) 3 weeks ago`, `Up Less than a second`.
 * @returns milliseconds, or undefined when there is none
 */
export function statusSpan(status: string): number | undefined {
  if (/less than a second/i.test(status)) return 0;
  const found = /(about an?|\d+) (second|minute|hour|day|week|month|year)s?/i.exec(status.replace(/\(\d+\)/, ''));
  if (!found) return undefined;
  const unit = units[(found[2] ?? '').toLowerCase()] ?? 0;
  return (/about/i.test(found[1] ?? '') ? 1 : Number(found[1])) * unit;
}

/** Exit codes that are an ordinary end: success, and SIGINT or SIGTERM taken as asked. */
export function endedWell(exitCode: number): boolean {
  return exitCode === 0 || exitCode === 130 || exitCode === 143;
}

/**
 * @param readAt when the list was read, since the status text counts from there
 * @param stopped whether someone stopped it (then no exit code is a failure)
 */
export function stateOf(summary: Pick<ContainerSummary, 'State' | 'Status'>, readAt: number, stopped: boolean): StateView {
  const span = statusSpan(summary.Status ?? '');
  const since = span === undefined ? {} : { since: readAt - span };
  const status = summary.Status ?? '';
  switch (summary.State) {
    case 'running':
      if (/\(unhealthy\)/.test(status)) return { tone: 'attention', word: 'unhealthy', ...since };
      if (/\(health: starting\)/.test(status)) return { tone: 'working', word: 'starting', ...since };
      return { tone: 'running', word: 'running', ...since };
    case 'paused':
      return { tone: 'attention', word: 'paused', ...since };
    case 'restarting':
      return { tone: 'attention', word: 'restarting', ...since };
    case 'created':
      return { tone: 'idle', word: 'created' };
    case 'removing':
      return { tone: 'working', word: 'removing' };
    case 'dead':
      return { tone: 'failed', word: 'dead' };
    default: {
      const exitCode = Number(/\((-?\d+)\)/.exec(status)?.[1] ?? 0);
      if (stopped && !endedWell(exitCode)) return { tone: 'idle', word: 'stopped', exitCode, ...since };
      return { tone: endedWell(exitCode) ? 'idle' : 'failed', word: 'exited', exitCode, ...since };
    }
  }
}

/** Why a container stopped, for the card on its detail pane: keys under `why.`. */
export type Reason = 'startFailed' | 'oom' | 'killed' | 'segfault' | 'abort' | 'notFound' | 'notExecutable' | 'signal' | 'error';

/** @returns undefined when nothing needs an explanation */
export function reasonOf(state: ContainerState): { reason: Reason; signal?: number } | undefined {
  if (state.Running || state.Status === 'removing') return undefined;
  // Docker marks a container of which the kernel took any process; only the first one's end is the container's.
  if (state.OOMKilled && state.ExitCode === 137) return { reason: 'oom' };
  if (state.Error) {
    if (state.ExitCode === 127) return { reason: 'notFound' };
    if (state.ExitCode === 126) return { reason: 'notExecutable' };
    return { reason: 'startFailed' };
  }
  if (state.Status === 'created' || endedWell(state.ExitCode)) return undefined;
  if (state.ExitCode === 127) return { reason: 'notFound' };
  if (state.ExitCode === 126) return { reason: 'notExecutable' };
  if (state.ExitCode === 137) return { reason: 'killed' };
  if (state.ExitCode === 139) return { reason: 'segfault' };
  if (state.ExitCode === 134) return { reason: 'abort' };
  if (state.ExitCode > 128 && state.ExitCode < 165) return { reason: 'signal', signal: state.ExitCode - 128 };
  return { reason: 'error' };
}
