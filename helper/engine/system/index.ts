import os from 'node:os';
import type { DiskUsage } from '../../contract/docker/index.ts';
import type { Cgroups } from '../../system/cgroup/types.ts';
import type { Containers } from '../containers/types.ts';
import type { EngineContext } from '../context.ts';
import type { Devices } from '../devices/index.ts';
import type { EventBus } from '../events/types.ts';
import type { Images } from '../images/types.ts';
import type { Volumes } from '../volumes/types.ts';
import { engineId } from './identity.ts';
import { systemInfo } from './info.ts';
import type { Component, DiskUsageType, System } from './types.ts';
import { versionInfo } from './version.ts';

export type { Component, DiskUsageType, System } from './types.ts';

export interface SystemOptions {
  context: EngineContext;
  containers: Pick<Containers, 'list' | 'counts'>;
  images: Pick<Images, 'usage' | 'count'>;
  volumes: Pick<Volumes, 'usage'>;
  devices: Pick<Devices, 'discovered'>;
  events: Pick<EventBus, 'subscribers'>;
  cgroups: Pick<Cgroups, 'version' | 'features'>;
  runtimes: ReadonlyMap<string, { name: string; version: string; path: string; args: readonly string[] }>;
  /** Versions of the engine's tools, conmon and the runtimes among them. */
  components: readonly Component[];
  serverVersion: string;
  apiVersion: string;
  minApiVersion: string;
  gitCommit?: string;
  buildTime?: string;
  logDrivers?: readonly string[];
  /** What an administrator should know about how the API can be reached. */
  warnings?: readonly string[];
}

/** Reads or makes the engine's id in the data folder. */
export async function createSystem(options: SystemOptions): Promise<System> {
  const id = await engineId(options.context.paths.data, options.context.log);
  let running: { key: string; result: Promise<Partial<DiskUsage>> } | undefined;
  return {
    id,
    name: () => os.hostname(),
    info: async () =>
      systemInfo({
        context: options.context,
        serverVersion: options.serverVersion,
        id,
        cgroups: options.cgroups,
        runtimes: [...options.runtimes.values()],
        components: options.components,
        logDrivers: options.logDrivers ?? ['journald', 'json-file', 'local'],
        counts: options.containers.counts(),
        images: options.images.count(),
        eventListeners: options.events.subscribers(),
        warnings: options.warnings ?? [],
        discovered: await options.devices.discovered(),
      }),
    version: () =>
      versionInfo({
        serverVersion: options.serverVersion,
        apiVersion: options.apiVersion,
        minApiVersion: options.minApiVersion,
        gitCommit: options.gitCommit ?? '',
        buildTime: options.buildTime ?? '',
        components: options.components,
        experimental: options.context.config.experimental,
      }),
    diskUsage(types) {
      const key = [...types].sort().join();
      if (running?.key === key) return running.result;
      const mine = { key, result: diskUsage(options, types).finally(() => (running = running === mine ? undefined : running)) };
      running = mine;
      return mine.result;
    },
  };
}

async function diskUsage({ containers, images, volumes }: SystemOptions, types: readonly DiskUsageType[]): Promise<Partial<DiskUsage>> {
  const has = (type: DiskUsageType): boolean => types.includes(type);
  const [layers, list, volumeList] = await Promise.all([
    has('image') ? images.usage() : undefined,
    has('container') ? containers.list({ all: true, size: true, filters: new Map() }) : undefined,
    has('volume') ? volumes.usage() : undefined,
  ]);
  return {
    ...(layers ? { LayersSize: layers.layersSize, Images: layers.images } : {}),
    ...(list ? { Containers: list } : {}),
    ...(volumeList ? { Volumes: volumeList } : {}),
    ...(has('build-cache') ? { BuildCache: [] } : {}),
  };
}
