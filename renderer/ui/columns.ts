/** What decides whether a column is shown. */
export interface Sized {
  /** A CSS grid track; its first number is the least that it takes (px). */
  width: string;
  /** Hidden while the table is narrower than this (px); the higher, the sooner it gives way. */
  from?: number;
}

/** The box to choose a row, and the padding at both ends. */
export const SELECT_PX = 32;
const PADDING_PX = 28;

const leastOf = ({ width }: Sized): number => Number(/(\d+)px/.exec(width)?.[1] ?? 0);

/** Those that fit without being cut off at the end, where the row's menu is. */
export function fitting<C extends Sized>(columns: C[], width: number): C[] {
  const shown = columns.filter(({ from }) => from === undefined || width >= from);
  const needed = (some: C[]): number => some.reduce((sum, column) => sum + leastOf(column), SELECT_PX + PADDING_PX);
  while (needed(shown) > width) {
    const least = shown.reduce<C | undefined>((last, column) => ((column.from ?? 0) > (last?.from ?? 0) ? column : last), undefined);
    if (!least) break;
    shown.splice(shown.indexOf(least), 1);
  }
  return shown;
}
