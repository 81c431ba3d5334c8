/**
 * The search of Docker Hub and of registries that speak its first version: `GET /v1/search`.
 * Source: Docker Registry HTTP API V1 (search), moby's behaviour for hosts other than Docker Hub
 */
import type { RegistryAuth } from '../contract/docker/index.ts';
import { Failure, messageOf } from '../engine/failure.ts';
import { basicCredentials } from './auth.ts';
import { secureContext } from './certificates.ts';
import type { RegistrySettings } from './endpoints.ts';
import { endpointsOf } from './endpoints.ts';
import { readBody } from './errors.ts';
import { HttpTransport } from './transport.ts';

const INDEX = 'https://index.docker.io';
const ANSWER_BYTES = 4 * 1024 * 1024;

/** One repository, as the index tells of it. */
export interface SearchResult {
  name: string;
  description: string;
  star_count: number;
  is_official: boolean;
  is_automated: boolean;
}

/**
 * Asks an index for repositories.
 * @param domain `docker.io` or a registry's host
 * @param limit 1 to 100
 * @throws Failure invalidParameter when nothing of this kind answers there, system when the index can't be reached or refuses
 */
export async function searchIndex(
  query: { domain: string; term: string; limit: number; auth: RegistryAuth | undefined },
  settings: RegistrySettings,
  signal: AbortSignal,
): Promise<SearchResult[]> {
  const hub = query.domain === 'docker.io';
  const { base, transport } = hub ? official() : await reachable(query.domain, settings, signal);
  try {
    const url = new URL(`${base}/v1/search`);
    url.search = new URLSearchParams({ q: query.term, n: String(query.limit) }).toString();
    const credentials = basicCredentials(query.auth);
    const headers: Record<string, string> = { 'x-docker-token': 'true' };
    if (credentials && url.protocol === 'https:') {
      headers.authorization = `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
    }
    const response = await transport.request({ method: 'GET', url, headers, signal });
    if (response.status !== 200) {
      response.body.resume();
      throw new Failure('system', `Unexpected status code ${response.status}`);
    }
    return resultsOf((await readBody(response.body, ANSWER_BYTES)).toString());
  } finally {
    transport.close();
  }
}

function official(): { base: string; transport: HttpTransport } {
  return { base: INDEX, transport: new HttpTransport({ trust: () => secureContext('docker.io') }) };
}

/** The first endpoint of a host that answers `/v1/_ping`, with whatever status; https before http. */
async function reachable(
  domain: string,
  settings: RegistrySettings,
  signal: AbortSignal,
): Promise<{ base: string; transport: HttpTransport }> {
  const endpoints = await endpointsOf(domain, settings);
  const failures: string[] = [];
  for (const endpoint of endpoints) {
    const transport = new HttpTransport({ insecure: endpoint.insecure, trust: (host) => secureContext(host, endpoint.host) });
    try {
      const answer = await transport.request({ method: 'GET', url: new URL(`${endpoint.base}/v1/_ping`), signal });
      answer.body.resume();
      return { base: endpoint.base, transport };
    } catch (error) {
      transport.close();
      signal.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  const [https = '', http] = failures;
  throw new Failure('invalidParameter', http === undefined ? refused(domain, https) : bothRefused(domain, https, http));
}

function refused(domain: string, why: string): string {
  return `invalid registry endpoint https://${domain}/v1/: ${why}. If this registry speaks plain HTTP, or HTTPS with a CA certificate that is not known here, name it in \`insecure-registries\`, or put its CA certificate in certs.d/${domain}/ca.crt`;
}

function bothRefused(domain: string, https: string, http: string): string {
  return `invalid registry endpoint "http://${domain}/v1/". HTTPS attempt: ${https}. HTTP attempt: ${http}`;
}

/** What an index says, with every field, whatever it left out. @throws Failure system when it is no such answer */
function resultsOf(text: string): SearchResult[] {
  let results: unknown;
  try {
    ({ results } = JSON.parse(text) as { results?: unknown });
  } catch (error) {
    throw new Failure('system', `error decoding registry search results: ${messageOf(error)}`);
  }
  if (!Array.isArray(results)) return [];
  return (results as Record<string, unknown>[]).map((result) => ({
    star_count: Number(result.star_count ?? 0),
    is_official: result.is_official === true,
    name: String(result.name ?? ''),
    // Docker Hub has given these up; what indexes still say of them is not to be trusted.
    is_automated: false,
    description: String(result.description ?? ''),
  }));
}
