import type { Parts } from './parts.ts';
import { findImage, imageEvent } from './parts.ts';
import { familiar, parseRepositoryTag } from './references.ts';

/** POST /images/{name}/tag. @throws Failure notFound, invalidParameter */
export async function tag(parts: Parts, reference: string, repository: string, tagName: string): Promise<void> {
  const name = parseRepositoryTag(repository, tagName);
  const { image, name: source } = findImage(parts, reference);
  const descriptor = source ? parts.catalog.byName(source)?.descriptor : undefined;
  await parts.catalog.name(name, image.id, descriptor);
  imageEvent(parts, 'tag', image.id, familiar(name), image);
}
