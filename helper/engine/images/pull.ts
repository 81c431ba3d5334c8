/**
 * POST /images/create?fromImage=: brings an image here from its registry.
 *
 * Every layer is one pipeline (download, hash, decompress, hash, unpack), and all run at once: a layer's content does
 * not depend on its parents, so none waits for another.
 */
import type { ProgressMessage, RegistryAuth } from '../../contract/docker/index.ts';
import type { FetchedManifest } from '../../registry/client.ts';
import { withRepository } from '../../registry/client.ts';
import { RegistryFailure } from '../../registry/errors.ts';
import { settleAll } from '../../store/settle.ts';
import { Failure } from '../failure.ts';
import type { Descriptor } from './manifest.ts';
import { choosePlatform, hostPlatform, isIndexType, MEDIA, parseIndex, parseManifest, parsePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { imageEvent, isWhole } from './parts.ts';
import { streamProgress } from './progress.ts';
import type { Downloads, Pull } from './pull-blobs.ts';
import { bringImage } from './pull-blobs.ts';
import type { Reference } from './references.ts';
import { familiar, familiarName, format, parseNamed, parseRepositoryTag, withDefaultTag } from './references.ts';
import type { Orphans } from './sweep.ts';
import { sweep } from './sweep.ts';
import type { Platform } from './types.ts';

export interface PullOptions {
  image: string;
  tag?: string;
  platform?: string;
  auth?: RegistryAuth;
}

/** The reference that `fromImage` and `tag` make; a tag may be a digest. Undefined tag and digest: all tags. */
export function pullReference(image: string, tag: string | undefined): Reference {
  if (!tag) return parseNamed(image);
  if (tag.includes(':')) return parseNamed(`${image.replace(/@.*$/, '')}@${tag}`);
  // The digest decides; the tag is but shown.
  const [name = '', digest] = image.split('@');
  if (digest !== undefined) return { ...parseRepositoryTag(name, tag), ...digestOnly(parseNamed(image)) };
  return parseRepositoryTag(image, tag);
}

function digestOnly({ digest }: Reference): { digest?: string } {
  return digest === undefined ? {} : { digest };
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
function translate(error: unknown, reference: Reference): unknown {
  if (!(error instanceof RegistryFailure)) return error;
  const shown = familiar(reference);
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
    default:
      return error;
  }
}

/** @returns whether the name means another image now, or an image that was not here */
async function pullImage(pull: Pull, reference: Reference, fetched: FetchedManifest, platform: Platform): Promise<boolean> {
  const { parts, emit, signal } = pull;
  checkClass(fetched);
  emit({ status: `Pulling from ${reference.path}`, id: reference.digest === undefined ? (reference.tag ?? '') : format(reference) });
  const { data, mediaType, digest } = await platformManifest(pull, reference, fetched, platform);
  const manifest = parseManifest(data);
  checkConfigType(manifest.config.mediaType);
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

/** Types of configs; registries of old give them others, too. Source: moby, types of manifests (schema 2) */
const CONFIG_TYPES = new Set([MEDIA.dockerConfig, MEDIA.ociConfig, 'application/octet-stream', 'application/json', 'text/html', '']);

/** What comes under Docker's own type of manifest has to be an image. @throws Failure invalidParameter */
function checkClass({ mediaType, data }: FetchedManifest): void {
  if (mediaType !== MEDIA.dockerManifest) return;
  const type = parseManifest(data).config.mediaType;
  if (CONFIG_TYPES.has(type)) return;
  const kind = type === PLUGIN ? 'plugin' : 'unknown';
  throw new Failure('invalidParameter', `Encountered remote ${JSON.stringify(type)}(${kind}) when fetching`);
}

const PLUGIN = 'application/vnd.docker.plugin.v1+json';

/** OCI's artifacts (charts, signatures, models) have configs of other types. @throws Failure invalidParameter */
function checkConfigType(type: string): void {
  if (type.startsWith('application/vnd.docker.ai.')) {
    throw new Failure('invalidParameter', 'AI models are not yet supported by the Engine, please use "docker model pull/run" instead');
  }
  if (!CONFIG_TYPES.has(type) && !/^application\/vnd\.(oci\.image|docker)\./i.test(type)) {
    throw new Failure('invalidParameter', `unsupported media type ${type}`);
  }
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
