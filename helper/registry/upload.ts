/**
 * Sends one blob: asks whether it is there, tries to have it mounted from another repository, else uploads it; a cut
 * upload goes on where the registry says it broke.
 * Source: OCI distribution specification, "Pushing blobs"
 */
import { createHash } from 'node:crypto';
import type { Readable } from 'node:stream';
import { Transform } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { createGzip } from 'node:zlib';
import { Failure, isFailure, messageOf } from '../engine/failure.ts';
import type { Repository } from './client.ts';
import { RegistryFailure } from './errors.ts';
import { locationOf } from './transport.ts';

export interface UploadSource {
  /** Undefined: not known yet (it is compressed on the way). */
  digest?: string;
  /** Bytes of the source. */
  size: number;
  open(offset: number): Readable;
  /** Compress on the way; such an upload begins anew when it is cut. */
  gzip?: boolean;
  /** Repository on the same registry that probably has it. */
  mountFrom?: string;
  /** Bytes of the source sent so far. */
  progress?: (current: number) => void;
  signal: AbortSignal;
  backoffMs?: number;
}

export interface Uploaded {
  how: 'exists' | 'mounted' | 'uploaded';
  digest: string;
  /** Bytes as sent; 0 when nothing was. */
  size: number;
}

const TRIES = 5;
const BACKOFF_MS = 500;

/** @throws Failure when the registry refuses or can't be reached in five tries */
export async function uploadBlob(repository: Repository, source: UploadSource): Promise<Uploaded> {
  const { digest, signal } = source;
  if (digest && (await exists(repository, digest, signal))) return { how: 'exists', digest, size: 0 };
  const begun = await begin(repository, source);
  if (begun.mounted && digest) return { how: 'mounted', digest, size: 0 };
  let location = begun.location;
  let offset = 0;
  for (let failures = 0; ; ) {
    try {
      return await send(repository, source, location, offset);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof RegistryFailure && !error.passing && error.status !== 416) throw error;
      failures++;
      if (failures >= TRIES) throw isFailure(error) ? error : new Failure('system', messageOf(error), { cause: error });
      await sleep((source.backoffMs ?? BACKOFF_MS) * 2 ** (failures - 1), undefined, { signal });
      const reached = source.gzip ? undefined : await progressOf(repository, location, signal);
      if (reached) ({ location, offset } = reached);
      else {
        location = (await begin(repository, { ...source, mountFrom: '' })).location;
        offset = 0;
      }
    }
  }
}

/** A refusal counts as no: it has no words for the user, as the answer to the upload has. */
async function exists(repository: Repository, digest: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await repository.request('HEAD', `${repository.path}/blobs/${digest}`, { accept: [200, 404] }, signal);
    response.body.resume();
    return response.status === 200;
  } catch (error) {
    if (error instanceof RegistryFailure && !error.passing && error.bare === undefined) return false;
    throw error;
  }
}

async function begin(repository: Repository, source: UploadSource): Promise<{ location: URL; mounted: boolean }> {
  const mount = source.digest && source.mountFrom ? `?mount=${source.digest}&from=${encodeURIComponent(source.mountFrom)}` : '';
  const scope = mount ? `repository:${repository.path}:pull,push repository:${source.mountFrom}:pull` : undefined;
  const response = await repository.request(
    'POST',
    `${repository.path}/blobs/uploads/${mount}`,
    { headers: { 'content-length': '0' }, accept: [201, 202], redirects: 0, ...(scope ? { scope } : {}) },
    source.signal,
  );
  response.body.resume();
  const location = response.headers.location;
  if (!location) throw new Failure('system', 'the registry gave no place for an upload');
  return { location: locationOf(location, response.url), mounted: response.status === 201 && mount !== '' };
}

/** How far an upload has come; undefined when the registry does not say. */
async function progressOf(
  repository: Repository,
  location: URL,
  signal: AbortSignal,
): Promise<{ location: URL; offset: number } | undefined> {
  try {
    const response = await repository.request('GET', location, { accept: [204] }, signal);
    response.body.resume();
    const end = /^(?:bytes=)?0-(\d+)$/.exec(String(response.headers.range ?? ''))?.[1];
    const next = response.headers.location;
    // "0-0" is what registries say for nothing as well as for one byte.
    const offset = end === undefined || end === '0' ? 0 : Number(end) + 1;
    return { location: next ? locationOf(next, location) : location, offset };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof RegistryFailure) return undefined;
    throw error;
  }
}

async function send(repository: Repository, source: UploadSource, location: URL, offset: number): Promise<Uploaded> {
  const { signal } = source;
  const hash = createHash('sha256');
  let sent = 0;
  let read = offset;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      read += chunk.length;
      source.progress?.(read);
      done(null, chunk);
    },
  });
  const hasher = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sent += chunk.length;
      done(null, chunk);
    },
  });
  const input = source.open(offset);
  const stages = source.gzip ? [counter, createGzip({ chunkSize: 64 * 1024 }), hasher] : [counter, hasher];
  let body: Readable = input;
  for (const stage of stages) {
    body.on('error', (error) => stage.destroy(error));
    body = body.pipe(stage as Transform);
  }
  const length: Record<string, string> = source.gzip ? {} : { 'content-length': String(source.size - offset) };
  const range: Record<string, string> = offset > 0 ? { 'content-range': `${offset}-${source.size - 1}` } : {};
  try {
    const response = await repository.request(
      'PATCH',
      location,
      { headers: { 'content-type': 'application/octet-stream', ...length, ...range }, body, accept: [201, 202, 204], redirects: 0 },
      signal,
    );
    response.body.resume();
    const digest = source.digest && !source.gzip ? source.digest : `sha256:${hash.digest('hex')}`;
    const next = response.headers.location;
    const commit = next ? locationOf(next, location) : new URL(location);
    commit.searchParams.set('digest', digest);
    const done = await repository.request(
      'PUT',
      commit,
      { headers: { 'content-length': '0' }, body: Buffer.alloc(0), accept: [201, 204], redirects: 0 },
      signal,
    );
    done.body.resume();
    return { how: 'uploaded', digest, size: offset + sent };
  } finally {
    input.destroy();
    for (const stage of stages) stage.destroy();
  }
}
