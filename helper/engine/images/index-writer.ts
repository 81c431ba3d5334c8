/** A change that waits for its turn. */
interface Change {
  /** Changes what is in memory. One that throws has changed nothing. */
  make(): void;
  done(): void;
  failed(error: unknown): void;
}

/** What is changed, and how it comes to disk. */
export interface Written {
  /** Called before changes are made: keeps what an `undo` brings back. */
  begin(): void;
  /** What is in memory at the time of the call is on disk when it resolves. */
  write(): Promise<void>;
  /** What was written is on disk. */
  commit(): void;
  /** It could not be written: memory is as it was at `begin` afterwards. */
  undo(): void;
}

/** Makes changes one after the other. Those that come while something is being written are made together after that, and written at once. */
export class IndexWriter {
  readonly #written: Written;
  readonly #waiting: Change[] = [];
  #busy = false;

  constructor(written: Written) {
    this.#written = written;
  }

  /** @returns what `make` returned, when it is on disk @throws what `make` threw; what kept it from being written, and it did not happen */
  change<T>(make: () => T): Promise<T> {
    return new Promise((resolve, failed) => {
      let result: T;
      this.#waiting.push({
        make: () => {
          result = make();
        },
        done: () => resolve(result),
        failed,
      });
      if (!this.#busy) void this.#work();
    });
  }

  async #work(): Promise<void> {
    this.#busy = true;
    while (this.#waiting.length > 0) {
      this.#written.begin();
      const made = this.#waiting.splice(0).filter((change) => {
        try {
          change.make();
          return true;
        } catch (error) {
          change.failed(error);
          return false;
        }
      });
      try {
        if (made.length > 0) await this.#written.write();
        this.#written.commit();
        for (const change of made) change.done();
      } catch (error) {
        this.#written.undo();
        for (const change of made) change.failed(error);
      }
    }
    this.#busy = false;
  }
}
