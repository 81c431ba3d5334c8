import * as v from 'valibot';
import { type EngineClient, EngineError } from '../engine-client/index.ts';
import type { TransferPlan, TransferSource } from '../ipc/contract.ts';
import {
  ask,
  askIfThere,
  containerAnswer,
  haveAnswer,
  imageAnswer,
  imagePath,
  networkAnswer,
  planAnswer,
  volumeAnswer,
} from './answers.ts';

/** What travels, how big, and what is there already. Between our engines they say it; of others it is pieced together. */
export async function makePlan(from: EngineClient, to: EngineClient, source: TransferSource, signal?: AbortSignal): Promise<TransferPlan> {
  const both = (await Promise.all([from, to].map(canStream))).every(Boolean);
  return both ? streamPlan(from, to, source, signal) : archivePlan(from, to, source, signal);
}

const features = v.object({ Features: v.array(v.string()) });

async function canStream(client: EngineClient): Promise<boolean> {
  try {
    return (await ask(client, features, 'GET', '/gantry/v1')).Features.includes('copy');
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

async function streamPlan(from: EngineClient, to: EngineClient, source: TransferSource, signal?: AbortSignal): Promise<TransferPlan> {
  const options = signal ? { signal } : {};
  const query = new URLSearchParams({ kind: source.kind, name: source.id });
  const { Image, Container, ...plan } = await ask(from, planAnswer, 'GET', `/gantry/v1/copy/plan?${query}`, options);
  const json = {
    Layers: Image?.Layers.map(({ DiffId }) => DiffId) ?? [],
    Names: Image?.Names ?? [],
    Containers: source.kind === 'container' ? [plan.Name] : [],
    Volumes: plan.Volumes.map(({ Name }) => Name),
    Networks: plan.Networks,
  };
  const there = await ask(to, haveAnswer, 'POST', '/gantry/v1/copy/have', { json, ...options });
  const same = Image && (await askIfThere(to, imageAnswer, `/images/${Image.Id}/json`, signal));
  const sum = (layers: { DiffId: string; Bytes: number }[]) => layers.reduce((bytes, { Bytes }) => bytes + Bytes, 0);
  return {
    way: 'stream',
    ...(Image && {
      image: {
        id: Image.Id,
        names: Image.Names,
        there: same !== undefined,
        bytes: sum(Image.Layers),
        thereBytes: sum(Image.Layers.filter(({ DiffId }) => there.Layers.includes(DiffId))),
        takesNames: source.kind === 'image' ? Image.Names.filter((name) => there.Names[name] && there.Names[name] !== Image.Id) : [],
      },
    }),
    ...(Container && {
      container: {
        running: Container.Running,
        autoRemove: Container.AutoRemove,
        privileged: Container.Privileged,
        writableBytes: Container.WritableBytes,
        binds: Container.Binds,
        ports: Container.Ports,
      },
    }),
    volumes: plan.Volumes.map(({ Name, Anonymous, Bytes, Data, UsedBy }) => ({
      name: Name,
      anonymous: Anonymous,
      bytes: Bytes,
      data: Data,
      usedBy: UsedBy,
      there: there.Volumes.includes(Name),
    })),
    networks: plan.Networks.map((name) => ({ name, there: there.Networks.includes(name) })),
    nameTaken: there.Containers.length > 0 || (source.kind === 'volume' && there.Volumes.length > 0),
    warnings: plan.Warnings,
  };
}

const bindings = v.object({
  AutoRemove: v.optional(v.boolean(), false),
  Privileged: v.optional(v.boolean(), false),
  PortBindings: v.nullish(v.record(v.string(), v.nullish(v.array(v.object({ HostPort: v.optional(v.string(), '') }))))),
});
const PREDEFINED = new Set(['bridge', 'host', 'none', 'default', 'podman']);

/** User-defined networks of a container. */
export const networksOf = (networks: Record<string, unknown>): string[] => Object.keys(networks).filter((name) => !PREDEFINED.has(name));

async function archivePlan(from: EngineClient, to: EngineClient, source: TransferSource, signal?: AbortSignal): Promise<TransferPlan> {
  const base: TransferPlan = { way: 'archive', volumes: [], networks: [], nameTaken: false, warnings: [] };
  const options = signal ? { signal } : {};
  if (source.kind === 'image') return { ...base, image: await imagePlan(from, to, source.id, true, signal) };
  if (source.kind === 'volume') {
    const volume = await volumePlan(from, to, { name: source.id, anonymous: false, usedBy: await usersOf(from, source.id) }, signal);
    return { ...base, volumes: [volume], nameTaken: volume.there };
  }
  const path = `/containers/${encodeURIComponent(source.id)}/json?size=1`;
  const container = await ask(from, containerAnswer, 'GET', path, options);
  const name = container.Name.replace(/^\//, '');
  const host = v.parse(bindings, container.HostConfig);
  const running = container.State.Running && !container.State.Paused;
  const volumes = container.Mounts.filter(({ Type, Name }) => Type === 'volume' && Name !== '');
  return {
    ...base,
    image: await imagePlan(from, to, container.Image, false, signal),
    container: {
      running: container.State.Running,
      autoRemove: host.AutoRemove,
      privileged: host.Privileged,
      writableBytes: container.SizeRw,
      binds: container.Mounts.filter(({ Type }) => Type === 'bind').map(({ Source }) => Source),
      ports: Object.entries(host.PortBindings ?? {}).flatMap(([port, list]) =>
        (list ?? []).flatMap(({ HostPort }) => (HostPort ? [`${HostPort}/${port.split('/')[1] ?? 'tcp'}`] : [])),
      ),
    },
    volumes: await Promise.all(
      volumes.map(({ Name }) =>
        volumePlan(from, to, { name: Name, anonymous: /^[0-9a-f]{64}$/.test(Name), usedBy: running ? [name] : [] }, signal),
      ),
    ),
    networks: await Promise.all(
      networksOf(container.NetworkSettings.Networks).map(async (network) => ({
        name: network,
        there: (await askIfThere(to, networkAnswer, `/networks/${encodeURIComponent(network)}`, signal)) !== undefined,
      })),
    ),
    nameTaken: (await askIfThere(to, containerAnswer, `/containers/${encodeURIComponent(name)}/json`, signal)) !== undefined,
  };
}

async function imagePlan(
  from: EngineClient,
  to: EngineClient,
  reference: string,
  named: boolean,
  signal?: AbortSignal,
): Promise<NonNullable<TransferPlan['image']>> {
  const image = await ask(from, imageAnswer, 'GET', `/images/${imagePath(reference)}/json`, signal ? { signal } : {});
  const names = image.RepoTags.filter((tag) => tag !== '<none>:<none>');
  const wanted = named && names.includes(reference) ? [reference] : names;
  const there = await askIfThere(to, imageAnswer, `/images/${image.Id}/json`, signal);
  const takesNames: string[] = [];
  for (const name of named ? wanted : []) {
    const other = await askIfThere(to, imageAnswer, `/images/${imagePath(name)}/json`, signal);
    if (other && other.Id !== image.Id) takesNames.push(name);
  }
  return { id: image.Id, names: wanted, there: there !== undefined, bytes: image.Size, thereBytes: there ? image.Size : 0, takesNames };
}

async function volumePlan(
  from: EngineClient,
  to: EngineClient,
  { name, anonymous, usedBy }: { name: string; anonymous: boolean; usedBy: string[] },
  signal?: AbortSignal,
): Promise<TransferPlan['volumes'][number]> {
  const path = `/volumes/${encodeURIComponent(name)}`;
  const volume = await ask(from, volumeAnswer, 'GET', path, signal ? { signal } : {});
  const there = (await askIfThere(to, volumeAnswer, path, signal)) !== undefined;
  return { name, anonymous, bytes: -1, data: Object.keys(volume.Options).length === 0, usedBy, there };
}

const summaries = v.array(v.object({ Names: v.optional(v.array(v.string()), []), State: v.optional(v.string(), '') }));

async function usersOf(client: EngineClient, volume: string): Promise<string[]> {
  const filters = encodeURIComponent(JSON.stringify({ volume: [volume], status: ['running'] }));
  const users = await ask(client, summaries, 'GET', `/containers/json?filters=${filters}`);
  return users.map(({ Names }) => Names[0]?.replace(/^\//, '') ?? '');
}
