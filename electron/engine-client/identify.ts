import * as v from 'valibot';
import type { EngineIdentity } from '../ipc/contract.ts';
import type { EngineClient } from './client.ts';
import { messageInBody, ProtocolError } from './errors.ts';
import { readBounded } from './read-bounded.ts';

/** The newest version of the API that the app is written for. */
export const NEWEST_API = '1.47';

const version = v.object({
  Version: v.optional(v.string(), ''),
  ApiVersion: v.optional(v.string()),
  MinAPIVersion: v.optional(v.string()),
  Os: v.optional(v.string(), ''),
  Arch: v.optional(v.string(), ''),
  Platform: v.optional(v.object({ Name: v.optional(v.string(), '') })),
  Components: v.optional(v.nullable(v.array(v.object({ Name: v.optional(v.string(), '') })))),
});

/** Pings, agrees on an API version (kept in the client) and asks who answers. @throws ProtocolError if it is no engine */
export async function identify(client: EngineClient, signal?: AbortSignal): Promise<EngineIdentity> {
  const ping = await client.request({ method: 'GET', path: '/_ping', ...(signal && { signal }) });
  const said = await readBounded(ping.body, 64 * 1024);
  const offered = ping.headers['api-version'];
  if (ping.status !== 200 || typeof offered !== 'string' || !/^\d+\.\d+$/.test(offered)) {
    const words = ping.status === 200 ? '' : `: ${messageInBody(said, ping.status).slice(0, 200)}`;
    throw new ProtocolError(`what answers there is not a container engine (GET /_ping: status ${ping.status}${words})`);
  }
  const parsed = v.safeParse(version, await client.json('GET', '/version', { limitBytes: 1024 * 1024, ...(signal && { signal }) }));
  if (!parsed.success) throw new ProtocolError('GET /version: the answer is not as the Docker API says');
  const answer = parsed.output;
  client.apiVersion = negotiate(offered, answer.MinAPIVersion);
  return { product: productOf(answer), version: answer.Version, apiVersion: client.apiVersion, os: answer.Os, arch: answer.Arch };
}

/** The newest version both know; an engine that has dropped ours is spoken to in its oldest. */
export function negotiate(offered: string, oldest: string | undefined): string {
  const agreed = compareVersions(offered, NEWEST_API) < 0 ? offered : NEWEST_API;
  return oldest && /^\d+\.\d+$/.test(oldest) && compareVersions(agreed, oldest) < 0 ? oldest : agreed;
}

function compareVersions(a: string, b: string): number {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
}

function productOf(answer: v.InferOutput<typeof version>): EngineIdentity['product'] {
  if (/^gantry\b/i.test(answer.Platform?.Name ?? '')) return 'Gantry';
  // Podman's names have paths in parentheses, in which any word may stand.
  const components = (answer.Components ?? []).map(({ Name }) => Name.replace(/\(.*\)/, ''));
  const names = [answer.Platform?.Name ?? '', ...components].join('\n');
  if (/podman/i.test(names)) return 'Podman';
  // dockerd's first component is `Engine`; its platform name differs by packager and may be empty.
  if (/docker|moby|^Engine$/im.test(names)) return 'Docker';
  return 'unknown';
}
