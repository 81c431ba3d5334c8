import { STATUS_CODES } from 'node:http';
import type { RegistryAuth } from '../../contract/docker/index.ts';
import { withRepository } from '../../registry/client.ts';
import { RegistryFailure } from '../../registry/errors.ts';
import { Failure } from '../failure.ts';
import type { Parts } from './parts.ts';

/**
 * POST /auth.
 * @throws Failure unauthorized when a token server refuses; system when the registry itself does or can't be reached, as from
 *   dockerd; invalidParameter
 */
export async function authenticate(
  parts: Parts,
  auth: RegistryAuth,
  signal: AbortSignal,
): Promise<{ Status: string; IdentityToken: string }> {
  const domain = domainOf(auth.serveraddress ?? '');
  const settings = { ...parts.context.config, registryMirrors: [] };
  return withRepository({ domain, path: '', auth, settings, actions: 'pull', login: true }, signal, async (repository) => {
    await repository.ping(signal).catch((error: unknown) => {
      throw refusedLogin(error, repository.endpoint.base);
    });
    return { Status: 'Login Succeeded', IdentityToken: repository.identityToken() };
  });
}

/** What the registry itself answers is told by its status alone. */
function refusedLogin(error: unknown, base: string): unknown {
  if (!(error instanceof RegistryFailure) || error.bare !== undefined) return error;
  const { status } = error;
  return new Failure('system', `login attempt to ${base}/v2/ failed with status: ${status} ${STATUS_CODES[status] ?? ''}`.trimEnd());
}

/** `https://index.docker.io/v1/`, `localhost:5000`, '' (Docker Hub) */
function domainOf(address: string): string {
  const host = address.replace(/^https?:\/\//, '').replace(/\/.*$/, '');
  if (host !== '' && !URL.canParse(`https://${host}/v2/`)) {
    throw new Failure('invalidParameter', `unable to parse server address: ${JSON.stringify(address)}`);
  }
  return host === '' || host === 'index.docker.io' || host === 'registry-1.docker.io' ? 'docker.io' : host;
}
