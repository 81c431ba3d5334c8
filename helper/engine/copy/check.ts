import { Failure, isFailure } from '../failure.ts';
import type { CopyParts } from './parts.ts';
import type { Received } from './received.ts';

/**
 * What would only be found out when all has been carried here: names that are taken.
 * @throws Failure conflict
 */
export async function checkTarget(parts: CopyParts, { manifest, name }: Received): Promise<void> {
  const { Container, Volumes } = manifest;
  if (Container) {
    const wanted = name ?? Container.Name;
    if (await isThere(async () => parts.containers.locate(wanted))) {
      throw new Failure('conflict', `there is a container with the name ${wanted} already: remove or rename it, or copy to another name`);
    }
  }
  for (const volume of Volumes) {
    const wanted = manifest.Kind === 'volume' ? (name ?? volume.Name) : volume.Name;
    if (volume.Sent && !(volume.Anonymous && Container) && (await isThere(() => parts.volumes.inspect(wanted)))) {
      throw new Failure('conflict', `there is a volume with the name ${wanted} already: remove it, or have its own data used`);
    }
  }
}

export async function isThere(look: () => Promise<unknown>): Promise<boolean> {
  try {
    await look();
    return true;
  } catch (error) {
    if (isFailure(error, 'notFound')) return false;
    throw error;
  }
}
