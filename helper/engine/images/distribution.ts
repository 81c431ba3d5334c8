import type { RegistryAuth } from '../../contract/docker/index.ts';
import { withRepository } from '../../registry/client.ts';
import { isIndexType, parseIndex, parseManifest } from './manifest.ts';
import type { Parts } from './parts.ts';
import { parseNamed, withDefaultTag } from './references.ts';

/** GET /distribution/{name}/json: what a registry has under a name, without pulling it. @throws RegistryFailure in the registry's words */
export async function distribution(parts: Parts, text: string, auth: RegistryAuth | undefined, signal: AbortSignal): Promise<unknown> {
  const reference = withDefaultTag(parseNamed(text));
  const target = reference.digest ?? (reference.tag as string);
  const settings = parts.context.config;
  const { domain, path } = reference;
  return withRepository({ domain, path, auth, settings, actions: 'pull' }, signal, async (candidate) => {
    const { data, mediaType, digest } = await candidate.manifest(target, signal);
    const platforms = isIndexType(mediaType)
      ? parseIndex(data).manifests.flatMap(({ platform }) => (platform ? [platform] : []))
      : [platformOf(await candidate.smallBlob(parseManifest(data).config.digest, signal))];
    return { Descriptor: { mediaType, digest, size: data.length }, Platforms: platforms };
  });
}

function platformOf(config: Buffer): { architecture?: string; os?: string; variant?: string } {
  const { architecture, os, variant } = JSON.parse(config.toString()) as { architecture?: string; os?: string; variant?: string };
  return { ...(architecture ? { architecture } : {}), ...(os ? { os } : {}), ...(variant ? { variant } : {}) };
}
