/**
 * POST /images/create?fromImage=: brings an image here from its registry.
 *
 * Every layer is one pipeline (download, hash, decompress, hash, unpack), and all run at once: a layer's content does
 * not depend on its parents, so none waits for another.
 */
import { setMaxListeners } from 'node:events';
import { createReadStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import type { ProgressMessage, RegistryAuth } from '../../contract/docker/index.ts';
import type { FetchedManifest, Repository } from '../../registry/client.ts';
import { withRepository } from '../../registry/client.ts';
import { downloadBlob, SIZE_INVALID } from '../../registry/download.ts';
import { RegistryFailure } from '../../registry/errors.ts';
import type { Limiter } from '../../registry/limiter.ts';
import type { Lease } from '../../store/leases.ts';
import { settleAll } from '../../store/settle.ts';
import { Failure } from '../failure.ts';
import type { KeyedQueue } from '../queue.ts';
import { ingestLayer } from './ingest.ts';
import type { Descriptor, Manifest } from './manifest.ts';
import { choosePlatform, hostPlatform, isIndexType, parseIndex, parseManifest, parsePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { hasLayer, imageEvent, isWhole } from './parts.ts';
import type { Emit } from './progress.ts';
import { streamProgress } from './progress.ts';
import { parseConfig } from './record.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName, format, parseNamed, parseRepositoryTag, withDefaultTag } from './references.ts';
import { shortId } from './remove.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { ImageConfigFile, Platform } from './types.ts';

export interface Downloads {
  /** How many layers are fetched at once, over all pulls. */
  limiter: Limiter;
  /** One download of a blob at a time: the second finds what the first has brought. */
  queue: KeyedQueue;
}

export interface PullOptions {
  image: string;
  tag?: string;
  platform?: string;
  auth?: RegistryAuth;
}

/** What a pull carries from step to step. */
interface Pull {
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

/** The reference that `fromImage` and `tag` make; a tag may be a digest. Undefined tag and digest: all tags. */
export function pullReference(image: string, tag: string | undefined): Reference {
  if (!tag) return parseNamed(image);
  if (tag.includes(':')) return parseNamed(`${image.replace(/@.*$/, '')}@${tag}`);
  return parseRepositoryTag(image, tag);
}

/** @throws Failure in dockerd's words; notFound when there is no such image or it is not for us */
export function pull(
  parts: Parts,
  orphans: Orphans,
  downloads: Downloads,
  options: PullOptions,
  signal: AbortSignal,
): Promise<AsyncIterable<ProgressMessage>> {
  const reference = pullReference(options.image, options.tag);
  if (familiarName(reference) === 'scratch') throw new Failure('forbidden', "'scratch' is a reserved name");
  const platform = options.platform ? parsePlatform(options.platform) : hostPlatform();
  return streamProgress(signal, async (emit, inner) => {
    const lease = parts.leases.take();
    try {
      await pullReferences({ parts, downloads, lease, emit, signal: inner, cancelled: inner }, reference, platform, options.auth);
    } finally {
      lease.release();
      // After a failure some layers may be whole; without an image they are not wanted.
      await sweep(parts, orphans);
      await parts.content.sweepPartials(undefined, (digest) => parts.leases.has(digest));
    }
  });
}

async function pullReferences(
  pull: Omit<Pull, 'repository'>,
  reference: Reference,
  platform: Platform,
  auth: RegistryAuth | undefined,
): Promise<void> {
  const settings = pull.parts.context.config;
  const all = reference.tag === undefined && reference.digest === undefined;
  const { domain, path } = reference;
  try {
    await withRepository({ domain, path, auth, settings, actions: 'pull' }, pull.signal, async (repository) => {
      let newer = false;
      for (const tag of all ? await repository.tags(pull.signal) : [reference.tag]) {
        const manifest = await repository.manifest(reference.digest ?? (tag as string), pull.signal);
        const named = all ? { ...reference, tag: tag as string } : reference;
        newer = (await pullImage({ ...pull, repository }, named, manifest, platform)) || newer;
      }
      const shown = all ? familiarName(reference) : familiar(withDefaultTag(reference));
      pull.emit({ status: `Status: ${newer ? 'Downloaded newer image' : 'Image is up to date'} for ${shown}` });
    });
  } catch (error) {
    throw translate(error, reference);
  }
}

/** What a registry answered, as dockerd words it for the user. */
export function translate(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryFailure)) return error;
  const shown = familiar(withDefaultTag(reference));
  switch (error.code) {
    case 'DENIED':
      return new Failure(
        'notFound',
        `pull access denied for ${familiarName(reference)}, repository does not exist or may require 'docker login': ${error.message}`,
      );
    case 'MANIFEST_UNKNOWN':
    case 'NOT_FOUND':
      return new Failure('notFound', `manifest for ${shown} not found: ${error.message}`);
    case 'NAME_UNKNOWN':
      return new Failure('notFound', `repository ${familiarName(reference)} not found: ${error.message}`);
    case 'UNAUTHORIZED':
      return error.kind === 'unauthorized' ? new Failure('unauthorized', error.message) : new Failure('system', error.message);
    default:
      return new Failure('system', error.message);
  }
}

/** @returns whether the name means another image now, or an image that was not here */
async function pullImage(pull: Pull, reference: Reference, fetched: FetchedManifest, platform: Platform): Promise<boolean> {
  const { parts, emit, signal } = pull;
  emit({ status: `Pulling from ${reference.path}`, id: reference.digest ?? reference.tag ?? '' });
  const { data, mediaType, digest } = await platformManifest(pull, reference, fetched, platform);
  const manifest = parseManifest(data);
  const descriptor: Descriptor = { mediaType: mediaType || manifest.mediaType, digest, size: data.length };
  pull.lease.add(digest);
  pull.lease.add(manifest.config.digest);
  const known = parts.catalog.get(manifest.config.digest);
  // One that has lost a layer or a blob gets it back.
  await settleAll([parts.content.put(data), !known || !isWhole(parts, known) ? bringImage(pull, manifest) : undefined]);
  const named = withDefaultTag(reference);
  const byDigest: Reference = { domain: reference.domain, path: reference.path, digest: fetched.digest };
  const names = reference.digest === undefined ? [named, byDigest] : [byDigest];
  signal.throwIfAborted();
  const before = parts.catalog.byName(named, platform)?.record.id;
  const index = isIndexType(fetched.mediaType) ? { index: fetched.digest } : {};
  const { record } = await parts.catalog.add(descriptor, { names, ...index });
  emit({ status: `Digest: ${fetched.digest}` });
  imageEvent(parts, 'pull', familiar(named), familiarName(reference), record);
  return !known || before !== record.id;
}

/** The form before 2016, by its type or, from registries that name another, by its own word. */
function isSchema1({ mediaType, data }: FetchedManifest): boolean {
  if (mediaType.includes('distribution.manifest.v1')) return true;
  try {
    return (JSON.parse(data.toString()) as { schemaVersion?: unknown } | null)?.schemaVersion === 1;
  } catch {
    return false;
  }
}

/** The manifest itself, or of an index the one for the platform. @throws Failure notFound when there is none */
async function platformManifest(pull: Pull, reference: Reference, fetched: FetchedManifest, platform: Platform): Promise<FetchedManifest> {
  if (isSchema1(fetched)) {
    throw new Failure(
      'invalidParameter',
      `Docker Image Format v1 and Docker Image manifest version 2, schema 1 support has been removed: ${format(withDefaultTag(reference))} must be pushed again by a newer client`,
    );
  }
  if (!isIndexType(fetched.mediaType)) return fetched;
  const chosen = choosePlatform(parseIndex(fetched.data), platform);
  if (!chosen) {
    const wanted = [platform.os, platform.architecture, platform.variant].filter(Boolean).join('/');
    throw new Failure('notFound', `no matching manifest for ${wanted} in the manifest list entries`);
  }
  const inner = await pull.repository.manifest(chosen.digest, pull.signal);
  if (isIndexType(inner.mediaType)) throw new Failure('system', 'a manifest list inside a manifest list is not supported');
  return inner;
}

/** Config and layers, all at once; the first failure stops the rest. */
async function bringImage(pull: Pull, manifest: Manifest): Promise<void> {
  if (manifest.config.mediaType !== '' && !/container\.image|image\.config/.test(manifest.config.mediaType)) {
    throw new Failure('invalidParameter', `unsupported media type ${manifest.config.mediaType}`);
  }
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const onAbort = (): void => stop.abort(pull.signal.reason);
  pull.signal.addEventListener('abort', onAbort, { once: true });
  const inner: Pull = { ...pull, signal: stop.signal };
  const config = pull.repository.smallBlob(manifest.config.digest, stop.signal).then(async (data) => {
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
        spoiled ||= error instanceof RegistryFailure && error.code === SIZE_INVALID;
        // Cut off: what is here need not be fetched again. Cancelled, or not what it should be, or too large for the disk: it goes.
        if (spoiled || cancelled.aborted) await rm(from.path, { force: true });
        throw error;
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
