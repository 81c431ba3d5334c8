/** What a manifest refers to, brought here: the config and the layers, all at once. */
import { setMaxListeners } from 'node:events';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { Repository } from '../../registry/client.ts';
import { TRIES } from '../../registry/client.ts';
import { downloadBlob, SIZE_INVALID } from '../../registry/download.ts';
import { ConnectionFailure, RegistryFailure } from '../../registry/errors.ts';
import type { Limiter } from '../../registry/limiter.ts';
import type { Lease } from '../../store/leases.ts';
import { Failure, messageOf } from '../failure.ts';
import type { KeyedQueue } from '../queue.ts';
import { ingestLayer, otherContent } from './ingest.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import type { Parts } from './parts.ts';
import { hasLayer } from './parts.ts';
import type { Emit } from './progress.ts';
import { parseConfig } from './record.ts';
import { shortId } from './remove.ts';
import type { ImageConfigFile } from './types.ts';

export interface Downloads {
  /** How many layers are fetched at once, over all pulls. */
  limiter: Limiter;
  /** One download of a blob at a time: the second finds what the first has brought. */
  queue: KeyedQueue;
}

/** What a pull carries from step to step. */
export interface Pull {
  parts: Parts;
  downloads: Downloads;
  repository: Repository;
  lease: Lease;
  emit: Emit;
  /** Fires when the work is to end, for whatever reason. */
  signal: AbortSignal;
  /** Fires when the client wants no more of it. */
  cancelled: AbortSignal;
}

/** Config and layers, all at once; the first failure stops the rest. */
export async function bringImage(pull: Pull, manifest: Manifest): Promise<void> {
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = (): void => stop.abort(pull.signal.reason);
  pull.signal.addEventListener('abort', onAbort, { once: true });
  const inner: Pull = { ...pull, signal: stop.signal };
  const config = fetchConfig(pull.repository, manifest.config.digest, stop.signal).then(async (data) => {
    const parsed = parseConfig(data);
    if (parsed.rootfs.diff_ids.length !== manifest.layers.length) {
      throw new Failure('system', `the image has ${manifest.layers.length} layers and ${parsed.rootfs.diff_ids.length} diffIDs`);
    }
    await pull.parts.content.put(data);
    return parsed;
  });
  const works: Promise<unknown>[] = [config];
  const seen = new Map<string, Promise<void>>();
  manifest.layers.forEach((layer, at) => {
    const running = seen.get(layer.digest) ?? bringLayer(inner, layer, at, config);
    seen.set(layer.digest, running);
    works.push(running);
  });
  let first: unknown;
  for (const work of works) {
    work.catch((error: unknown) => {
      if (stop.signal.aborted) return;
      first = error;
      stop.abort(error);
    });
  }
  const results = await Promise.allSettled(works);
  pull.signal.removeEventListener('abort', onAbort);
  pull.signal.throwIfAborted();
  const failed = results.find((result) => result.status === 'rejected');
  if (failed) throw first ?? (failed as PromiseRejectedResult).reason;
}

async function fetchConfig(repository: Repository, digest: string, signal: AbortSignal): Promise<Buffer> {
  try {
    return await repository.smallBlob(digest, signal);
  } catch (error) {
    signal.throwIfAborted();
    const told = (attempts: number): string =>
      `error pulling image configuration: download failed after attempts=${attempts}: ${messageOf(error)}`;
    // Still theirs, for another endpoint may have it.
    if (error instanceof RegistryFailure) throw new RegistryFailure(error.kind, told(error.passing ? TRIES : 1), error.status, '');
    if (error instanceof ConnectionFailure) throw new ConnectionFailure(told(TRIES), error);
    throw new Failure('system', `error pulling image configuration: ${messageOf(error)}`, { cause: error });
  }
}

async function bringLayer(pull: Pull, layer: Descriptor, at: number, config: Promise<ImageConfigFile>): Promise<void> {
  const { parts, emit, lease, downloads, signal, cancelled } = pull;
  const id = shortId(layer.digest);
  const say = (status: string): void => emit({ status, progressDetail: {}, id });
  lease.add(layer.digest);
  const here = async (): Promise<boolean> => {
    // Without any layer here there is nothing to compare diffIDs with, and no need to wait for the config.
    if (parts.layers.all().length === 0) return false;
    const diffId = (await config).rootfs.diff_ids[at] as string;
    const own = parts.layers.ofBlob(layer.digest)?.diffId;
    if (own !== undefined && own !== diffId) throw new Failure('system', `layer ${layer.digest} has the diffID ${own}, not ${diffId}`);
    lease.add(diffId);
    return hasLayer(parts, diffId);
  };
  if (await here()) return say('Already exists');
  say('Pulling fs layer');
  if (downloads.limiter.full) say('Waiting');
  await downloads.limiter.run(signal, () =>
    downloads.queue.run(layer.digest, async () => {
      signal.throwIfAborted();
      if (await here()) return say('Already exists');
      const partial = await parts.content.partial(layer.digest);
      const resumable = partial.has <= layer.size;
      if (!resumable) await rm(partial.path, { force: true });
      const from = { path: partial.path, has: resumable ? partial.has : 0 };
      const ingest = await ingestLayer(parts, lease, from);
      let spoiled = false;
      const write = (chunk: Buffer): Promise<void> =>
        ingest.write(chunk).catch((error: unknown) => {
          spoiled = true;
          throw error;
        });
      try {
        await feed(pull, write, layer, from, id);
        say('Verifying Checksum');
        say('Download complete');
        emit.count(id, 'Extracting', layer.size, layer.size);
      } catch (error) {
        await ingest.abort();
        const other = spoiled ? await otherContent(from.path, layer) : undefined;
        spoiled ||= error instanceof RegistryFailure && error.code === SIZE_INVALID;
        // Cut off: what is here need not be fetched again. Cancelled, or not what it should be, or too large for the disk: it goes.
        if (spoiled || cancelled.aborted) await rm(from.path, { force: true });
        throw other ?? error;
      }
      const { rootfs } = await config.catch(async (error: unknown) => {
        await ingest.abort();
        throw error;
      });
      await ingest.finish({ digest: layer.digest, diffId: rootfs.diff_ids[at] as string });
      say('Pull complete');
    }),
  );
}

async function feed(
  pull: Pull,
  write: (chunk: Buffer) => Promise<void>,
  layer: Descriptor,
  from: { path: string; has: number },
  id: string,
): Promise<void> {
  const { emit, signal } = pull;
  let current = 0;
  const take = async (chunk: Buffer): Promise<void> => {
    signal.throwIfAborted();
    await write(chunk);
    current += chunk.length;
    emit.count(id, 'Downloading', current, layer.size);
  };
  if (from.has > 0) {
    const stored = createReadStream(from.path, { end: from.has - 1, highWaterMark: 256 * 1024 });
    for await (const chunk of stored as AsyncIterable<Buffer>) await take(chunk);
  }
  const onRetry = (seconds: number): void =>
    emit({ status: `Retrying in ${seconds} second${seconds === 1 ? '' : 's'}`, progressDetail: {}, id });
  const attempts = pull.parts.context.config.maxDownloadAttempts;
  const bytes = downloadBlob(pull.repository, { digest: layer.digest, size: layer.size, offset: from.has, signal, onRetry, attempts });
  for await (const chunk of bytes) await take(chunk);
}
