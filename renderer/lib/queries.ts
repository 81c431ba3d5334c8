import { useQuery } from '@tanstack/react-query';
import type { Host } from '../../electron/ipc/contract.ts';
import type {
  ContainerInspect,
  ContainerSummary,
  DiskUsage,
  ImageHistoryEntry,
  ImageInspect,
  ImageSummary,
  NetworkInspect,
  VolumeInspect,
} from '../../helper/contract/docker/index.ts';
import { gantry } from './bridge.ts';
import { keys } from './client.ts';
import { engineJson } from './engine.ts';
import { useSettings } from './settings.ts';

export interface ContainerList {
  /** When the list was read (ms): the engine's "Up 3 minutes" counts from here. */
  readAt: number;
  containers: ContainerSummary[];
}

export const containersQuery = (host: Host) => ({
  queryKey: keys.containers(host.id),
  queryFn: async ({ signal }: { signal: AbortSignal }): Promise<ContainerList> => {
    const containers = await engineJson<ContainerSummary[]>(host.id, '/containers/json?all=1', { signal });
    return { readAt: Date.now(), containers };
  },
  enabled: host.state.status === 'connected',
});

export const imagesQuery = (host: Host) => ({
  queryKey: keys.images(host.id),
  queryFn: ({ signal }: { signal: AbortSignal }) => engineJson<ImageSummary[]>(host.id, '/images/json', { signal }),
  enabled: host.state.status === 'connected',
});

export const volumesQuery = (host: Host) => ({
  queryKey: keys.volumes(host.id),
  queryFn: async ({ signal }: { signal: AbortSignal }) =>
    (await engineJson<{ Volumes: VolumeInspect[] | null }>(host.id, '/volumes', { signal })).Volumes ?? [],
  enabled: host.state.status === 'connected',
});

export const networksQuery = (host: Host) => ({
  queryKey: keys.networks(host.id),
  queryFn: ({ signal }: { signal: AbortSignal }) => engineJson<NetworkInspect[]>(host.id, '/networks', { signal }),
  enabled: host.state.status === 'connected',
});

/** No event tells that a volume has grown: what was measured counts for a minute. */
const SIZES_COUNT_MS = 60_000;

/**
 * Bytes by name, of volumes that the engine can measure; measured anew when there are other volumes.
 * Engines before API 1.42 and Podman don't know `type`, and measure everything.
 */
export const volumeSizesQuery = (host: Host, names: string[]) => ({
  queryKey: [...keys.volumeSizes(host.id), [...names].sort().join(' ')],
  queryFn: async ({ signal }: { signal: AbortSignal }) => {
    const usage = await engineJson<Partial<DiskUsage>>(host.id, '/system/df?type=volume', { signal });
    const known = (usage.Volumes ?? []).filter(({ UsageData }) => (UsageData?.Size ?? -1) >= 0);
    return new Map(known.map(({ Name, UsageData }) => [Name, UsageData?.Size ?? 0]));
  },
  enabled: host.state.status === 'connected' && names.length > 0,
  placeholderData: (before: Map<string, number> | undefined) => before,
  staleTime: SIZES_COUNT_MS,
  gcTime: SIZES_COUNT_MS,
  retry: false,
});

export const imageQuery = (host: string, reference: string) => ({
  queryKey: keys.image(host, reference),
  queryFn: ({ signal }: { signal: AbortSignal }) =>
    engineJson<ImageInspect>(host, `/images/${encodeReference(reference)}/json`, { signal }),
});

/** A reference inside a path: its slashes stay (engines route on them), what would end the path is escaped. */
export function encodeReference(reference: string): string {
  return reference.split('/').map(encodeURIComponent).join('/').replaceAll('%3A', ':').replaceAll('%40', '@');
}

export function useHosts(): Host[] {
  return useQuery({ queryKey: keys.hosts, queryFn: () => gantry().hosts.list() }).data ?? [];
}

/** The hosts that the pages show: the chosen one, or all. */
export function useShownHosts(): Host[] {
  const hosts = useHosts();
  const { selectedHost } = useSettings();
  const chosen = hosts.filter((host) => host.id === selectedHost);
  return selectedHost === 'all' || chosen.length === 0 ? hosts : chosen;
}

export function useContainer(host: string, id: string | undefined, enabled = true) {
  return useQuery({
    queryKey: keys.container(host, id ?? ''),
    queryFn: ({ signal }) => engineJson<ContainerInspect>(host, `/containers/${id}/json`, { signal }),
    enabled: enabled && id !== undefined,
    retry: false,
  });
}
export function useImage(host: string, reference: string, enabled = true) {
  return useQuery({ ...imageQuery(host, reference), enabled: enabled && reference !== '', retry: false });
}
export function useImageHistory(host: string, id: string) {
  return useQuery({
    queryKey: keys.imageHistory(host, id),
    queryFn: ({ signal }) => engineJson<ImageHistoryEntry[]>(host, `/images/${encodeReference(id)}/history`, { signal }),
  });
}
