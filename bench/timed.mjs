/** @returns how long it took, in milliseconds */
export async function timed(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}
