import path from 'node:path';
import type { BinEntry, BinRequest, RestoreAnswer } from '../../contract/gantry.ts';
import type { Containers } from '../containers/types.ts';
import type { EngineContext } from '../context.ts';
import { Failure, isFailure, messageOf } from '../failure.ts';
import type { Images } from '../images/types.ts';
import { nowInstant } from '../instant.ts';
import { KeyedQueue } from '../queue.ts';
import type { Volumes } from '../volumes/types.ts';
import { expiry, overdue } from './limits.ts';
import { BinStore, newEntryId, type StoredEntry } from './store.ts';
import type { Bin, RemovalOptions } from './types.ts';

const HOUR_MS = 3_600_000;

export interface BinParts {
  context: EngineContext;
  containers: Pick<Containers, 'locate' | 'remove' | 'restore' | 'weigh'>;
  volumes: Pick<Volumes, 'discard' | 'remove' | 'restore' | 'weigh'>;
  images: Pick<Images, 'holdLayers' | 'releaseLayers'>;
}

interface Entry extends StoredEntry {
  volumes: string[];
}

/** It can't go into the bin, though it could be removed. */
class Unfit extends Failure {}

export function createBin(parts: BinParts): Bin {
  return new DurableBin(parts);
}

class DurableBin implements Bin {
  readonly #parts: BinParts;
  readonly #store: BinStore;
  readonly #entries = new Map<string, Entry>();
  readonly #queue = new KeyedQueue();
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: BinParts) {
    this.#parts = parts;
    this.#store = new BinStore(path.join(parts.context.paths.data, 'bin'), parts.context.log);
  }

  async start(): Promise<void> {
    for (const entry of await this.#store.read()) {
      this.#entries.set(entry.id, { ...entry, volumes: await this.#store.volumes(entry.id) });
      if (entry.containerId) this.#parts.images.holdLayers(entry.containerId, entry.chain);
    }
    // Not at once: nothing may be swept before the containers have said what they need.
    this.#timer = setInterval(() => void this.#tidy(), HOUR_MS).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#store.settled();
  }

  describe() {
    const { bin } = this.#parts.context.config;
    const all = [...this.#entries.values()];
    return {
      ...{ Containers: bin.containers, Volumes: bin.volumes, MaxBytes: bin.maxBytes, KeepDays: bin.keepDays },
      ...{ Entries: all.length, Bytes: all.reduce((sum, { bytes }) => sum + bytes, 0) },
    };
  }

  list(): BinEntry[] {
    return [...this.#entries.values()].map((entry) => this.#shown(entry)).sort((a, b) => (a.RemovedAt < b.RemovedAt ? 1 : -1));
  }

  #shown(entry: Entry): BinEntry {
    return {
      ...{ Id: entry.id, Kind: entry.kind, Name: entry.name },
      ...(entry.containerId ? { ContainerId: entry.containerId } : {}),
      ...(entry.image ? { Image: entry.image } : {}),
      ...{ Volumes: entry.kind === 'container' ? entry.volumes : [], RemovedAt: entry.removedAt },
      ...{ ExpiresAt: expiry(entry.removedAt, this.#parts.context.config.bin), Bytes: entry.bytes },
    };
  }

  async put({ Container, Volume, Force = false, Volumes = false, client }: BinRequest & { client?: string }): Promise<BinEntry> {
    if (Boolean(Container) === Boolean(Volume)) throw new Failure('invalidParameter', 'name one container or one volume');
    const options = { force: Force, volumes: Volumes, link: false, ...(client ? { client } : {}) };
    return this.#shown(Container ? await this.#putContainer(Container, options) : await this.#putVolume(Volume ?? ''));
  }

  async #putContainer(reference: string, options: RemovalOptions): Promise<Entry> {
    const { containers } = this.#parts;
    const { id: containerId, name, image, chain, restorable } = containers.locate(reference);
    if (!restorable) {
      throw new Unfit('conflict', `container ${name} can't go into the bin: it removes itself when it ends, or its removal has begun`);
    }
    const bytes = await containers.weigh(containerId, { volumes: options.volumes });
    const entry = await this.#open({ kind: 'container', name, containerId, image, chain, bytes });
    const into = this.#store.folder(entry.id);
    return this.#fill(entry, () => containers.remove(reference, { ...options, bin: { entry: entry.id, folder: into } }));
  }

  async #putVolume(name: string): Promise<Entry> {
    const { volumes } = this.#parts;
    const bytes = await volumes.weigh(name);
    const entry = await this.#open({ kind: 'volume', name, chain: [], bytes });
    return this.#fill(entry, () => volumes.discard(name, path.join(this.#store.volumesFolder(entry.id), name)));
  }

  async #open(about: Omit<StoredEntry, 'version' | 'id' | 'removedAt'>): Promise<StoredEntry> {
    const { maxBytes } = this.#parts.context.config.bin;
    if (about.bytes > maxBytes) {
      throw new Unfit(
        'conflict',
        `${about.kind} ${about.name} holds ${about.bytes} bytes, more than the bin takes (bin.max-size is ${maxBytes})`,
      );
    }
    const entry: StoredEntry = { version: 1, id: newEntryId(), removedAt: nowInstant(), ...about };
    await this.#store.create(entry);
    return entry;
  }

  async #fill(stored: StoredEntry, move: () => Promise<void>): Promise<Entry> {
    try {
      await move();
      // Another client was first, and removed it for good.
      if (stored.kind === 'container' && !(await this.#store.hasContainer(stored.id)))
        throw new Failure('notFound', `No such container: ${stored.name}`);
    } catch (error) {
      await this.#store.remove(stored.id);
      throw error;
    }
    const entry = { ...stored, volumes: await this.#store.volumes(stored.id) };
    this.#entries.set(entry.id, entry);
    await this.#tidy();
    return entry;
  }

  async restore(id: string, name: string | undefined): Promise<RestoreAnswer> {
    return this.#queue.run(id, async () => {
      const entry = this.#get(id);
      const { containers, volumes } = this.#parts;
      const Warnings: string[] = [];
      for (const volume of await this.#store.volumes(id)) {
        const own = entry.kind === 'volume' ? (name ?? volume) : volume;
        await volumes.restore(path.join(this.#store.volumesFolder(id), volume), own);
        if (entry.kind === 'volume') return this.#restored(entry, { Kind: 'volume', Id: own, Warnings });
      }
      const restored = await containers.restore(this.#store.container(id), name);
      return this.#restored(entry, { Kind: 'container', Id: restored.id, Warnings: [...Warnings, ...restored.warnings] });
    });
  }

  async #restored(entry: Entry, answer: RestoreAnswer): Promise<RestoreAnswer> {
    this.#entries.delete(entry.id);
    await this.#store.remove(entry.id);
    return answer;
  }

  async remove(id: string): Promise<void> {
    await this.#queue.run(id, () => this.#forget(this.#get(id)));
  }

  async #forget(entry: Entry): Promise<void> {
    this.#entries.delete(entry.id);
    await this.#store.remove(entry.id);
    if (entry.containerId) await this.#parts.images.releaseLayers(entry.containerId);
  }

  async empty(): Promise<{ Removed: number; Bytes: number }> {
    let Removed = 0;
    let Bytes = 0;
    for (const { id, bytes } of [...this.#entries.values()]) {
      try {
        await this.remove(id);
        Removed += 1;
        Bytes += bytes;
      } catch (error) {
        // Put back or removed by another client meanwhile.
        if (!isFailure(error, 'notFound')) throw error;
      }
    }
    return { Removed, Bytes };
  }

  #get(id: string): Entry {
    const entry = this.#entries.get(id);
    if (!entry) throw new Failure('notFound', `No such entry in the bin: ${id}`);
    return entry;
  }

  async #tidy(): Promise<void> {
    for (const id of overdue(this.list(), this.#parts.context.config.bin, Date.now())) {
      await this.remove(id).catch((error) => {
        if (!isFailure(error, 'notFound'))
          this.#parts.context.log.warn('the bin could not be tidied', { entry: id, error: messageOf(error) });
      });
    }
  }

  async removeContainer(reference: string, options: RemovalOptions): Promise<void> {
    const { containers, context } = this.#parts;
    if (!context.config.bin.containers || options.link) return containers.remove(reference, options);
    await this.#putContainer(reference, options).catch((error) => {
      if (!(error instanceof Unfit)) throw error;
      return containers.remove(reference, options);
    });
  }

  async removeVolume(name: string, force: boolean): Promise<void> {
    const { volumes, context } = this.#parts;
    if (!context.config.bin.volumes) return volumes.remove(name, force);
    await this.#putVolume(name).catch((error) => {
      // `force` means that it is all right if there is none.
      if (!(error instanceof Unfit) && !(force && isFailure(error, 'notFound'))) throw error;
      return volumes.remove(name, force);
    });
  }
}
