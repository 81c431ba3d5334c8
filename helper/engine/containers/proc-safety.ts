import { statfs } from 'node:fs/promises';
import { Failure } from '../failure.ts';

/** What lxcfs and its like put in a container's /proc. */
const ALLOWED = new Set(
  'cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo net/dev sys/kernel/ns_last_pid sys/crypto/fips_enabled'.split(' '),
);
/** PROC_SUPER_MAGIC. Source: linux/magic.h */
const PROC_MAGIC = 0x9fa0;

/**
 * Nothing may cover /proc or lie in it: what a process reads there would be anybody's word, and what is masked would show again.
 * runc holds to that (its checkProcMount), crun does not.
 *
 * @param destination normalized
 * @throws Failure system in runc's words
 */
export async function checkProcSafety(destination: string, source: string): Promise<void> {
  if (destination !== '/proc' && !destination.startsWith('/proc/')) return;
  const inside = destination.slice('/proc/'.length);
  if (ALLOWED.has(inside)) return;
  const isProc = inside === '' && (await statfs(source).catch(() => undefined))?.type === PROC_MAGIC;
  if (isProc) return;
  const why = inside === '' ? 'it is not of type proc' : 'it is inside /proc';
  throw new Failure(
    'system',
    `OCI runtime create failed: error mounting "${source}" to rootfs at "${destination}": "${destination}" cannot be mounted because ${why}`,
  );
}
