import type { DiskUsage, SystemInfo, VersionInfo } from '../../contract/docker/index.ts';

export type DiskUsageType = 'container' | 'image' | 'volume' | 'build-cache';

/** The engine as a whole: what `docker info`, `version` and `system df` say. Data come from the nouns. */
export interface System {
  /** The engine's own, for the actor of its events. */
  readonly id: string;
  /** The host's name. */
  name(): string;
  /** Complete, at the newest API version. */
  info(): Promise<SystemInfo>;
  version(): VersionInfo;
  /** Only the asked types are computed; the others' fields are absent. Calls at the same time share one computation. */
  diskUsage(types: readonly DiskUsageType[]): Promise<Partial<DiskUsage>>;
}

/** Something that the engine runs on: `crun 1.8.1`. `details` as /version shows them. */
export interface Component {
  name: string;
  version: string;
  details?: Record<string, string>;
}
