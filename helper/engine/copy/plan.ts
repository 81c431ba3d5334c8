import type { CopyHave, CopyHaveRequest, CopyKind, CopyPlan, CopyPlanVolume } from '../../contract/copy.ts';
import type { ContainerSource } from '../containers/types.ts';
import { Failure, isFailure } from '../failure.ts';
import { sizeOf } from '../volumes/index.ts';
import type { CopyParts } from './parts.ts';

/** GET /gantry/v1/copy/plan */
export async function plan(parts: CopyParts, kind: CopyKind, name: string): Promise<CopyPlan> {
  const base: CopyPlan = { Kind: kind, Name: name, Volumes: [], Networks: [], Warnings: [] };
  switch (kind) {
    case 'image':
      return { ...base, Image: await imageOf(parts, name) };
    case 'volume':
      return { ...base, Volumes: [await volumeOf(parts, name)] };
    case 'container': {
      const source = await parts.containers.outgoing(name);
      return {
        ...base,
        Name: source.name,
        ...(source.imageId ? { Image: await imageOf(parts, source.imageId) } : {}),
        Container: containerOf(source),
        Volumes: await Promise.all(source.volumes.map((volume) => volumeOf(parts, volume.name))),
        Networks: source.networks,
        Warnings: source.warnings,
      };
    }
  }
}

async function imageOf(parts: CopyParts, reference: string): Promise<NonNullable<CopyPlan['Image']>> {
  const image = await parts.images.outgoing(reference);
  image.release();
  const layers = new Map(image.layers.map(({ diffId, size }) => [diffId, size]));
  return { Id: image.id, Names: image.familiarNames, Layers: [...layers].map(([DiffId, Bytes]) => ({ DiffId, Bytes })) };
}

function containerOf(source: ContainerSource): NonNullable<CopyPlan['Container']> {
  const host = source.request.HostConfig ?? {};
  const ports = Object.entries(host.PortBindings ?? {}).flatMap(([port, bindings]) =>
    (bindings ?? []).flatMap(({ HostPort }) => (HostPort ? [`${HostPort}/${port.split('/')[1] ?? 'tcp'}`] : [])),
  );
  return {
    Id: source.id,
    Running: source.running,
    Paused: source.paused,
    AutoRemove: host.AutoRemove ?? false,
    Privileged: host.Privileged ?? false,
    WritableBytes: source.writableBytes,
    Binds: source.binds,
    Ports: ports,
  };
}

async function volumeOf(parts: CopyParts, name: string): Promise<CopyPlanVolume> {
  const source = parts.volumes.outgoing(name);
  const users = await runningUsers(parts, source.users);
  return {
    Name: name,
    Anonymous: source.anonymous,
    Bytes: source.mounted ? 0 : await sizeOf(source.data),
    Data: !source.mounted,
    UsedBy: users.map((user) => user.name),
  };
}

/** Those of these containers that run, and are not paused. */
export async function runningUsers({ containers }: CopyParts, ids: readonly string[]): Promise<{ id: string; name: string }[]> {
  const running: { id: string; name: string }[] = [];
  for (const id of ids) {
    try {
      const source = await containers.inspect(id, { size: false });
      if (source.State.Running && !source.State.Paused) running.push({ id: source.Id, name: source.Name.slice(1) });
    } catch (error) {
      if (!isFailure(error, 'notFound')) throw error;
    }
  }
  return running;
}

/** POST /gantry/v1/copy/have */
export async function have({ containers, images, networks, volumes }: CopyParts, request: CopyHaveRequest): Promise<CopyHave> {
  const names: Record<string, string> = {};
  for (const name of request.Names ?? []) {
    const found = await ifThere(images.resolve(name));
    if (found) names[name] = found.id;
  }
  const there = async (list: string[] | undefined, look: (name: string) => Promise<unknown>): Promise<string[]> => {
    const found: string[] = [];
    for (const name of list ?? []) if (await ifThere(look(name))) found.push(name);
    return found;
  };
  return {
    Layers: images.present(request.Layers ?? []),
    Names: names,
    Containers: await there(request.Containers, async (name) => containers.locate(name)),
    Volumes: await there(request.Volumes, (name) => volumes.inspect(name)),
    Networks: await there(request.Networks, (name) => networks.resolve(name)),
  };
}

async function ifThere<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Failure && (error.kind === 'notFound' || error.kind === 'invalidParameter')) return undefined;
    throw error;
  }
}
