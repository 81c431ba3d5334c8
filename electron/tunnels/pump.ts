import type { Duplex } from 'node:stream';

/** Joins two streams until both directions have ended; half-closed is passed on, and what ends badly ends both. */
export function join(near: Duplex, far: Duplex): void {
  for (const [from, to] of [
    [near, far],
    [far, near],
  ] as const) {
    from.on('error', () => to.destroy());
    from.on('close', () => {
      // Gone without having ended must not be taken for the end of the data; in order, what is on its way still arrives.
      if (!from.readableEnded || to.writableFinished) to.destroy();
      else to.once('finish', () => to.destroy());
    });
    from.pipe(to);
  }
}
