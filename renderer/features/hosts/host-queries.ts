import type { DiskUsage, SystemInfo, VersionInfo } from '../../../helper/contract/docker/index.ts';
import { keys } from '../../lib/client.ts';
import { engineFetch, engineJson } from '../../lib/engine.ts';

type Context = { signal: AbortSignal };
const LOOK_MS = 10_000;

export const infoQuery = (host: string) => ({
  queryKey: keys.info(host),
  queryFn: ({ signal }: Context) => engineJson<SystemInfo>(host, '/info', { signal }),
  retry: false,
});
export const versionQuery = (host: string) => ({
  queryKey: [...keys.host(host), 'version'],
  queryFn: ({ signal }: Context) => engineJson<VersionInfo>(host, '/version', { signal }),
  retry: false,
});

/** What the engine's things take of its disk, in bytes. Engines count for a while; asked for once. */
export const diskUsageQuery = (host: string) => ({
  queryKey: [...keys.host(host), 'usage'],
  queryFn: async ({ signal }: Context) => usageOf(await engineJson<Partial<DiskUsage>>(host, '/system/df', { signal })),
  retry: false,
});

export interface Usage {
  images: number;
  containers: number;
  volumes: number;
  cache: number;
  total: number;
}

/** Podman gives no sum of the layers; sizes that are not known are -1. */
export function usageOf({ LayersSize, Images, Containers, Volumes, BuildCache }: Partial<DiskUsage>): Usage {
  const sum = (sizes: unknown[]) => sizes.reduce<number>((all, size) => all + (typeof size === 'number' && size > 0 ? size : 0), 0);
  const images = LayersSize && LayersSize > 0 ? LayersSize : sum((Images ?? []).map(({ Size }) => Size));
  const containers = sum((Containers ?? []).map((container) => (container as { SizeRw?: unknown }).SizeRw));
  const volumes = sum((Volumes ?? []).map(({ UsageData }) => UsageData?.Size));
  const cache = sum((BuildCache ?? []).map((entry) => (entry as { Size?: unknown } | null)?.Size));
  return { images, containers, volumes, cache, total: images + containers + volumes + cache };
}

/** How long the engine takes for the smallest answer, in ms; looked at now and then while somebody looks on. */
export const answerQuery = (host: string) => ({
  queryKey: [...keys.host(host), 'answer'],
  queryFn: async ({ signal }: Context) => {
    const from = performance.now();
    await (await engineFetch(host, '/_ping', { signal })).text();
    return Math.max(1, Math.round(performance.now() - from));
  },
  refetchInterval: LOOK_MS,
  retry: false,
});
