import type { NetworkCreateRequest } from '../../contract/docker/index.ts';
import { isFailure, messageOf } from '../failure.ts';
import type { Undo } from '../undo.ts';
import { isThere } from './check.ts';
import type { Job, Journal } from './journal.ts';
import type { CopyParts } from './parts.ts';

/** The user's networks that are not here, with their options; a subnet that can't be had here becomes another one. */
export async function makeNetworks(
  parts: CopyParts,
  job: Job,
  made: NonNullable<Journal['made']>,
  requests: NetworkCreateRequest[],
  warnings: string[],
  undo: Undo,
): Promise<void> {
  for (const request of requests) {
    if (await isThere(() => parts.networks.resolve(request.Name))) continue;
    made.networks.push(request.Name);
    await job.note({ made });
    const id = await createNetwork(parts, request, warnings);
    undo.add('network', () => parts.networks.remove(id));
  }
}

async function createNetwork({ networks }: CopyParts, request: NetworkCreateRequest, warnings: string[]): Promise<string> {
  try {
    return (await networks.create(request)).Id;
  } catch (error) {
    if (!isFailure(error) || !request.IPAM?.Config?.length) throw error;
    const { IPAM: _, ...anywhere } = request;
    const { Id } = await networks.create(anywhere);
    warnings.push(`the network ${request.Name} has another subnet here: ${messageOf(error)}`);
    return Id;
  }
}
