import { constants } from 'node:os';
import { Failure } from './failure.ts';

const RTMIN = 34;
const RTMAX = 64;

const NUMBERS: Record<string, number> = { ...constants.signals, CLD: constants.signals.SIGCHLD };

function numberOf(name: string): number | undefined {
  const bare = name.toUpperCase().replace(/^SIG/, '');
  const realTime = /^RT(MIN|MAX)(?:([+-])(\d+))?$/.exec(bare);
  if (realTime) {
    const offset = Number(realTime[3] ?? 0) * (realTime[2] === '-' ? -1 : 1);
    const number = (realTime[1] === 'MIN' ? RTMIN : RTMAX) + offset;
    return number >= RTMIN && number <= RTMAX ? number : undefined;
  }
  return NUMBERS[`SIG${bare}`] ?? NUMBERS[bare];
}

/**
 * `SIGTERM`, `term`, `15`, `RTMIN+3` → the number.
 * @throws Failure invalidParameter `invalid signal: X`
 */
export function parseSignal(text: string): number {
  if (/^-?\d+$/.test(text)) {
    const number = Number(text);
    if (number === 0) throw new Failure('invalidParameter', `invalid signal: ${text}`);
    return number;
  }
  const number = numberOf(text);
  if (number === undefined) throw new Failure('invalidParameter', `invalid signal: ${text}`);
  return number;
}

/** A number may be any; what is sent must be one of Linux'. @throws Failure invalidParameter */
export function checkSupported(signal: number): void {
  if (signal < 0 || signal > RTMAX) throw new Failure('invalidParameter', `the linux daemon does not support signal ${signal}`);
}

export const SIGKILL = constants.signals.SIGKILL;
export const SIGTERM = constants.signals.SIGTERM;
