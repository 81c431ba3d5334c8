/**
 * `Promise.all` that lets all of them come to their end, whatever happens to one: nothing goes on being written where a failure is
 * being cleared away already.
 * @throws the first failure, by place
 */
export async function settleAll<T extends readonly unknown[] | []>(works: T): Promise<{ -readonly [At in keyof T]: Awaited<T[At]> }> {
  const results = await Promise.allSettled(works);
  for (const result of results) if (result.status === 'rejected') throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as { -readonly [At in keyof T]: Awaited<T[At]> };
}
