import type { IncomingMessage } from 'node:http';
import type { RegistryAuth } from '../contract/docker/index.ts';
import { decode } from './decode.ts';
import { SHAPES } from './shapes.ts';

/** X-Registry-Auth: base64url of JSON. What can't be read counts as no credentials, as in dockerd. */
export function registryAuth(headers: IncomingMessage['headers']): RegistryAuth | undefined {
  const header = headers['x-registry-auth'];
  if (typeof header !== 'string' || header === '') return undefined;
  try {
    const auth = decode(JSON.parse(Buffer.from(header, 'base64url').toString('utf8')), SHAPES.auth, 'AuthConfig') as RegistryAuth | null;
    return auth && Object.values(auth).some(Boolean) ? auth : undefined;
  } catch {
    return undefined;
  }
}
