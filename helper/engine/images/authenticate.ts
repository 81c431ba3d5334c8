import type { RegistryAuth } from '../../contract/docker/index.ts';
import { withRepository } from '../../registry/client.ts';
import { RegistryFailure } from '../../registry/errors.ts';
import { Failure } from '../failure.ts';
import type { Parts } from './parts.ts';

/** POST /auth. @throws Failure unauthorized when the registry refuses, system when it can't be reached, invalidParameter */
export async function authenticate(
  parts: Parts,
  auth: RegistryAuth,
  signal: AbortSignal,
): Promise<{ Status: string; IdentityToken: string }> {
  const domain = domainOf(auth.serveraddress ?? '');
  try {
    const options = { domain, path: '', auth, settings: { ...parts.context.config, registryMirrors: [] }, actions: 'pull' } as const;
    return await withRepository(options, signal, async (repository) => {
      await repository.ping(signal);
      return { Status: 'Login Succeeded', IdentityToken: repository.identityToken() };
    });
  } catch (error) {
    if (error instanceof RegistryFailure && error.status === 401) throw new Failure('unauthorized', error.message);
    throw error;
  }
}

/** `https://index.docker.io/v1/`, `localhost:5000`, '' (Docker Hub) */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (host !== '' && !URL.canParse(`https://${host}/v2/`)) {
    throw new Failure('invalidParameter', `unable to parse server address: ${JSON.stringify(address)}`);
  }
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}
