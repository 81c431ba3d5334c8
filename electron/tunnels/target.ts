import { isIP } from 'node:net';
import * as v from 'valibot';
import { type EngineClient, EngineError, ProtocolError } from '../engine-client/index.ts';
import { TunnelFailure } from './trouble.ts';

/** Where a container's port may be reached from the machine that it runs on. */
export interface Target {
  address: string;
  port: number;
}
export interface Resolved {
  containerId: string;
  /** The best first. */
  targets: Target[];
}

const binding = v.object({ HostIp: v.optional(v.string(), ''), HostPort: v.optional(v.string(), '') });
const endpoint = v.object({ IPAddress: v.optional(v.string(), ''), GlobalIPv6Address: v.optional(v.string(), '') });
const inspected = v.object({
  Id: v.pipe(v.string(), v.regex(/^[0-9a-f]{12,64}$/)),
  State: v.object({ Running: v.optional(v.boolean(), false) }),
  HostConfig: v.optional(v.object({ NetworkMode: v.optional(v.string(), '') })),
  NetworkSettings: v.object({
    Ports: v.nullish(v.record(v.string(), v.nullish(v.array(binding)))),
    Networks: v.nullish(v.record(v.string(), v.nullish(endpoint))),
  }),
});
export type InspectedNetworks = v.InferOutput<typeof inspected>;

/** More addresses are not tried. */
const TARGETS_LIMIT = 8;
/** container:A may share with container:B that shares with … */
const HOPS_LIMIT = 4;

/**
 * Published ports come first: they work for rootless engines, too, whose container addresses the machine itself can't reach.
 * What is not an address, whatever the engine says, is no target.
 */
export function targetsOf({ NetworkSettings, HostConfig }: InspectedNetworks, port: number): Target[] {
  const found: Target[] = [];
  const add = (address: string, at: number) => {
    const fits = isIP(address) !== 0 && Number.isInteger(at) && at >= 1 && at <= 65535;
    if (fits && !found.some((other) => other.address === address && other.port === at)) found.push({ address, port: at });
  };
  if (HostConfig?.NetworkMode === 'host') add('127.0.0.1', port);
  for (const { HostIp, HostPort } of NetworkSettings.Ports?.[`${port}/tcp`] ?? []) add(nearAddress(HostIp), Number(HostPort));
  const endpoints = Object.values(NetworkSettings.Networks ?? {});
  for (const network of endpoints) add(network?.IPAddress ?? '', port);
  for (const network of endpoints) add(network?.GlobalIPv6Address ?? '', port);
  return found.slice(0, TARGETS_LIMIT);
}

/** Published on all addresses: the machine's own will do. */
function nearAddress(address: string): string {
  if (address === '' || address === '0.0.0.0') return '127.0.0.1';
  return address === '::' ? '::1' : address;
}

/**
 * Asks the engine where a container's port is.
 *
 * @param name taken when the id is gone: containers are made anew under their names (compose up, an image's update)
 * @throws TunnelFailure if the container is gone, does not run, or has no address
 */
export async function resolveTarget(
  client: EngineClient,
  container: { id: string; name: string },
  port: number,
  signal: AbortSignal,
): Promise<Resolved> {
  const values = { name: container.name };
  const own = (await inspect(client, container.id, signal)) ?? (await inspect(client, container.name, signal));
  if (!own) throw new TunnelFailure('gone', `${container.name} no longer exists`, { values });
  if (!own.State.Running) throw new TunnelFailure('not-running', `${container.name} is not running`, { values });
  let at = own;
  for (let hops = 0; hops < HOPS_LIMIT; hops += 1) {
    const [, shared] = /^container:(.+)$/.exec(at.HostConfig?.NetworkMode ?? '') ?? [];
    if (shared === undefined) break;
    const next = await inspect(client, shared, signal);
    if (!next) break;
    at = next;
  }
  const targets = targetsOf(at, port);
  if (targets.length === 0) throw new TunnelFailure('no-network', `${container.name} is in no network that leads to it`, { values });
  return { containerId: own.Id, targets };
}

async function inspect(client: EngineClient, reference: string, signal: AbortSignal): Promise<InspectedNetworks | undefined> {
  try {
    const path = `/containers/${encodeURIComponent(reference)}/json`;
    const parsed = v.safeParse(inspected, await client.json('GET', path, { signal, limitBytes: 16 * 1024 * 1024 }));
    if (!parsed.success) throw new ProtocolError('GET /containers/{id}/json: the answer is not as the Docker API says');
    return parsed.output;
  } catch (error) {
    if (error instanceof EngineError && error.status === 404) return undefined;
    throw error;
  }
}
