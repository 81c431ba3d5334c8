/** One blob as one stream of chunks, whatever happens to its connections: cut ones are resumed where they broke. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Failure, isFailure } from '../engine/failure.ts';
import type { Repository } from './client.ts';
import { ConnectionFailure, cutOff, RegistryFailure } from './errors.ts';

/** Code of the failure when a blob has another size than its manifest says. */
export const SIZE_INVALID = 'SIZE_INVALID';

const TRIES = 5;
const BACKOFF_MS = 500;
const LONGEST_PAUSE_MS = 60_000;

export interface DownloadOptions {
  digest: string;
  /** From the manifest: more than this is an attack, less is a cut connection. */
  size: number;
  /** Bytes that are here already. */
  offset: number;
  signal: AbortSignal;
  /** Told each second before a new try: seconds left to wait. */
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
      if (response.status === 416)
        throw new RegistryFailure('system', `blob ${digest} is shorter than its manifest says`, 416, SIZE_INVALID);
      for await (const chunk of response.body as AsyncIterable<Buffer>) {
        const rest = skip > 0 ? chunk.subarray(Math.min(skip, chunk.length)) : chunk;
        skip -= chunk.length - rest.length;
        if (rest.length === 0) continue;
        offset += rest.length;
        if (offset > size)
          throw new RegistryFailure('system', `filesystem layer verification failed for digest ${digest}`, 200, SIZE_INVALID);
        yield rest;
      }
      if (offset < size) throw new ConnectionFailure('unexpected EOF');
    } catch (error) {
      signal.throwIfAborted();
      const failure = isFailure(error) ? error : cutOff(error);
      failures = offset > before ? 1 : failures + 1;
      const wait = pauseAfter(failure, failures, options.backoffMs ?? BACKOFF_MS);
      // Who never answered is not there.
      if (wait === undefined || !repository.reached || failures >= (options.attempts ?? TRIES)) throw failure;
      await countDown(wait, options);
    }
  }
}

/** Milliseconds until the next try; undefined: the registry has answered, and not that it is busy, or it is for too long. */
function pauseAfter(failure: Failure, failures: number, backoffMs: number): number | undefined {
  if (failure instanceof RegistryFailure && !failure.passing) return undefined;
  const asked = failure instanceof RegistryFailure ? (failure.retryAfterMs ?? 0) : 0;
  return asked > LONGEST_PAUSE_MS ? undefined : Math.max(asked, backoffMs * 2 ** (failures - 1));
}

/** As dockerd does it: each second is told. */
async function countDown(ms: number, { signal, onRetry }: DownloadOptions): Promise<void> {
  for (let left = ms; left > 0; ) {
    onRetry?.(Math.ceil(left / 1000));
    const step = left % 1000 || 1000;
    await sleep(step, undefined, { signal });
    left -= step;
  }
}
