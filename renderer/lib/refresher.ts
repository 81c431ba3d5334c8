/**
 * Turns a storm of "this is stale" into few refreshes: the first mark of a key waits `delayMs`, marks that come meanwhile
 * join it, and marks that come during a refresh cause exactly one more after it. So the last state is never missed.
 */
export class Refresher {
  readonly #refresh: (key: string) => Promise<unknown>;
  readonly #delayMs: number;
  readonly #state = new Map<string, 'waiting' | 'running' | 'again'>();

  constructor(refresh: (key: string) => Promise<unknown>, delayMs = 50) {
    this.#refresh = refresh;
    this.#delayMs = delayMs;
  }

  mark(key: string): void {
    const state = this.#state.get(key);
    if (state === 'running') this.#state.set(key, 'again');
    if (state !== undefined) return;
    this.#state.set(key, 'waiting');
    setTimeout(() => void this.#run(key), this.#delayMs);
  }

  async #run(key: string): Promise<void> {
    this.#state.set(key, 'running');
    await this.#refresh(key).catch(() => undefined);
    const again = this.#state.get(key) === 'again';
    this.#state.delete(key);
    if (again) this.mark(key);
  }
}
