import type { Host } from '../../electron/ipc/contract.ts';
import type { BinEntry, BinRequest, GantryInfo, RestoreAnswer } from '../../helper/contract/gantry.ts';
import { keys, queryClient } from './client.ts';
import { EngineError, engineJson, engineSend } from './engine.ts';

/** The bin of an engine of ours (`/gantry/v1/bin`, docs/api-gantry.md). Other engines remove for good. */
export const binSettingsQuery = (host: Pick<Host, 'id'>) => ({
  queryKey: keys.gantry(host.id),
  queryFn: async ({ signal }: { signal: AbortSignal }): Promise<GantryInfo['Bin'] | null> => {
    try {
      const info = await engineJson<GantryInfo>(host.id, '/gantry/v1', { signal });
      return info.Features.includes('bin') ? info.Bin : null;
    } catch (error) {
      // Another engine. Whether a lost one has a bin is asked again when it is back.
      if (error instanceof EngineError && error.status === 404) return null;
      throw error;
    }
  },
  retry: false,
});

export const binQuery = (host: Host, enabled: boolean) => ({
  queryKey: keys.bin(host.id),
  queryFn: ({ signal }: { signal: AbortSignal }) => engineJson<BinEntry[]>(host.id, '/gantry/v1/bin', { signal }),
  enabled: enabled && host.state.status === 'connected',
});

/** @returns days that things stay in the bin of a host (0: no limit); undefined where there is none */
export async function binDays(host: string): Promise<number | undefined> {
  const settings = await queryClient.fetchQuery(binSettingsQuery({ id: host })).catch(() => null);
  return settings?.KeepDays;
}

/** Removes something so that it can come back. @throws EngineError 409 when it can't */
export async function putIntoBin(host: string, request: BinRequest): Promise<BinEntry> {
  const entry = await engineJson<BinEntry>(host, '/gantry/v1/bin', { method: 'POST', body: request });
  void queryClient.invalidateQueries({ queryKey: keys.bin(host) });
  return entry;
}

/** @throws EngineError 409 when the name is taken */
export async function restoreFromBin(host: string, entry: string, name?: string): Promise<RestoreAnswer> {
  const body = name === undefined ? {} : { Name: name };
  const answer = await engineJson<RestoreAnswer>(host, `/gantry/v1/bin/${entry}/restore`, { method: 'POST', body });
  await Promise.all([keys.bin, keys.containers, keys.volumes].map((key) => queryClient.invalidateQueries({ queryKey: key(host) })));
  return answer;
}

export async function deleteFromBin(host: string, entry: string): Promise<void> {
  await engineSend(host, 'DELETE', `/gantry/v1/bin/${entry}`);
  await queryClient.invalidateQueries({ queryKey: keys.bin(host) });
}

export async function emptyBin(host: string): Promise<void> {
  await engineSend(host, 'DELETE', '/gantry/v1/bin');
  await queryClient.invalidateQueries({ queryKey: keys.bin(host) });
}
