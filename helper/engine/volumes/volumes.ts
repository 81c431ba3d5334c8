import path from 'node:path';
import type { VolumeCreateRequest, VolumeInspect } from '../../contract/docker/index.ts';
import type { EngineContext } from '../context.ts';
import type { Events, Filters } from '../events/types.ts';
import { Failure, isFailure, messageOf } from '../failure.ts';
import { nowInstant } from '../instant.ts';
import { KeyedQueue } from '../queue.ts';
import { listFilter, pruneFilter } from './filters.ts';
import { MountedVolumes, type Run } from './mounted.ts';
import { ANONYMOUS_LABEL, anonymousName, checkVolumeName } from './names.ts';
import { checkDriverOptions, needsMount } from './options.ts';
import { populateFolder } from './populate.ts';
import { sizeOf } from './size.ts';
import { type StoredVolume, VolumeStore } from './store.ts';
import type { VolumeSource, Volumes } from './types.ts';

/** The local driver. Operations on one volume are serialized by its name. */
export function createVolumes(context: EngineContext, events: Events): Volumes {
  return new LocalVolumes(context, events);
}

class LocalVolumes implements Volumes {
  readonly #context: EngineContext;
  readonly #events: Events;
  readonly #store: VolumeStore;
  readonly #queue = new KeyedQueue();
  readonly #volumes = new Map<string, StoredVolume>();
  /** Volume → containers that have it, running or not. */
  readonly #users = new Map<string, Set<string>>();
  readonly #mounted: MountedVolumes;
  #pruning = false;

  constructor(context: EngineContext, events: Events) {
    this.#context = context;
    this.#events = events;
    this.#mounted = new MountedVolumes(context);
    this.#store = new VolumeStore(path.join(context.paths.data, 'volumes'), context.log);
  }

  async start(): Promise<void> {
    for (const volume of await this.#store.read()) this.#volumes.set(volume.name, volume);
  }

  async create(request: VolumeCreateRequest): Promise<VolumeInspect> {
    const name = request.Name || anonymousName();
    const { volume } = await this.#queue.run(name, () =>
      this.#ensure(name, {
        driver: request.Driver,
        options: request.DriverOpts ?? {},
        labels: { ...(request.Labels ?? {}), ...(request.Name ? {} : { [ANONYMOUS_LABEL]: '' }) },
        anonymous: !request.Name,
      }),
    );
    return this.#describe(volume);
  }

  async #ensure(
    name: string,
    wish: {
      driver: string | undefined;
      options: Record<string, string>;
      labels: Record<string, string>;
      anonymous: boolean;
      owner?: string;
    },
  ): Promise<{ volume: StoredVolume; created: boolean }> {
    if (wish.driver && wish.driver !== 'local') {
      throw new Failure('notFound', `create ${name}: error looking up volume plugin ${wish.driver}: plugin "${wish.driver}" not found`);
    }
    const known = this.#volumes.get(name);
    if (known) return { volume: known, created: false };
    checkVolumeName(name);
    checkDriverOptions(name, wish.options);
    const volume: StoredVolume = {
      version: 1,
      name,
      createdAt: nowSeconds(),
      labels: wish.labels,
      options: wish.options,
      anonymous: wish.anonymous,
      ...(wish.owner ? { owner: wish.owner } : {}),
    };
    await this.#store.create(volume);
    this.#volumes.set(name, volume);
    this.#events.publish('volume', 'create', name, { driver: 'local' });
    return { volume, created: true };
  }

  async inspect(name: string): Promise<VolumeInspect> {
    return this.#describe(this.#get(name));
  }

  #get(name: string): StoredVolume {
    const volume = this.#volumes.get(name);
    if (!volume) throw new Failure('notFound', `get${name === '' ? '' : ` ${name}`}: no such volume`);
    return volume;
  }

  async list(filters: Filters): Promise<{ Volumes: VolumeInspect[]; Warnings: string[] }> {
    const keep = listFilter(filters);
    const Volumes = this.#sorted()
      .filter((volume) => keep(volume, this.#isUsed(volume.name)))
      .map((volume) => this.#describe(volume));
    return { Volumes, Warnings: [] };
  }

  async remove(name: string, force: boolean): Promise<void> {
    await this.#queue.run(name, async () => {
      if (!this.#volumes.has(name) && force) return;
      this.#refuseUsed(name);
      await this.#destroy(name);
    });
  }

  async discard(name: string, target: string): Promise<void> {
    await this.#queue.run(name, async () => {
      this.#refuseUsed(name);
      await this.#destroy(name, target);
    });
  }

  async restore(folder: string, name: string): Promise<void> {
    checkVolumeName(name);
    await this.#queue.run(name, async () => {
      if (this.#volumes.has(name)) throw new Failure('conflict', `a volume named ${name} is here already`);
      this.#volumes.set(name, await this.#store.moveIn(folder, name));
      this.#events.publish('volume', 'create', name, {
        driver: 'local',
        'gantry.restored': path.basename(path.dirname(path.dirname(folder))),
      });
    });
  }

  async weigh(name: string): Promise<number> {
    // What is mounted from elsewhere (NFS, a bind) is not ours to weigh.
    return needsMount(this.#get(name).options) ? 0 : Math.max(0, await sizeOf(this.#store.data(name)));
  }

  #refuseUsed(name: string): void {
    this.#get(name);
    const users = this.#users.get(name);
    if (users?.size) throw new Failure('conflict', `remove ${name}: volume is in use - [${[...users].join(', ')}]`);
  }

  /** For good, or into a folder of the bin. */
  async #destroy(name: string, target?: string): Promise<void> {
    if (target) await this.#store.moveOut(name, target);
    else await this.#store.remove(name);
    this.#volumes.delete(name);
    this.#users.delete(name);
    const entry: Record<string, string> = target ? { 'gantry.bin': path.basename(path.dirname(path.dirname(target))) } : {};
    this.#events.publish('volume', 'destroy', name, { driver: 'local', ...entry });
  }

  async prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    const keep = pruneFilter(filters);
    if (this.#pruning) throw new Failure('conflict', 'a prune operation is already running');
    this.#pruning = true;
    try {
      return await this.#prune(keep);
    } finally {
      this.#pruning = false;
    }
  }

  async #prune(keep: (volume: StoredVolume) => boolean): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }> {
    const VolumesDeleted: string[] = [];
    let SpaceReclaimed = 0;
    for (const { name } of this.#sorted().filter(keep)) {
      await this.#queue.run(name, async () => {
        if (this.#isUsed(name) || !this.#volumes.has(name)) return;
        try {
          const freed = await this.weigh(name);
          await this.#destroy(name);
          VolumesDeleted.push(name);
          SpaceReclaimed += freed;
        } catch (error) {
          this.#context.log.warn('volume could not be pruned', { volume: name, error: messageOf(error) });
        }
      });
    }
    this.#events.publish('volume', 'prune', '', { reclaimed: String(SpaceReclaimed) });
    return { VolumesDeleted, SpaceReclaimed };
  }

  async usage(): Promise<VolumeInspect[]> {
    const result: VolumeInspect[] = [];
    // As in dockerd without those that mount something: what lies there is another's, and may be a whole disk or behind a network.
    for (const volume of this.#sorted().filter(({ options }) => Object.keys(options).length === 0)) {
      const Size = await sizeOf(this.#store.data(volume.name));
      result.push({ ...this.#describe(volume), UsageData: { Size, RefCount: this.#users.get(volume.name)?.size ?? 0 } });
    }
    return result;
  }

  async acquire(
    name: string | undefined,
    container: string,
    options: { driver?: string; driverOpts?: Record<string, string>; labels?: Record<string, string> } = {},
  ): Promise<{ name: string; path: string; created: boolean }> {
    const anonymous = !name;
    const chosen = name || anonymousName();
    return await this.#queue.run(chosen, async () => {
      const { volume, created } = await this.#ensure(chosen, {
        driver: options.driver,
        options: options.driverOpts ?? {},
        labels: { ...(options.labels ?? {}), ...(anonymous ? { [ANONYMOUS_LABEL]: '' } : {}) },
        anonymous,
        ...(anonymous ? { owner: container } : {}),
      });
      this.#addUser(chosen, container);
      return { name: volume.name, path: this.#store.data(chosen), created };
    });
  }

  async release(container: string, anonymous: boolean | { moveTo: string }, borrowed: readonly string[] = []): Promise<void> {
    for (const [name, users] of [...this.#users]) {
      if (!users.has(container)) continue;
      await this.#queue.run(name, async () => {
        users.delete(container);
        if (users.size > 0) return;
        this.#users.delete(name);
        const own = anonymous && (this.#volumes.get(name)?.owner === container || borrowed.includes(name));
        if (own) await this.#destroy(name, typeof anonymous === 'object' ? path.join(anonymous.moveTo, name) : undefined);
      });
    }
  }

  async hold(name: string, holder: string): Promise<void> {
    await this.#queue.run(name, async () => {
      try {
        await this.#hold(name, holder);
      } catch (error) {
        if (!isFailure(error, 'system')) throw error;
        throw new Failure('system', `error while mounting volume '${this.#store.data(name)}': ${error.message}`, { cause: error });
      }
    });
  }

  async #hold(name: string, holder: string): Promise<void> {
    const { options } = this.#get(name);
    if (needsMount(options)) await this.#mounted.hold(this.#store.data(name), options, holder);
  }

  async letGo(name: string, holder: string): Promise<void> {
    await this.#queue.run(name, () => this.#mounted.letGo(this.#store.data(name), holder));
  }

  async populate(name: string, source: string, place?: string): Promise<void> {
    await this.#queue.run(name, async () => {
      const holder = 'copy-up';
      await this.#hold(name, holder);
      try {
        await populateFolder(source, place ?? this.#store.data(name));
      } finally {
        await this.#mounted.letGo(this.#store.data(name), holder);
      }
    });
  }

  outgoing(name: string): VolumeSource {
    const { createdAt, labels, options, anonymous } = this.#get(name);
    const users = [...(this.#users.get(name) ?? [])];
    return { name, createdAt, data: this.#store.data(name), labels, options, anonymous, mounted: needsMount(options), users };
  }

  async take(name: string, folder: string, about: { labels: Record<string, string>; anonymous: boolean; owner?: string }): Promise<void> {
    await this.#queue.run(name, async () => {
      checkVolumeName(name);
      if (this.#volumes.has(name)) throw new Failure('conflict', `create ${name}: there is a volume of this name`);
      const volume: StoredVolume = { version: 1, name, createdAt: nowSeconds(), options: {}, ...about };
      await this.#store.describe(folder, volume);
      this.#volumes.set(name, await this.#store.moveIn(folder, name));
      this.#events.publish('volume', 'create', name, { driver: 'local' });
    });
  }

  adopt(users: { container: string; volumes: string[] }[]): void {
    for (const { container, volumes } of users) {
      for (const name of volumes) this.#addUser(name, container);
    }
  }

  async takeOver(runs: readonly Run[]): Promise<void> {
    const targets = this.#sorted().flatMap(({ name, options }): [string, string][] =>
      needsMount(options) ? [[name, this.#store.data(name)]] : [],
    );
    await this.#mounted.takeOver(new Map(targets), runs);
  }

  noteMount(name: string, container: string, details: { destination: string; readOnly: boolean; propagation: string }): void {
    this.#events.publish('volume', 'mount', name, {
      container,
      destination: details.destination,
      driver: 'local',
      propagation: details.propagation,
      'read/write': String(!details.readOnly),
    });
  }

  noteUnmount(name: string, container: string): void {
    this.#events.publish('volume', 'unmount', name, { container, driver: 'local' });
  }

  #addUser(name: string, container: string): void {
    const users = this.#users.get(name) ?? new Set();
    users.add(container);
    this.#users.set(name, users);
  }

  #isUsed(name: string): boolean {
    return (this.#users.get(name)?.size ?? 0) > 0;
  }

  #sorted(): StoredVolume[] {
    return [...this.#volumes.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  #describe(volume: StoredVolume): VolumeInspect {
    return {
      CreatedAt: volume.createdAt,
      Driver: 'local',
      Labels: Object.keys(volume.labels).length > 0 ? volume.labels : null,
      Mountpoint: this.#store.data(volume.name),
      Name: volume.name,
      Options: Object.keys(volume.options).length > 0 ? volume.options : null,
      Scope: 'local',
    };
  }
}

/** As dockerd notes when a volume was made. */
function nowSeconds(): string {
  return nowInstant().replace(/\.\d+Z$/, 'Z');
}
