import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { type EngineClient, EngineError } from '../../engine-client/index.ts';
import {
  ask,
  askIfThere,
  type ContainerAnswer,
  containerAnswer,
  createdAnswer,
  imageAnswer,
  imagePath,
  networkAnswer,
  unmake,
} from '../answers.ts';
import { type Carried, type Carrying, type Made, nothingMade, takeBack } from '../carry.ts';
import { networksOf } from '../plan.ts';
import { carryImage } from './image.ts';
import { portableHost, withVolumeNames } from './portable.ts';
import { carryVolume } from './volume.ts';

/**
 * With nothing but the Docker API: what the container has written becomes a layer by commit, its image goes by save and load, its
 * volumes by archives, and it is created anew from what inspect says.
 */
export async function carryContainer(carrying: Carrying): Promise<Carried> {
  const { from, to, request, signal } = carrying;
  const container = await ask(from, containerAnswer, 'GET', `/containers/${encodeURIComponent(request.source.id)}/json`, { signal });
  const made = nothingMade();
  const warnings: string[] = [];
  try {
    const image = await carryItsImage(carrying, container, made);
    for (const network of networksOf(container.NetworkSettings.Networks)) await makeNetwork(carrying, network, made, warnings);
    for (const { Type, Name } of container.Mounts) {
      const isMade = made.volumes.some(({ name }) => name === Name);
      if (Type === 'volume' && Name !== '' && !request.useVolumes.includes(Name) && !isMade) await carryVolume(carrying, Name, Name, made);
    }
    const name = request.name ?? container.Name.replace(/^\//, '');
    const json = createRequest(container, image);
    const created = await ask(to, createdAnswer, 'POST', `/containers/create?name=${encodeURIComponent(name)}`, { json, signal });
    made.containers.push(created.Id);
    await carrying.keep(made);
    return { id: created.Id, name, warnings: [...warnings, ...created.Warnings], made };
  } catch (error) {
    await takeBack(to, made);
    throw error;
  }
}

/** Names of images that are made for a copy; each is its own. */
export const COPY_NAMES = 'gantry-copy/';

const changes = v.nullish(v.array(v.unknown()));

/** @returns what to call it on the target */
async function carryItsImage(carrying: Carrying, container: ContainerAnswer, made: Made): Promise<string> {
  const { from, to, request, plan, signal } = carrying;
  const written = await ask(from, changes, 'GET', `/containers/${container.Id}/changes`, { signal });
  if (!written?.length) {
    const [name] = plan.image?.names ?? [];
    const there = await askIfThere(to, imageAnswer, `/images/${container.Image}/json`, signal);
    const taken = name && !there ? await askIfThere(to, imageAnswer, `/images/${imagePath(name)}/json`, signal) : undefined;
    if (there) return name ?? container.Image;
    // A name that means another image there is not taken from it.
    const reference = name && !taken ? name : container.Image;
    made.images.push(...(await carryImage(carrying, reference)).made.images);
    return reference;
  }
  const reference = `${COPY_NAMES}${
    request.source.name
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, '') || 'container'
  }:${randomBytes(4).toString('hex')}`;
  const [repo = '', tag = ''] = reference.split(':');
  made.images.push(reference);
  await carrying.keep(made);
  const query = new URLSearchParams({ container: container.Id, repo, tag, pause: request.pause ? '1' : '0' });
  await from.json('POST', `/commit?${query}`, { body: { json: {} }, signal });
  try {
    await carryImage(carrying, reference);
  } finally {
    // A name of ours only: the layers below are the image's.
    await unmake(from, `/images/${imagePath(reference)}`).catch(() => undefined);
  }
  return reference;
}

async function makeNetwork({ from, to, keep, signal }: Carrying, name: string, made: Made, warnings: string[]): Promise<void> {
  const path = `/networks/${encodeURIComponent(name)}`;
  if (await askIfThere(to, networkAnswer, path, signal)) return;
  const { Driver, Internal, Attachable, EnableIPv6, IPAM, Options, Labels } = await ask(from, networkAnswer, 'GET', path, { signal });
  const json = { Name: name, CheckDuplicate: true, Driver, Internal, Attachable, EnableIPv6, Options, Labels };
  let id: string;
  try {
    ({ Id: id } = await ask(to, createdNetwork, 'POST', '/networks/create', { json: { ...json, IPAM }, signal }));
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    ({ Id: id } = await ask(to, createdNetwork, 'POST', '/networks/create', { json, signal }));
    warnings.push(`${name}: ${error.message}`);
  }
  made.networks.push(id);
  await keep(made);
}
const createdNetwork = v.object({ Id: v.string() });

const endpoint = v.object({
  Aliases: v.nullish(v.array(v.string())),
  IPAMConfig: v.nullish(v.looseObject({})),
});

function createRequest(container: ContainerAnswer, image: string): Record<string, unknown> {
  const { Config, HostConfig, Mounts, NetworkSettings, Id } = container;
  const { Hostname, Volumes: _volumes, ...config } = Config;
  const host = withVolumeNames(portableHost(HostConfig), Mounts);
  const shortId = Id.slice(0, 12);
  const networks = networksOf(NetworkSettings.Networks).map((name) => {
    const parsed = v.safeParse(endpoint, NetworkSettings.Networks[name]);
    const { Aliases, IPAMConfig } = parsed.success ? parsed.output : {};
    return [name, { Aliases: (Aliases ?? []).filter((alias) => alias !== shortId), ...(IPAMConfig && { IPAMConfig }) }];
  });
  // Podman says `bridge` for a container in a network of the user's, too.
  const [first] = networks;
  const inDefault = Object.keys(NetworkSettings.Networks).length > networks.length;
  if (first && !inDefault && host.NetworkMode === 'bridge') host.NetworkMode = first[0];
  return {
    ...config,
    ...(typeof Hostname === 'string' && Hostname !== shortId ? { Hostname } : {}),
    Image: image,
    HostConfig: host,
    NetworkingConfig: { EndpointsConfig: Object.fromEntries(networks) },
  };
}

/** Of the engine that a container is on: whether it runs, and how it ended if not. */
export async function stateOf(client: EngineClient, id: string, signal?: AbortSignal): Promise<ContainerAnswer> {
  return ask(client, containerAnswer, 'GET', `/containers/${id}/json`, signal ? { signal } : {});
}
