import type { ContainerSummary } from '../../contract/docker.ts';
import type { Filters } from '../events/types.ts';
import { toNanos } from '../instant.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';
import { linkNames } from './links.ts';
import { type ListFilter, listFilter } from './list-filter.ts';
import { mountPoints } from './mount-view.ts';
import { endpointsView, portSummary } from './network-view.ts';
import { sizes } from './size.ts';
import { isRunning, statusText, statusWord } from './state.ts';

export interface ListOptions {
  all: boolean;
  limit?: number;
  size: boolean;
  filters: Filters;
}

/** GET /containers/json: newest first. */
export async function list(engine: Engine, options: ListOptions): Promise<ContainerSummary[]> {
  const filter = await listFilter(engine, options.filters);
  const limit = options.limit && options.limit > 0 ? options.limit : undefined;
  const all = options.all || limit !== undefined || filter.status !== undefined;
  const images = new Map<string, Promise<string>>();
  const aliases = linkNames(engine.store);
  const now = Date.now();
  const chosen: Container[] = [];
  let before = filter.before;
  for (const container of newestFirst(engine)) {
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
  return Promise.all(
    chosen.map(async (container) => {
      const summary = summaryOf(container);
      const size = options.size ? await sizes(engine, container) : undefined;
      return {
        ...summary,
        Names: [...summary.Names, ...(aliases.get(container) ?? [])].sort(),
        Image: await imageName(engine, container, images),
        Status: statusText(container.state, container.live.health, now),
        ...(size ? { SizeRw: size.rw, SizeRootFs: size.root } : {}),
      };
    }),
  );
}

/** Creation order is the order of the index; a container's creation time never changes. */
function newestFirst(engine: Engine): Container[] {
  return [...engine.store.all()].sort((a, b) => createdNanos(b) - createdNanos(a));
}

const created = new WeakMap<Container, number>();
/** As a double: microseconds are kept, and no two creations of one process are nearer. */
function createdNanos(container: Container): number {
  let nanos = created.get(container);
  if (nanos === undefined) {
    nanos = Number(toNanos(container.created));
    created.set(container, nanos);
  }
  return nanos;
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
    NetworkSettings: { Networks: endpointsView(container) },
    Mounts: mountPoints(container.mounts),
  };
  container.live.summary = summary;
  return summary;
}

function commandLine(path: string, args: readonly string[]): string {
  const quoted = args.map((arg) => (arg.includes(' ') ? `'${arg}'` : arg));
  return [path, ...quoted].join(' ');
}

/** What the user called the image; its id when that name means another image by now, or none. */
async function imageName(engine: Engine, container: Container, known: Map<string, Promise<string>>): Promise<string> {
  const { imageRef, imageId } = container;
  if (!imageId || imageRef === imageId) return imageRef;
  let resolved = known.get(imageRef);
  if (!resolved) {
    resolved = engine.images.resolve(imageRef).then(
      (image) => image.id,
      () => '',
    );
    known.set(imageRef, resolved);
  }
  return (await resolved) === imageId ? imageRef : imageId;
}

function matches(container: Container, filter: ListFilter): boolean {
  return filter.tests.every((test) => test(container));
}
