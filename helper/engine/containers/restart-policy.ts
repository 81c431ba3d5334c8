import type { RestartPolicy } from '../../contract/docker/index.ts';

export const FIRST_DELAY_MS = 100;
export const MAX_DELAY_MS = 60_000;
/** Who ran this long starts again without the back-off of earlier failures. */
export const STEADY_MS = 10_000;

/** What has happened to a container so far, as far as its restart policy cares. */
export interface RestartHistory {
  exitCode: number;
  /** How long this run lasted. */
  ranMs: number;
  /** Restarts by the policy since the last start by a user. */
  restarts: number;
  /** The delay before this run, when the policy had started it; else 0. */
  lastDelayMs: number;
  /** A user asked for the end of this run. */
  stoppedByUser: boolean;
}

export type RestartDecision = { restart: false } | { restart: true; delayMs: number };

/** Whether a policy restarts at all. */
export function hasPolicy(policy: RestartPolicy | undefined): boolean {
  return policy?.Name !== undefined && policy.Name !== '' && policy.Name !== 'no';
}

/**
 * What to do after an exit: 100 ms, then doubling up to a minute; back to 100 ms after 10 s of running.
 * Pure. Source: Docker's documented restart policies, dockerd's restart manager.
 */
export function nextRestart(policy: RestartPolicy | undefined, history: RestartHistory): RestartDecision {
  if (!hasPolicy(policy) || history.stoppedByUser) return { restart: false };
  const last = history.ranMs >= STEADY_MS ? 0 : history.lastDelayMs;
  const delayMs = last === 0 ? FIRST_DELAY_MS : Math.min(last * 2, MAX_DELAY_MS);
  if (policy?.Name === 'on-failure') {
    const limit = policy.MaximumRetryCount ?? 0;
    if (history.exitCode === 0 || (limit > 0 && history.restarts >= limit)) return { restart: false };
  }
  return { restart: true, delayMs };
}

/**
 * Whether a container that does not run is started when the engine starts. As dockerd: `always` even if it was stopped by hand,
 * `unless-stopped` only if not, `on-failure` when its last exit was one.
 */
export function startsWithEngine(
  policy: RestartPolicy | undefined,
  last: { everStarted: boolean; exitCode: number; stoppedByUser: boolean; restarts: number },
): boolean {
  if (!last.everStarted) return false;
  switch (policy?.Name) {
    case 'always':
      return true;
    case 'unless-stopped':
      return !last.stoppedByUser;
    case 'on-failure': {
      const limit = policy.MaximumRetryCount ?? 0;
      return last.exitCode !== 0 && !last.stoppedByUser && (limit === 0 || last.restarts < limit);
    }
    default:
      return false;
  }
}
