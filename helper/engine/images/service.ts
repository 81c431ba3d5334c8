import type { Readable } from 'node:stream';
import type {
  ImageDeleteEntry,
  ImageHistoryEntry,
  ImageInspect,
  ImageSummary,
  ProgressMessage,
  RegistryAuth,
} from '../../contract/docker/index.ts';
import type { ImageLayers, LayerFiles } from '../../contract/gantry.ts';
import { Limiter } from '../../registry/limiter.ts';
import type { Filters } from '../events/types.ts';
import { isFailure } from '../failure.ts';
import { KeyedQueue } from '../queue.ts';
import { authenticate } from './authenticate.ts';
import type { CreateImage } from './create.ts';
import { create } from './create.ts';
import { distribution } from './distribution.ts';
import { healLayers } from './heal.ts';
import { history } from './history.ts';
import type { ImportOptions } from './import.ts';
import { importImage } from './import.ts';
import { inspect } from './inspect.ts';
import { LayerViews } from './layers/index.ts';
import type { ListOptions } from './list.ts';
import { list } from './list.ts';
import { load } from './load.ts';
import { parsePlatform } from './manifest.ts';
import type { Parts } from './parts.ts';
import { findImage, hasLayer, sizeOf, tryFind } from './parts.ts';
import { prune } from './prune.ts';
import type { PullOptions } from './pull.ts';
import { pull } from './pull.ts';
import type { Downloads } from './pull-blobs.ts';
import type { CompressedLayers } from './push.ts';
import { push } from './push.ts';
import { remove } from './remove.ts';
import { save } from './save.ts';
import { search } from './search.ts';
import { Orphans, sweep, sweepAll } from './sweep.ts';
import { tag } from './tag.ts';
import { incoming, outgoing } from './transfer.ts';
import type { ImageSource, Images, ImageTarget, LowerLayers, Platform, PushOptions, ResolvedImage } from './types.ts';

/** The verbs of images as one object; each is a file of its own. */
export class ImageService implements Images {
  readonly #parts: Parts;
  readonly #orphans = new Orphans();
  readonly #downloads: Downloads;
  readonly #uploads: Limiter;
  readonly #compressed: CompressedLayers = new Map();
  readonly #views: LayerViews;
  #ids = { revision: -1, known: new Map<string, string | undefined>() };

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#downloads = { limiter: new Limiter(() => parts.context.config.maxConcurrentDownloads), queue: new KeyedQueue() };
    this.#views = new LayerViews(parts, (owner) => this.releaseLayers(owner));
    this.#uploads = new Limiter(() => parts.context.config.maxConcurrentUploads);
  }

  async start(): Promise<void> {
    await this.#parts.content.start();
    await this.#parts.layers.start();
    await this.#parts.catalog.start();
    await healLayers(this.#parts);
  }

  async close(): Promise<void> {
    await this.#parts.layers.close();
    await this.#parts.content.close();
  }

  async list(options: ListOptions): Promise<ImageSummary[]> {
    return list(this.#parts, options);
  }

  async inspect(reference: string, platform?: Platform, manifests?: boolean): Promise<ImageInspect> {
    return inspect(this.#parts, reference, platform, manifests);
  }

  async history(reference: string, platform?: Platform): Promise<ImageHistoryEntry[]> {
    return history(this.#parts, reference, platform);
  }

  layers(reference: string, signal: AbortSignal): Promise<ImageLayers> {
    return this.#views.layers(reference, signal);
  }

  layerFiles(reference: string, diffId: string, path: string): Promise<LayerFiles> {
    return this.#views.files(reference, diffId, path);
  }

  tag(reference: string, repository: string, name: string): Promise<void> {
    return tag(this.#parts, reference, repository, name);
  }

  remove(reference: string, options: { force: boolean; prune: boolean; platform?: Platform }): Promise<ImageDeleteEntry[]> {
    return remove(this.#parts, this.#orphans, reference, options);
  }

  load(archive: Readable, options: { quiet: boolean; platform?: Platform }, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    return load(this.#parts, this.#orphans, archive, options, signal);
  }

  pull(options: PullOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    return pull(this.#parts, this.#orphans, this.#downloads, options, signal);
  }

  push(options: PushOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    return push(this.#parts, this.#uploads, this.#compressed, options, signal);
  }

  async save(references: string[], platform: Platform | undefined, signal: AbortSignal): Promise<Readable> {
    return save(this.#parts, references, platform, signal);
  }

  import(archive: Readable, options: ImportOptions, signal: AbortSignal): Promise<AsyncIterable<ProgressMessage>> {
    return importImage(this.#parts, this.#orphans, archive, options, signal);
  }

  create(options: CreateImage, signal: AbortSignal): Promise<string> {
    return create(this.#parts, this.#orphans, options, signal);
  }

  prune(filters: Filters): Promise<{ ImagesDeleted: ImageDeleteEntry[]; SpaceReclaimed: number }> {
    return prune(this.#parts, this.#orphans, filters);
  }

  search(...[query, signal]: Parameters<Images['search']>): ReturnType<Images['search']> {
    return search(this.#parts, query, signal);
  }

  authenticate(auth: RegistryAuth, signal: AbortSignal): Promise<{ Status: string; IdentityToken: string }> {
    return authenticate(this.#parts, auth, signal);
  }

  distribution(reference: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<unknown> {
    return distribution(this.#parts, reference, auth, signal);
  }

  async usage(): Promise<{ layersSize: number; images: ImageSummary[] }> {
    const images = list(this.#parts, { all: false, filters: new Map(), digests: true, sharedSize: true });
    const layersSize = this.#parts.layers.all().reduce((sum, layer) => sum + layer.size, 0);
    return { layersSize, images };
  }

  count(): number {
    return this.#parts.catalog.count();
  }

  outgoing(reference: string): Promise<ImageSource> {
    return outgoing(this.#parts, this.#orphans, reference);
  }

  incoming(signal: AbortSignal): ImageTarget {
    return incoming(this.#parts, this.#orphans, signal);
  }

  present(diffIds: string[]): string[] {
    return diffIds.filter((diffId) => hasLayer(this.#parts, diffId));
  }

  async resolve(reference: string, platform?: string): Promise<ResolvedImage> {
    const { image } = findImage(this.#parts, reference, platform ? parsePlatform(platform) : undefined);
    return { id: image.id, config: image.config, chain: image.chain, size: sizeOf(this.#parts, image) };
  }

  idOf(reference: string): string | undefined {
    const { revision } = this.#parts.catalog;
    if (this.#ids.revision !== revision) this.#ids = { revision, known: new Map() };
    const { known } = this.#ids;
    if (!known.has(reference)) known.set(reference, tryFind(this.#parts, reference)?.id);
    return known.get(reference);
  }

  async acquireLayers(chain: string[], owner: string): Promise<LowerLayers> {
    const { holds, layers } = this.#parts;
    const diffIds = holds.diffIds(chain);
    // Held before the first pause, so that no sweep comes between.
    const before = holds.get(owner);
    holds.set(owner, diffIds);
    try {
      const directories = await Promise.all(diffIds.map((diffId) => layers.directory(diffId)));
      return { directories: directories.reverse() };
    } catch (error) {
      if (before) holds.set(owner, before);
      else holds.release(owner);
      throw error;
    }
  }

  placesOf(chain: string[]): string[] {
    const { holds, layers } = this.#parts;
    try {
      return holds
        .diffIds(chain)
        .flatMap((diffId) => layers.place(diffId) ?? [])
        .reverse();
    } catch (error) {
      if (isFailure(error, 'notFound')) return [];
      throw error;
    }
  }

  /** Mounts stay warm for the next container; they go with their layer. */
  async releaseLayers(owner: string): Promise<void> {
    this.#parts.holds.release(owner);
    await sweep(this.#parts, this.#orphans);
  }

  holdLayers(owner: string, chain: string[]): void {
    const { holds, context } = this.#parts;
    try {
      holds.set(owner, holds.diffIds(chain));
    } catch (error) {
      context.log.warn('layers of a container are missing', { owner, reason: String(error) });
    }
  }

  async adoptLayers(inUse: { owner: string; chain: string[] }[]): Promise<void> {
    const { holds, layers } = this.#parts;
    for (const { owner, chain } of inUse) this.holdLayers(owner, chain);
    await layers.unmountOthers(holds.held());
    await sweepAll(this.#parts, this.#orphans);
  }
}
