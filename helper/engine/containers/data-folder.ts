import { Failure } from '../failure.ts';

const within = (inner: string, outer: string): boolean => inner === outer || inner.startsWith(outer === '/' ? '/' : `${outer}/`);

/** Whether one of two folders is in the other. Pure. */
export const overlaps = (one: string, other: string): boolean => within(one, other) || within(other, one);

/**
 * A bind with the engine's folder in it (`-v /:/host`) learns what is unmounted there: it would keep removed file systems busy.
 * @param asked the propagation that the user wants
 * @throws Failure invalidParameter
 */
export function watchData(record: { type: string; source: string; propagation: string }, asked: string | undefined, data: string): void {
  if (record.type !== 'bind' || !overlaps(record.source, data)) return;
  if (!asked) record.propagation = 'rslave';
  else if (asked !== 'rslave' && asked !== 'rshared') {
    throw new Failure(
      'invalidParameter',
      `invalid mount config: must use either propagation mode "rslave" or "rshared" when mount source is within the daemon root, daemon root: "${data}", bind mount source: "${record.source}", propagation: "${asked}"`,
    );
  }
}
