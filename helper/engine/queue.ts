/** Runs operations on one object one after the other; different objects never wait for each other. */
export class KeyedQueue {
  #tails = new Map<string, Promise<unknown>>();

  /** Runs `work` after all earlier work with the same key has settled, and settles as it does. */
  async run<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key);
    const mine = before ? before.then(work, work) : work();
    const tail = mine.then(
      () => undefined,
      () => undefined,
    );
    this.#tails.set(key, tail);
    try {
      return await mine;
    } finally {
      if (this.#tails.get(key) === tail) this.#tails.delete(key);
    }
  }

  /** Settles when all work queued so far has. */
  async allIdle(): Promise<void> {
    await Promise.all(this.#tails.values());
  }

  /** Settles when the work queued so far with `key` has. */
  async idle(key: string): Promise<void> {
    await this.#tails.get(key);
  }
}

/** Works on all items, `width` at a time, in their order. Rejects with the first failure; what runs then goes on by itself. */
export async function forEachAtOnce<T>(items: Iterable<T>, width: number, work: (item: T) => Promise<void>): Promise<void> {
  const next = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let step = next.next(); !step.done; step = next.next()) await work(step.value);
  };
  await Promise.all(Array.from({ length: width }, worker));
}
