import type { BinRow } from './useBin.ts';

const compare: Record<string, (a: BinRow, b: BinRow) => number> = {
  removed: (a, b) => (a.entry.RemovedAt < b.entry.RemovedAt ? 1 : a.entry.RemovedAt > b.entry.RemovedAt ? -1 : 0),
  name: (a, b) => a.entry.Name.localeCompare(b.entry.Name, undefined, { numeric: true }),
  size: (a, b) => b.entry.Bytes - a.entry.Bytes,
  host: (a, b) => a.host.name.localeCompare(b.host.name),
};

export function sortBin(rows: BinRow[], column: string, down: boolean): BinRow[] {
  const removed = compare.removed as (a: BinRow, b: BinRow) => number;
  const by = compare[column] ?? removed;
  return [...rows].sort((a, b) => (down ? -by(a, b) : by(a, b)) || removed(a, b));
}
