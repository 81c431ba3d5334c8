/** Work that stops after each entry, so that its thread can do other things in between. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** How long a thread stays with one of its jobs. */
const SLICE_MS = 20;
/** Entries between two looks at the clock. */
const STRIDE = 64;

/** Does the work, and lets what else there is to do have its turn. */
export async function inTurns<T>(steps: Steps<T>): Promise<T> {
  let begun = performance.now();
  for (let count = 1; ; count++) {
    const { done, value } = steps.next();
    if (done) return value;
    if (count % STRIDE !== 0 || performance.now() - begun < SLICE_MS) continue;
    await new Promise((resolve) => setImmediate(resolve));
    begun = performance.now();
  }
}
