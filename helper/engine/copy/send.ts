import { Readable } from 'node:stream';
import type { CopyContainer, CopyImage, CopyManifest, CopyMessage, CopySendRequest, CopyVolume } from '../../contract/copy.ts';
import type { NetworkCreateRequest } from '../../contract/docker/index.ts';
import type { ContainerSource } from '../containers/types.ts';
import { Failure, messageOf } from '../failure.ts';
import type { ImageSource } from '../images/types.ts';
import type { VolumeSource } from '../volumes/types.ts';
import { dataHeader, messageBytes, messageFrame } from './frames.ts';
import { type Job, openJob } from './journal.ts';
import type { CopyParts } from './parts.ts';
import { runningUsers } from './plan.ts';
import { TreeReader } from './tree-read.ts';

const STREAM_BYTES = 1024 * 1024;

/** All that a copy reads, found before its first byte. */
interface Sources {
  image: ImageSource | undefined;
  container: ContainerSource | undefined;
  volumes: VolumeSource[];
  networks: NetworkCreateRequest[];
}

/** POST /gantry/v1/copy/send */
export async function send(parts: CopyParts, request: CopySendRequest, signal: AbortSignal): Promise<Readable> {
  const sources = await open(parts, request);
  const stream = Readable.from(frames(parts, request, sources, signal), { objectMode: false, highWaterMark: STREAM_BYTES });
  stream.once('close', () => sources.image?.release());
  return stream;
}

async function open(parts: CopyParts, { Kind, Name }: CopySendRequest): Promise<Sources> {
  const none: Sources = { image: undefined, container: undefined, volumes: [], networks: [] };
  switch (Kind) {
    case 'image':
      return { ...none, image: await parts.images.outgoing(Name) };
    case 'volume':
      return { ...none, volumes: [parts.volumes.outgoing(Name)] };
    case 'container': {
      const container = await parts.containers.outgoing(Name);
      const volumes = container.volumes.map((volume) => parts.volumes.outgoing(volume.name));
      const networks = await Promise.all(container.networks.map((network) => networkOf(parts, network)));
      const image = container.imageId ? await parts.images.outgoing(container.imageId) : undefined;
      return { image, container, volumes, networks };
    }
  }
}

/** As a user would make the network. */
async function networkOf({ networks }: CopyParts, name: string): Promise<NetworkCreateRequest> {
  const network = await networks.inspect(name);
  return {
    Name: network.Name,
    Driver: network.Driver,
    Internal: network.Internal,
    Attachable: network.Attachable,
    EnableIPv4: network.EnableIPv4 ?? true,
    EnableIPv6: network.EnableIPv6,
    IPAM: network.IPAM,
    Options: network.Options,
    Labels: network.Labels,
  };
}

function manifestOf(request: CopySendRequest, sources: Sources): CopyManifest {
  const { image, container, volumes, networks } = sources;
  return {
    Type: 'manifest',
    Version: 1,
    Kind: request.Kind,
    ...(image ? { Image: imageOf(image, new Set(request.Have ?? [])) } : {}),
    ...(container ? { Container: containerOf(container) } : {}),
    Volumes: volumes.map((volume) => volumeOf(volume, request)),
    Networks: networks,
  };
}

function imageOf(image: ImageSource, has: ReadonlySet<string>): CopyImage {
  return {
    Id: image.id,
    Names: image.names,
    Config: image.config.toString('base64'),
    Manifest: image.manifest.data.toString('base64'),
    MediaType: image.manifest.mediaType,
    Layers: image.layers.map(({ diffId, digest, size }) => ({ DiffId: diffId, Digest: digest, Size: size, Sent: !has.has(diffId) })),
  };
}

function containerOf({ name, imageName, request, volumes, warnings }: ContainerSource): CopyContainer {
  const anonymous = volumes.filter((volume) => volume.anonymous).map((volume) => [volume.destination, volume.name]);
  return { Name: name, ImageName: imageName, Request: request, Anonymous: Object.fromEntries(anonymous), Warnings: warnings };
}

function volumeOf(volume: VolumeSource, { LeaveVolumes = [] }: CopySendRequest): CopyVolume {
  return {
    Name: volume.name,
    Anonymous: volume.anonymous,
    Labels: volume.labels,
    Options: volume.options,
    Sent: !volume.mounted && !LeaveVolumes.includes(volume.name),
  };
}

const frame = (message: CopyMessage): Buffer => messageFrame(messageBytes(message));

async function* frames(parts: CopyParts, request: CopySendRequest, sources: Sources, signal: AbortSignal): AsyncGenerator<Buffer> {
  try {
    const manifest = manifestOf(request, sources);
    yield frame(manifest);
    yield* layers(manifest, sources, signal);
    // Paused for no longer than their files are read: layers don't change.
    const pause = await pauseUsers(parts, request, sources);
    try {
      yield* trees(parts, manifest, sources, signal);
    } finally {
      await pause();
    }
    yield frame({ Type: 'done' });
  } catch (error) {
    if (signal.aborted) throw error;
    parts.context.log.warn('a copy was given up', { name: request.Name, reason: messageOf(error) });
    // The status has been sent: the target hears it, and tells the client.
    yield frame({ Type: 'failed', Message: messageOf(error).slice(0, 1000) });
  }
}

async function* layers(manifest: CopyManifest, { image }: Sources, signal: AbortSignal): AsyncGenerator<Buffer> {
  const sent = new Set<string>();
  for (const layer of manifest.Image?.Layers ?? []) {
    if (!layer.Sent || sent.has(layer.DiffId) || !image) continue;
    sent.add(layer.DiffId);
    yield frame({ Type: 'layer', DiffId: layer.DiffId });
    const bytes = image.open(layer.DiffId);
    try {
      for await (const chunk of bytes as AsyncIterable<Buffer>) {
        signal.throwIfAborted();
        yield Buffer.concat([dataHeader(chunk.length), chunk]);
      }
    } finally {
      bytes.destroy();
    }
    // The layer's own digest says whether it is whole.
    yield frame({ Type: 'end', Sha256: '' });
  }
}

async function* trees(parts: CopyParts, manifest: CopyManifest, sources: Sources, signal: AbortSignal): AsyncGenerator<Buffer> {
  const { container, volumes } = sources;
  if (container) {
    yield frame({ Type: 'tree', Tree: 'upper', Name: '' });
    yield* new TreeReader({ folder: container.upper, upper: true, signal }).frames();
  }
  for (const { Name, Sent } of manifest.Volumes) {
    const volume = volumes.find(({ name }) => name === Name);
    if (!Sent || !volume) continue;
    yield frame({ Type: 'tree', Tree: 'volume', Name });
    yield* new TreeReader({ folder: volume.data, upper: false, signal }).frames();
  }
  // What was removed meanwhile was read in part at best.
  if (container) parts.containers.locate(container.id);
  for (const { name, createdAt } of volumes) {
    if (parts.volumes.outgoing(name).createdAt !== createdAt) throw new Failure('conflict', `the volume ${name} was removed meanwhile`);
  }
}

/**
 * Pauses the running containers whose files are about to be read, unless the client wants otherwise. A journal says so: an engine that
 * ends in between goes on with them at its next start.
 * @returns what goes on with them
 */
async function pauseUsers(parts: CopyParts, { Pause = true }: CopySendRequest, sources: Sources): Promise<() => Promise<void>> {
  const { container, volumes } = sources;
  const ids = new Set([...(container ? [container.id] : []), ...volumes.flatMap(({ users }) => users)]);
  const users = Pause ? await runningUsers(parts, [...ids]) : [];
  if (users.length === 0) return async () => undefined;
  const job: Job = await openJob(parts.context.paths.data);
  await job.note({ paused: users.map(({ id }) => id) });
  const paused: string[] = [];
  const goOn = async (): Promise<void> => {
    for (const id of paused) await parts.containers.unpause(id).catch((error) => logPause(parts, id, error));
    await job.close();
  };
  try {
    for (const { id } of users) {
      await parts.containers.pause(id);
      paused.push(id);
    }
  } catch (error) {
    await goOn();
    throw error;
  }
  return goOn;
}

function logPause({ context }: CopyParts, container: string, error: unknown): void {
  context.log.warn('a container that was paused for a copy did not go on', { container, reason: messageOf(error) });
}
