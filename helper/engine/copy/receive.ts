/**
 * Takes a copy in. What comes is laid aside first (layers under a lease, folders in the job's own), and only when all of it is here and
 * verified it is put in place, step by step with a journal: a failure, a client that goes away and a crash leave nothing.
 */
import { promises as fs } from 'node:fs';
import path from 'node:path';
import type { Readable } from 'node:stream';
import type { CopyMessage } from '../../contract/copy.ts';
import { syncFileSystem } from '../../system/syscall/index.ts';
import { Failure } from '../failure.ts';
import type { Emit, ImageTarget } from '../images/index.ts';
import { apply } from './apply.ts';
import { checkTarget } from './check.ts';
import { type Frame, holeBytes, readFrames } from './frames.ts';
import { openJob } from './journal.ts';
import { checkManifest, parseMessage } from './manifest.ts';
import type { CopyParts } from './parts.ts';
import type { Received } from './received.ts';
import { TreeWriter } from './tree-write.ts';
import type { CopyDecoders } from './types.ts';

const damaged = (what: string): Failure => new Failure('invalidParameter', `the copy's stream is damaged: ${what}`);

export interface ReceiveOptions {
  name?: string;
  decoders: CopyDecoders;
}

export async function receive(parts: CopyParts, stream: Readable, options: ReceiveOptions, emit: Emit, signal: AbortSignal): Promise<void> {
  const abort = (): void => void stream.destroy(new Error('aborted'));
  signal.addEventListener('abort', abort, { once: true });
  const image = parts.images.incoming(signal);
  const job = await openJob(parts.context.paths.data);
  try {
    // Not destroyed when it is left early: it is a request, whose answer says why.
    const frames = readFrames(stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>);
    const reader = new CopyReader(frames);
    const manifest = checkManifest(await reader.message());
    const received: Received = { manifest, image, upper: undefined, volumes: new Map(), name: options.name, decoders: options.decoders };
    await checkTarget(parts, received);
    await takeParts(reader, received, job.folder, emit, signal);
    signal.throwIfAborted();
    await syncFileSystem(job.folder);
    const result = await apply(parts, job, received);
    emit({ status: 'Copied', aux: result });
  } finally {
    signal.removeEventListener('abort', abort);
    stream.resume();
    await job.close();
    await image.release();
  }
}

/** Frames one at a time; messages are checked. */
class CopyReader {
  readonly #frames: AsyncGenerator<Frame>;

  constructor(frames: AsyncGenerator<Frame>) {
    this.#frames = frames;
  }

  async next(): Promise<Exclude<Frame, { kind: 'message' }> | { kind: 'message'; message: CopyMessage; bytes: Buffer }> {
    const { value, done } = await this.#frames.next();
    if (done) throw damaged('it breaks off');
    if (value.kind !== 'message') return value;
    const message = parseMessage(value.message);
    if (message.Type === 'failed') throw new Failure('system', `the source gave up: ${message.Message}`);
    return { ...value, message };
  }

  async message(): Promise<CopyMessage> {
    const frame = await this.next();
    if (frame.kind !== 'message') throw damaged('data where a message should be');
    return frame.message;
  }

  async end(): Promise<void> {
    if (!(await this.#frames.next()).done) throw damaged('it goes on after its end');
  }

  /** The data frames up to the next `end`. */
  async *data(): AsyncGenerator<Buffer> {
    for (let frame = await this.next(); ; frame = await this.next()) {
      if (frame.kind === 'data') yield frame.data;
      else if (frame.kind === 'message' && frame.message.Type === 'end') return;
      else throw damaged('something else in the midst of a layer');
    }
  }
}

async function takeParts(reader: CopyReader, received: Received, folder: string, emit: Emit, signal: AbortSignal): Promise<void> {
  const { manifest, image } = received;
  const layers = new Map((manifest.Image?.Layers ?? []).filter(({ Sent }) => Sent).map((layer) => [layer.DiffId, layer]));
  for (const { DiffId, Sent } of manifest.Image?.Layers ?? []) {
    if (!Sent && !image.has(DiffId)) throw new Failure('conflict', `the layer ${DiffId} is not here (any more), and was not sent`);
  }
  for (let message = await reader.message(); message.Type !== 'done'; message = await reader.message()) {
    signal.throwIfAborted();
    if (message.Type === 'layer') {
      const layer = layers.get(message.DiffId);
      if (!layer) throw damaged('a layer that was not announced');
      layers.delete(message.DiffId);
      await takeLayer(reader, image, layer, emit);
    } else if (message.Type === 'tree') {
      await takeTree(reader, received, message, folder, emit);
    } else throw damaged(`a message out of place: ${message.Type}`);
  }
  for (const { Name, Sent } of manifest.Volumes) if (Sent && !received.volumes.has(Name)) throw damaged(`no data of the volume ${Name}`);
  if (manifest.Container && received.upper === undefined) throw damaged('no writable layer');
  await reader.end();
}

async function takeLayer(
  reader: CopyReader,
  image: ImageTarget,
  { DiffId, Digest, Size }: { DiffId: string; Digest: string; Size: number },
  emit: Emit,
): Promise<void> {
  let current = 0;
  const counted = async function* (): AsyncGenerator<Buffer> {
    for await (const data of reader.data()) {
      current += data.length;
      if (current > Size) throw damaged('a layer is longer than was said');
      emit.count(DiffId.slice(7, 19), 'Copying layer', current, Size);
      yield data;
    }
    if (current !== Size) throw damaged('a layer is shorter than was said');
  };
  await image.add({ diffId: DiffId, digest: Digest }, counted());
}

async function takeTree(
  reader: CopyReader,
  received: Received,
  { Tree, Name }: { Tree: 'upper' | 'volume'; Name: string },
  folder: string,
  emit: Emit,
): Promise<void> {
  const upper = Tree === 'upper';
  const wanted = upper
    ? received.manifest.Container && received.upper === undefined
    : received.manifest.Volumes.some((volume) => volume.Name === Name && volume.Sent) && !received.volumes.has(Name);
  if (!wanted) throw damaged('a folder that was not announced');
  const at = upper ? 'upper' : `volume-${received.volumes.size}`;
  const place = path.join(folder, at);
  if (!upper) await fs.mkdir(place, { mode: 0o700 });
  const writer = new TreeWriter({ folder: upper ? place : path.join(place, '_data'), upper });
  try {
    for (let frame = await reader.next(); ; frame = await reader.next()) {
      if (frame.kind === 'message') {
        if (frame.message.Type === 'end') {
          await writer.end(frame.message.Sha256);
          break;
        }
        if (frame.message.Type !== 'entry') throw damaged(`a message out of place: ${frame.message.Type}`);
        writer.hash(frame.bytes);
        await writer.entry(frame.message);
      } else if (frame.kind === 'data') {
        writer.hash(frame.data);
        await writer.data(frame.data);
        emit.count(upper ? '' : Name, upper ? 'Copying writable layer' : 'Copying volume', writer.bytes, 0);
      } else {
        writer.hash(holeBytes(frame.length));
        await writer.hole(frame.length);
      }
    }
  } finally {
    await writer.abort();
  }
  if (upper) received.upper = place;
  else received.volumes.set(Name, at);
}
