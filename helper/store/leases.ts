/**
 * What running pulls, loads and builds have laid down or rely on, although no image refers to it yet.
 * In memory only: after a crash nothing is leased, and what was half done is swept.
 */
export class Leases {
  readonly #counts = new Map<string, number>();
  readonly #released: (digests: Iterable<string>) => void;

  /** @param released told of what a lease has let go of */
  constructor(released: (digests: Iterable<string>) => void) {
    this.#released = released;
  }

  has(digest: string): boolean {
    return this.#counts.has(digest);
  }

  /** A new lease; empty at first. */
  take(): Lease {
    return new Lease(this.#counts, this.#released);
  }
}

export class Lease {
  readonly #counts: Map<string, number>;
  readonly #released: (digests: Iterable<string>) => void;
  readonly #mine = new Set<string>();

  constructor(counts: Map<string, number>, released: (digests: Iterable<string>) => void) {
    this.#counts = counts;
    this.#released = released;
  }

  /** Keeps a blob or a layer (by diffID). Take it before looking whether it is there: then it can't go in between. */
  add(digest: string): void {
    if (this.#mine.has(digest)) return;
    this.#mine.add(digest);
    this.#counts.set(digest, (this.#counts.get(digest) ?? 0) + 1);
  }

  release(): void {
    for (const digest of this.#mine) {
      const count = (this.#counts.get(digest) ?? 0) - 1;
      if (count > 0) this.#counts.set(digest, count);
      else this.#counts.delete(digest);
    }
    this.#released(this.#mine);
    this.#mine.clear();
  }
}
