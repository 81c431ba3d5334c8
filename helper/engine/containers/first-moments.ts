import { promises as fs } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { SIGKILL } from '../signals.ts';
import type { Container } from './container.ts';

/** After this long a program has set its handlers, if it has any. */
const MOMENTS_MS = 300;
/** There is no event for it; the file is read for some milliseconds, and at the start of a container only. */
const LOOK_MS = 3;

/**
 * The kernel drops a signal to the first process of a PID namespace that has no handler for it. A program that has just been started
 * has not set its handlers yet, so that an early `docker kill` or `docker stop` would be lost: it waits until the signal is caught or
 * blocked (signalfd), at most for the first moments. (A dockerd takes longer than that to answer the start.)
 * Source: pid_namespaces(7); /proc/PID/status (SigBlk, SigCgt) in proc(5)
 */
export async function untilCaught(container: Container, signal: number): Promise<void> {
  const { state, hostConfig } = container;
  if (state.status !== 'running' || state.paused || signal === SIGKILL || !['', 'private'].includes(hostConfig.PidMode ?? '')) return;
  // By the steady clock: the machine's may have been set back since the start, for a year even.
  const end = performance.now() + Math.min(MOMENTS_MS, Date.parse(state.startedAt) + MOMENTS_MS - Date.now());
  const bit = 1n << BigInt(signal - 1);
  while (performance.now() < end) {
    const status = await fs.readFile(`/proc/${state.pid}/status`, 'utf8').catch(() => '');
    const masks = [...status.matchAll(/^Sig(?:Blk|Cgt):\s*([0-9a-f]+)$/gm)].map(([, mask]) => BigInt(`0x${mask}`));
    if (masks.length === 0 || masks.some((mask) => mask & bit)) return;
    await delay(LOOK_MS);
  }
}
