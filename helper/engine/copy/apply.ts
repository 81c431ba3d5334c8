import path from 'node:path';
import type { CopyResult, CopyVolume } from '../../contract/copy.ts';
import type { ContainerCreateRequest, EndpointSettings } from '../../contract/docker/index.ts';
import { newContainerId } from '../containers/index.ts';
import { Failure, isFailure, messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { withUndo } from '../undo.ts';
import { anonymousName } from '../volumes/index.ts';
import { isThere } from './check.ts';
import type { Job, Journal } from './journal.ts';
import { makeNetworks } from './networks.ts';
import type { CopyParts } from './parts.ts';
import type { Received } from './received.ts';

type Made = NonNullable<Journal['made']>;

/** Puts all of it in place, in the order in which one needs the other. What was made is taken away again when a step fails. */
export async function apply(parts: CopyParts, job: Job, received: Received): Promise<CopyResult> {
  const { manifest } = received;
  const warnings = [...(manifest.Container?.Warnings ?? [])];
  const made: Made = { since: nowInstant(), networks: [], volumes: {} };
  const result = await withUndo(async (undo) => {
    if (manifest.Image) {
      const { added } = await registerImage(parts, job, made, received);
      if (added) undo.add('image', () => parts.images.remove(manifest.Image?.Id ?? '', { force: true, prune: false }));
    }
    if (manifest.Kind === 'image') return { Id: manifest.Image?.Id ?? '', Name: manifest.Image?.Names[0] ?? '' };

    const requests = manifest.Networks.map((network) => received.decoders.network(network));
    await makeNetworks(parts, job, made, requests, warnings, undo);

    const names = await volumeNames(parts, received);
    const id = newContainerId();
    for (const volume of manifest.Volumes) {
      const name = names.get(volume.Name) ?? volume.Name;
      await makeVolume(parts, job, made, received, { volume, name, owner: manifest.Container ? id : undefined });
      undo.add('volume', () => parts.volumes.remove(name, true));
    }
    if (!manifest.Container) {
      const name = names.get(manifest.Volumes[0]?.Name ?? '') ?? '';
      return { Id: name, Name: name };
    }
    return makeContainer(parts, job, made, received, { id, names, warnings });
  });
  return { Kind: manifest.Kind, ...result, Warnings: warnings };
}

async function registerImage(parts: CopyParts, job: Job, made: Made, { manifest, image }: Received): Promise<{ added: boolean }> {
  const given = manifest.Image;
  if (!given) return { added: false };
  if (!(await isThere(() => parts.images.resolve(given.Id)))) {
    made.image = given.Id;
    await job.note({ made });
  }
  return image.register(
    {
      id: given.Id,
      config: Buffer.from(given.Config, 'base64'),
      manifest: { mediaType: given.MediaType, data: Buffer.from(given.Manifest, 'base64') },
      names: given.Names,
    },
    // A container brings its image along: that is no reason to take a name from another one.
    { keepNames: manifest.Kind === 'container' },
  );
}

/** What volumes are called here: anonymous ones give way to others of the same name. */
async function volumeNames(parts: CopyParts, { manifest, name }: Received): Promise<Map<string, string>> {
  const names = new Map<string, string>();
  for (const volume of manifest.Volumes) {
    if (manifest.Kind === 'volume') names.set(volume.Name, name ?? volume.Name);
    else if (volume.Anonymous && volume.Sent && (await isThere(() => parts.volumes.inspect(volume.Name)))) {
      names.set(volume.Name, anonymousName());
    } else names.set(volume.Name, volume.Name);
  }
  return names;
}

async function makeVolume(
  parts: CopyParts,
  job: Job,
  made: Made,
  received: Received,
  { volume, name, owner }: { volume: CopyVolume; name: string; owner: string | undefined },
): Promise<void> {
  const folder = received.volumes.get(volume.Name);
  if (folder === undefined) {
    // Its data was left out: what is here is used. One whose data lies elsewhere needs its options.
    if (await isThere(() => parts.volumes.inspect(name))) return;
    if (Object.keys(volume.Options).length === 0) throw new Failure('notFound', `the volume ${name} was to be used, and is not here`);
    made.volumes[name] = '';
    await job.note({ made });
    await parts.volumes.create({ Name: name, DriverOpts: volume.Options, Labels: volume.Labels });
    return;
  }
  made.volumes[name] = folder;
  await job.note({ made });
  const ownership = volume.Anonymous && owner ? { anonymous: true, owner } : { anonymous: volume.Anonymous };
  await parts.volumes.take(name, path.join(job.folder, folder), { labels: volume.Labels, ...ownership });
}

interface ContainerPlan {
  id: string;
  names: Map<string, string>;
  warnings: string[];
}

async function makeContainer(
  parts: CopyParts,
  job: Job,
  made: Made,
  { manifest, decoders, upper, name }: Received,
  { id, names, warnings }: ContainerPlan,
): Promise<{ Id: string; Name: string }> {
  const { Container, Image } = manifest;
  if (!Container || upper === undefined) throw new Failure('system', 'a container without its writable layer');
  const request = decoders.container(Container.Request);
  const image = Image ? await imageName(parts, Container.ImageName, Image.Id) : undefined;
  const endpoints = await freeAddresses(parts, request, warnings);
  const anonymous = Object.fromEntries(Object.entries(Container.Anonymous).map(([place, volume]) => [place, names.get(volume) ?? volume]));
  made.container = id;
  await job.note({ made });
  const wanted = name ?? Container.Name;
  const created = await parts.containers.create(
    wanted,
    { ...request, ...(image ? { Image: image } : {}), NetworkingConfig: { EndpointsConfig: endpoints } },
    { prepared: { id, upper, anonymous } },
  );
  warnings.push(...created.Warnings);
  return { Id: created.Id, Name: wanted };
}

/** What the user called the image, as long as it means that image here too. */
async function imageName({ images }: CopyParts, name: string, id: string): Promise<string> {
  const found = name === '' ? undefined : await images.resolve(name).catch(() => undefined);
  return found?.id === id ? name : id;
}

/** Static addresses are kept where they can be had. */
async function freeAddresses(
  { networks }: CopyParts,
  request: ContainerCreateRequest,
  warnings: string[],
): Promise<Record<string, EndpointSettings>> {
  const endpoints: Record<string, EndpointSettings> = {};
  for (const [network, given] of Object.entries(request.NetworkingConfig?.EndpointsConfig ?? {})) {
    const settings = { ...given };
    endpoints[network] = settings;
    const asked = [settings.IPAMConfig?.IPv4Address, settings.IPAMConfig?.IPv6Address].filter((address) => address);
    if (asked.length === 0) continue;
    try {
      const { Containers } = await networks.inspect(network);
      const taken = new Set(
        Object.values(Containers).flatMap((other) => [other.IPv4Address, other.IPv6Address].map((text) => text.split('/')[0])),
      );
      if (asked.some((address) => taken.has(address))) throw new Failure('conflict', 'Address already in use');
      await networks.validate({ networkMode: network, endpoints: { [network]: settings } });
    } catch (error) {
      if (!isFailure(error)) throw error;
      const { IPAMConfig: _, ...rest } = settings;
      endpoints[network] = rest;
      warnings.push(`the address ${asked.join(', ')} in the network ${network} can't be kept: ${messageOf(error)}`);
    }
  }
  return endpoints;
}
