import { readFileSync } from 'node:fs';
import { stateOf } from './stat.ts';

/** Whether a process has ended, be it that its parent has not looked yet (a zombie). */
export function hasEnded(pid: number): boolean {
  try {
    return /^[ZX]/.test(stateOf(readFileSync(`/proc/${pid}/stat`, 'utf8')));
  } catch {
    return true;
  }
}
