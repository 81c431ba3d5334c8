import { messageOf } from '../failure.ts';
import type { Parts } from './parts.ts';

/**
 * Unpacks again the layers of images that are not there, though the blobs are that they came in. At start, before containers say
 * what they need. What can't be made again stays missing: the next pull or load of the image brings it.
 */
export async function healLayers(parts: Parts): Promise<void> {
  for (const image of parts.catalog.all()) {
    for (const [at, diffId] of image.config.rootfs.diff_ids.entries()) {
      const blob = image.manifest.layers[at]?.digest;
      if (parts.layers.get(diffId) || !blob || !parts.content.has(blob)) continue;
      try {
        await unpackAgain(parts, blob, diffId);
        parts.context.log.warn('a layer that was missing is unpacked again', { image: image.id, layer: diffId });
      } catch (error) {
        parts.context.log.error('a layer of an image is missing', { image: image.id, layer: diffId, reason: messageOf(error) });
      }
    }
  }
}

async function unpackAgain(parts: Parts, blob: string, diffId: string): Promise<void> {
  // The blob's file has all that comes: nothing is written to it.
  const ingest = await parts.layers.add({ path: parts.content.path(blob), has: parts.content.size(blob) ?? 0 });
  try {
    for await (const chunk of parts.content.stream(blob) as AsyncIterable<Buffer>) await ingest.write(chunk);
  } catch (error) {
    await ingest.abort();
    throw error;
  }
  await ingest.finish({ digest: blob, diffId }, async () => undefined);
}
