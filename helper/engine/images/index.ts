/** Images: what other parts of the engine may use. */
import path from 'node:path';
import { Content } from '../../store/content.ts';
import type { LayerKind } from '../../store/layers/layers.ts';
import { createLayers } from '../../store/layers/layers.ts';
import { Leases } from '../../store/leases.ts';
import type { EngineContext } from '../context.ts';
import type { Events } from '../events/types.ts';
import { messageOf } from '../failure.ts';
import { Catalog } from './catalog.ts';
import { Holds } from './holds.ts';
import { Loose } from './loose.ts';
import { ImageService } from './service.ts';
import type { Images, ImageUsage } from './types.ts';

export { applyChanges } from './changes/apply.ts';
export { download } from './download.ts';
export { type Emit, streamProgress } from './progress.ts';
export { familiarReference } from './references.ts';
export type { ImageConfigFile, ImageSource, Images, ImageTarget, ImageUsage, LowerLayers, Platform, ResolvedImage } from './types.ts';

export interface ImagesOptions {
  context: EngineContext;
  events: Events;
  /** Which containers use an image: asked at removal. */
  usage: ImageUsage;
  /** Undefined: EROFS where the kernel can, folders elsewhere (or with GANTRY_LAYERS=folders). */
  layers?: LayerKind | undefined;
}

/** Builds the images noun; call `start()` before anything else. Needs the right to mount. */
export async function createImages(options: ImagesOptions): Promise<Images & { close(): Promise<void> }> {
  const { context } = options;
  const { data, run } = context.paths;
  const content = new Content(path.join(data, 'images'), (error) =>
    context.log.warn('a removed blob still takes space', { error: messageOf(error) }),
  );
  const layers = await createLayers({ data, run, log: context.log, kind: options.layers });
  const loose = new Loose();
  const catalog = new Catalog(content, context.log, loose.add);
  return new ImageService({
    context,
    events: options.events,
    usage: options.usage,
    content,
    layers,
    leases: new Leases(loose.add),
    catalog,
    holds: new Holds(layers, loose.add),
    loose,
  });
}
