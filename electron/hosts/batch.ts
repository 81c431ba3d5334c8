/** Collects items and hands them out together at most every `ms`: a burst of events becomes one message to the window. */
export class Batch<T> {
  readonly #ms: number;
  readonly #deliver: (items: T[]) => void;
  #items: T[] = [];
  #timer: NodeJS.Timeout | undefined;

  constructor(ms: number, deliver: (items: T[]) => void) {
    this.#ms = ms;
    this.#deliver = deliver;
  }

  add(item: T): void {
    this.#items.push(item);
    this.#timer ??= setTimeout(() => this.#flush(), this.#ms);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#items = [];
  }

  #flush(): void {
    this.#timer = undefined;
    const items = this.#items;
    this.#items = [];
    this.#deliver(items);
  }
}
