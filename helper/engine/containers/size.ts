import path from 'node:path';
import { askTree } from '../../store/tree/ask.ts';
import { MADE_BY_RUNTIME } from './changes.ts';
import type { Container } from './container.ts';
import type { Engine } from './engine.ts';

/** What the container has written, and that with its image, in bytes. Hard links count once, and what the runtime made does not. */
export async function sizes(engine: Engine, container: Container): Promise<{ rw: number; root: number }> {
  const folder = path.join(engine.store.folder(container.id), 'upper');
  const rw = await askTree('measure', { folder, own: MADE_BY_RUNTIME }).catch(() => 0);
  const image = container.imageId ? await engine.images.resolve(container.imageId).catch(() => undefined) : undefined;
  return { rw, root: rw + (image?.size ?? 0) };
}
