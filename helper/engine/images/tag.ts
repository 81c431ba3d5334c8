import type { Parts } from './parts.ts';
import { findImage, imageEvent } from './parts.ts';
import { familiar, parseRepositoryTag } from './references.ts';

/** POST /images/{name}/tag. @throws Failure notFound, invalidParameter */
export async function tag(parts: Parts, reference: string, repository: string, tagName: string): Promise<void> {
  const name = parseRepositoryTag(repository, tagName);
  const { image, name: source } = findImage(parts, reference);
  if (source) await parts.catalog.alias(source, name);
  else await parts.catalog.name(name, image.id);
  imageEvent(parts, 'tag', image.id, familiar(name), image);
}
