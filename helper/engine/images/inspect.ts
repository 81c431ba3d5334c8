import type { ImageInspect } from '../../contract/docker/index.ts';
import { NEVER } from '../instant.ts';
import { imageConfig } from './config.ts';
import { manifestsOf } from './manifest-summary.ts';
import type { Parts } from './parts.ts';
import { findImage, shownNames, sizeOf } from './parts.ts';
import type { Platform } from './types.ts';

/** GET /images/{name}/json. @throws Failure notFound */
export function inspect(parts: Parts, reference: string, platform?: Platform, manifests = false): ImageInspect {
  const { image } = findImage(parts, reference, platform);
  const { config } = image;
  const names = parts.catalog.namesOf(image.id);
  const { tags, digests } = shownNames(names);
  const size = sizeOf(parts, image);
  return {
    Id: image.id,
    RepoTags: tags,
    RepoDigests: digests,
    Parent: image.parent ?? '',
    Comment: typeof config.comment === 'string' ? config.comment : (config.history?.at(-1)?.comment ?? ''),
    ...(config.created ? { Created: config.created } : {}),
    DockerVersion: typeof config.docker_version === 'string' ? config.docker_version : '',
    Author: config.author ?? '',
    Config: imageConfig(config.config),
    Architecture: config.architecture,
    ...(config.variant ? { Variant: config.variant } : {}),
    Os: config.os,
    ...(typeof config['os.version'] === 'string' ? { OsVersion: config['os.version'] } : {}),
    Size: size,
    GraphDriver: { Name: 'overlay2', Data: graphData(parts, config.rootfs.diff_ids) },
    RootFS: { Type: 'layers', ...(config.rootfs.diff_ids.length > 0 ? { Layers: config.rootfs.diff_ids } : {}) },
    Metadata: { LastTagTime: image.lastTagged ?? NEVER },
    ...(manifests ? { Manifests: manifestsOf(parts, image, names) } : {}),
  };
}

/** Where the layers are: the last one as `UpperDir`, what it lies upon as `LowerDir`. Images are not mounted whole: no MergedDir. */
function graphData(parts: Parts, diffIds: readonly string[]): Record<string, string> | null {
  const [top, ...below] = diffIds.flatMap((diffId) => parts.layers.place(diffId) ?? []).reverse();
  if (top === undefined) return null;
  return { ...(below.length > 0 ? { LowerDir: below.join(':') } : {}), UpperDir: top };
}
