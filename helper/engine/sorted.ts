/** A map as Go writes it, by its keys: `docker inspect` prints what it gets, and people compare that. */
export function sortedByKey<T>(map: Record<string, T>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).sort(([a], [b]) => (a < b ? -1 : 1)));
}
