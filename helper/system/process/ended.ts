import { readFileSync } from 'node:fs';
import { flagsOf, stateOf } from './stat.ts';

/** Whether a process has ended, be it that its parent has not looked yet (a zombie). */
export function hasEnded(pid: number): boolean {
  return check(pid, (stat) => /^[ZX]/.test(stateOf(stat)));
}

/**
 * Whether a process has ended or is about to: the kernel takes it apart. The first process of a PID namespace waits in this state
 * until all others of it are gone; it has no namespaces any more that could be joined.
 */
export function isEnding(pid: number): boolean {
  return check(pid, (stat) => /^[ZX]/.test(stateOf(stat)) || (flagsOf(stat) & PF_EXITING) !== 0);
}

/** Source: Linux, include/linux/sched.h */
const PF_EXITING = 0x4;

function check(pid: number, test: (stat: string) => boolean): boolean {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return true;
  }
  return test(stat);
}
