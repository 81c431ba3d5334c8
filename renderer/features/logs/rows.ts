const step = 1024;

/**
 * Maps screen rows to items when an item takes several rows (wrapped lines), for a million items: sums of 1,024 items each,
 * grown as items come, so that finding a row costs a binary search and one short walk.
 */
export class RowIndex {
  readonly #rowsOf: (item: number) => number;
  /** sums[i]: rows before block i. */
  #sums: number[] = [0];
  #items = 0;
  #tail = 0;

  /** @param rowsOf rows of an item; must not change for an item that was counted */
  constructor(rowsOf: (item: number) => number) {
    this.#rowsOf = rowsOf;
  }

  /** Rows of all items counted so far. */
  get rows(): number {
    return (this.#sums[this.#sums.length - 1] ?? 0) + this.#tail;
  }

  /** Counts the items up to `count`. */
  grow(count: number): void {
    while (this.#items < count) {
      this.#tail += this.#rowsOf(this.#items++);
      if (this.#items % step === 0) {
        this.#sums.push(this.rows);
        this.#tail = 0;
      }
    }
  }

  /** The item that a row belongs to, and which of its rows it is. */
  at(row: number): { item: number; sub: number } {
    let low = 0;
    let high = this.#sums.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#sums[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    let rest = row - (this.#sums[low] ?? 0);
    for (let item = low * step; item < this.#items; item++) {
      const rows = this.#rowsOf(item);
      if (rest < rows) return { item, sub: rest };
      rest -= rows;
    }
    return { item: Math.max(0, this.#items - 1), sub: 0 };
  }

  /** The first row of an item. */
  rowOf(item: number): number {
    const block = Math.min(Math.floor(item / step), this.#sums.length - 1);
    let row = this.#sums[block] ?? 0;
    for (let i = block * step; i < Math.min(item, this.#items); i++) row += this.#rowsOf(i);
    return row;
  }
}
