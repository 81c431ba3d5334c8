import { randomUUID } from 'node:crypto';
import type { ImageLayers, LayerFiles } from '../../../contract/gantry.ts';
import { Failure } from '../../failure.ts';
import { findImage, type Parts } from '../parts.ts';
import type { ImageRecord } from '../record.ts';
import { analyse } from './analyse.ts';
import { layerFiles } from './files.ts';

/** Answers that are kept: an image's layers never change. */
const KEPT = 16;

/** Layer contents of images: GET /gantry/v1/images/{name}/layers and what lies below. */
export class LayerViews {
  readonly #parts: Parts;
  readonly #release: (owner: string) => Promise<void>;
  readonly #known = new Map<string, ImageLayers>();

  /** @param release lets go of what was held under a name */
  constructor(parts: Parts, release: (owner: string) => Promise<void>) {
    this.#parts = parts;
    this.#release = release;
  }

  /** @throws Failure notFound */
  async layers(reference: string, signal: AbortSignal): Promise<ImageLayers> {
    const { image } = findImage(this.#parts, reference);
    const known = this.#known.get(image.id);
    if (known) return known;
    const layers = await this.#with(image, image.config.rootfs.diff_ids, async (folders) => this.#describe(image, folders, signal));
    this.#known.set(image.id, layers);
    if (this.#known.size > KEPT) this.#known.delete(this.#known.keys().next().value as string);
    return layers;
  }

  async #describe(image: ImageRecord, folders: string[], signal: AbortSignal): Promise<ImageLayers> {
    const { layers: counts, wastedBytes, wasted } = await analyse(folders, signal);
    const steps = (image.config.history ?? []).filter((step) => !step.empty_layer);
    const Layers = image.config.rootfs.diff_ids.map((DiffId, index) => ({
      DiffId,
      CreatedBy: steps[index]?.created_by ?? '',
      Created: steps[index]?.created ?? '',
      Size: this.#parts.layers.get(DiffId)?.size ?? 0,
      ...(counts[index] ?? { Entries: 0, Added: 0, Changed: 0, Removed: 0, WastedBytes: 0 }),
    }));
    return { Id: image.id, Size: Layers.reduce((sum, { Size }) => sum + Size, 0), WastedBytes: wastedBytes, Layers, Wasted: wasted };
  }

  /** @throws Failure notFound for an unknown image, layer or folder */
  async files(reference: string, diffId: string, where: string): Promise<LayerFiles> {
    const { image } = findImage(this.#parts, reference);
    const all = image.config.rootfs.diff_ids;
    const index = all.indexOf(diffId);
    if (index < 0) throw new Failure('notFound', `image ${reference} has no layer ${diffId}`);
    return this.#with(image, all.slice(0, index + 1), async (folders) => {
      const { files, truncated } = await layerFiles(folders, where);
      return { DiffId: diffId, Path: where, Files: files, Truncated: truncated };
    });
  }

  /** Runs `work` while nobody may remove the layers. */
  async #with<T>(image: ImageRecord, diffIds: string[], work: (folders: string[]) => Promise<T>): Promise<T> {
    const { holds, layers } = this.#parts;
    const owner = `view ${image.id} ${randomUUID()}`;
    holds.set(owner, diffIds);
    try {
      return await work(await Promise.all(diffIds.map((diffId) => layers.directory(diffId))));
    } finally {
      await this.#release(owner);
    }
  }
}
