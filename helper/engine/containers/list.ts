import type { ContainerSummary } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import { toNanos } from '../instant.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { linkNames } from './linked.ts';
import { type ListFilter, listFilter } from './list-filter.ts';
import { mountPoints } from './mount-view.ts';
import { endpointsSummary, portSummary } from './network-view.ts';
import { sizes } from './size.ts';
import { isRunning, statusText, statusWord } from './state.ts';

export interface ListOptions {
  all: boolean;
  limit?: number;
  size: boolean;
  filters: Filters;
}

/** GET /containers/json: newest first. Entries are shared between answers: not to be changed. */
export async function list(engine: Engine, options: ListOptions): Promise<ContainerSummary[]> {
  const filter = await listFilter(engine, options.filters);
  const limit = options.limit && options.limit > 0 ? options.limit : undefined;
  const all = options.all || limit !== undefined || filter.status !== undefined;
  const aliases = linkNames(engine.store);
  const now = Date.now();
  const chosen: Container[] = [];
  let before = filter.before;
  for (const container of engine.store.newestFirst()) {
    // `before` means: older than; everything up to it is left out, it too.
    if (before) {
      if (container === before) before = undefined;
      continue;
    }
    if (container === filter.since) break;
    if (!all && !isRunning(container.state)) continue;
    if (limit !== undefined && chosen.length >= limit) break;
    if (matches(container, filter)) chosen.push(container);
  }
  const listed = chosen.map((container) =>
    entryOf(container, {
      names: aliases.get(container),
      image: imageName(engine, container),
      status: statusText(container.state, container.live.health, now),
    }),
  );
  if (!options.size) return listed;
  return Promise.all(
    chosen.map(async (container, at) => {
      const { rw, root } = await sizes(engine, container);
      return { ...(listed[at] as ContainerSummary), ...(rw ? { SizeRw: rw } : {}), ...(root ? { SizeRootFs: root } : {}) };
    }),
  );
}

/** The parts that change only with the container itself, made once after each change: a list of hundreds costs next to nothing. */
function summaryOf(container: Container): ContainerSummary {
  const cached = container.live.summary as ContainerSummary | undefined;
  if (cached) return cached;
  const summary: ContainerSummary = {
    Id: container.id,
    Names: [`/${container.name}`],
    Image: container.imageRef,
    ImageID: container.imageId,
    Command: commandLine(container.path, container.args),
    Created: Number(toNanos(container.created) / 1_000_000_000n),
    Ports: portSummary(container),
    Labels: container.config.Labels ?? {},
    State: statusWord(container.state),
    Status: '',
    HostConfig: {
      NetworkMode: container.hostConfig.NetworkMode ?? 'bridge',
      ...(container.hostConfig.Annotations ? { Annotations: container.hostConfig.Annotations } : {}),
    },
    NetworkSettings: { Networks: endpointsSummary(container) },
    Mounts: mountPoints(container.mounts),
  };
  container.live.summary = summary;
  return summary;
}

function commandLine(path: string, args: readonly string[]): string {
  const quoted = args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg));
  return [path, ...quoted].join(' ');
}

interface Changing {
  /** By links. */
  names: readonly string[] | undefined;
  image: string;
  status: string;
}
const entries = new WeakMap<ContainerSummary, { of: Changing; entry: ContainerSummary }>();

/** A list's entry: the same object as in the list before, as long as nothing in it differs. */
function entryOf(container: Container, of: Changing): ContainerSummary {
  const summary = summaryOf(container);
  const known = entries.get(summary);
  if (known?.of.status === of.status && known.of.image === of.image && sameNames(known.of.names, of.names)) return known.entry;
  const entry = { ...summary, Names: [...summary.Names, ...(of.names ?? [])].sort(), Image: of.image, Status: of.status };
  entries.set(summary, { of, entry });
  return entry;
}

function sameNames(a: readonly string[] | undefined, b: readonly string[] | undefined): boolean {
  return a === b || (a?.length === b?.length && (a?.every((name, at) => name === b?.[at]) ?? false));
}

/** What the user called the image; its id when that name means another image by now, or none. */
function imageName(engine: Engine, { imageRef, imageId }: Container): string {
  if (!imageId || imageRef === imageId || imageRef === '') return imageRef;
  return engine.images.idOf(imageRef) === imageId ? imageRef : imageId;
}

function matches(container: Container, filter: ListFilter): boolean {
  return filter.tests.every((test) => test(container));
}
