/** One blob as one stream of chunks, whatever happens to its connections: cut ones are resumed where they broke. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure, isFailure, messageOf } from '../engine/failure.ts';
import type { Repository } from './client.ts';
import { RegistryFailure } from './errors.ts';

const TRIES = 5;
const BACKOFF_MS = 500;

export interface DownloadOptions {
  digest: string;
  /** From the manifest: more than this is an attack, less is a cut connection. */
  size: number;
  /** Bytes that are here already. */
  offset: number;
  signal: AbortSignal;
  /** Told before each new try: seconds to wait. */
  onRetry?: (seconds: number) => void;
  backoffMs?: number;
  /** Without a byte between them; five when not given. */
  attempts?: number;
}

/**
 * @throws Failure when the registry refuses, or does not deliver in so many tries; tries count anew when bytes came
 */
export async function* downloadBlob(repository: Repository, options: DownloadOptions): AsyncGenerator<Buffer> {
  const { digest, size, signal } = options;
  let offset = options.offset;
  let failures = 0;
  while (offset < size) {
    const before = offset;
    try {
      const response = await repository.openBlob(digest, offset, signal);
      // A registry without ranges sends all of it again.
      let skip = response.status === 206 ? 0 : offset;
      if (response.status === 416) throw new Failure('system', `blob ${digest} is shorter than its manifest says`);
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const rest = skip > 0 ? chunk.subarray(Math.min(skip, chunk.length)) : chunk;
        skip -= chunk.length - rest.length;
        if (rest.length === 0) continue;
        offset += rest.length;
        if (offset > size)
          throw new RegistryFailure('system', `filesystem layer verification failed for digest ${digest}`, 200, 'SIZE_INVALID');
        yield rest;
      }
      if (offset < size) throw new Failure('system', 'unexpected EOF');
    } catch (error) {
      signal.throwIfAborted();
      if (isFinal(error)) throw error;
      failures = offset > before ? 1 : failures + 1;
      if (failures >= (options.attempts ?? TRIES))
        throw isFailure(error) ? error : new Failure('system', messageOf(error), { cause: error });
      const wait = (options.backoffMs ?? BACKOFF_MS) * 2 ** (failures - 1);
      options.onRetry?.(Math.ceil(wait / 1000));
      await sleep(wait, undefined, { signal });
    }
  }
}

/** What another try won't change: the registry has answered, and not that it is busy. */
function isFinal(error: unknown): boolean {
  return error instanceof RegistryFailure && error.status !== 429 && error.status < 500;
}
