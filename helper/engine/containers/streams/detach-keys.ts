import { Failure } from '../../failure.ts';

/** ctrl-p,ctrl-q */
export const DEFAULT_DETACH_KEYS = Buffer.from([16, 17]);

/**
 * `ctrl-<a-z@[\]^_>` or a single character, separated by commas.
 * @throws Failure invalidParameter. Source: docker attach --detach-keys
 */
export function parseDetachKeys(text: string | undefined, what = 'detach'): Buffer {
  if (!text) return DEFAULT_DETACH_KEYS;
  const keys = text.split(',').map((key) => {
    if (key.length === 1) return key.charCodeAt(0);
    const control = /^ctrl-([a-z@[\\\]^_])$/.exec(key);
    if (!control?.[1]) throw new Failure('invalidParameter', `Invalid ${what} keys (${text}) provided`);
    const code = control[1].toUpperCase().charCodeAt(0);
    return code - 64;
  });
  return Buffer.from(keys);
}

/** Finds the detach sequence in what a client types. Keys of a sequence that does not come to its end are passed on. */
export class DetachFilter {
  #keys: Buffer;
  #matched = 0;

  constructor(keys: Buffer) {
    this.#keys = keys;
  }

  /** @returns what to pass on, and whether the sequence is complete (what follows it is dropped) */
  feed(chunk: Buffer): { data: Buffer; detach: boolean } {
    const out: number[] = [];
    if (this.#matched === 0 && !chunk.includes(this.#keys[0] ?? 0)) return { data: chunk, detach: false };
    for (let at = 0; at < chunk.length; at += 1) {
      if (chunk[at] === this.#keys[this.#matched]) {
        this.#matched += 1;
        if (this.#matched === this.#keys.length) return { data: Buffer.from(out), detach: true };
        continue;
      }
      for (let index = 0; index < this.#matched; index += 1) out.push(this.#keys[index] ?? 0);
      this.#matched = 0;
      if (chunk[at] === this.#keys[0]) this.#matched = 1;
      else out.push(chunk[at] ?? 0);
    }
    return { data: Buffer.from(out), detach: false };
  }
}
