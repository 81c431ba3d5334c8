import type { VolumeCreateRequest, VolumeInspect } from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';
import type { Run } from './mounted.ts';

/** What a copy of a volume is made of. */
export interface VolumeSource {
  name: string;
  createdAt: string;
  /** Host path of the data. */
  data: string;
  labels: Record<string, string>;
  options: Record<string, string>;
  anonymous: boolean;
  /** Its options mount its data from elsewhere. */
  mounted: boolean;
  /** Ids of the containers that have it, running or not. */
  users: string[];
}

export interface Volumes {
  start(): Promise<void>;
  create(request: VolumeCreateRequest): Promise<VolumeInspect>;
  inspect(name: string): Promise<VolumeInspect>;
  list(filters: Filters): Promise<{ Volumes: VolumeInspect[]; Warnings: string[] }>;
  remove(name: string, force: boolean): Promise<void>;
  prune(filters: Filters): Promise<{ VolumesDeleted: string[]; SpaceReclaimed: number }>;
  /** With sizes and reference counts, for df. */
  usage(): Promise<VolumeInspect[]>;
  /**
   * For containers: creates the volume if it does not exist (name undefined: an anonymous one of 64 hex digits),
   * records `container` as its user.
   * @returns name and host path of the data
   */
  acquire(
    name: string | undefined,
    container: string,
    options?: {
      driver?: string;
      driverOpts?: Record<string, string>;
      labels?: Record<string, string>;
    },
  ): Promise<{ name: string; path: string; created: boolean }>;
  /**
   * The container goes away; `anonymous` also deletes its anonymous volumes that nobody else uses, or moves them into a folder
   * of the bin.
   *
   * @param borrowed anonymous volumes of other containers that it had by `--volumes-from`: the last user takes them along
   */
  release(container: string, anonymous: boolean | { moveTo: string }, borrowed?: readonly string[]): Promise<void>;
  /** Bytes of its files. @throws Failure notFound */
  weigh(name: string): Promise<number>;
  /** As `remove`, but its folder is moved to `target`. @throws Failure notFound, conflict when it is used */
  discard(name: string, target: string): Promise<void>;
  /** From a folder that `discard` or `release` moved away. @throws Failure conflict when the name is taken */
  restore(folder: string, name: string): Promise<void>;
  /**
   * What the volume's driver options say is mounted at its path until the last holder lets go; of another volume nothing changes.
   * @param holder a container's id for its run, any other name for something shorter
   * @throws Failure notFound, system with mount's words
   */
  hold(name: string, holder: string): Promise<void>;
  /** Idempotent. */
  letGo(name: string, holder: string): Promise<void>;
  /**
   * Copy-up on first use: an empty volume gets the content of `source` (a folder of the mounted image) with owners and modes.
   *
   * @param place a folder in the volume that is meant instead
   */
  populate(name: string, source: string, place?: string): Promise<void>;
  /** For a copy to another engine. @throws Failure notFound */
  outgoing(name: string): VolumeSource;
  /**
   * A volume with data that was made elsewhere: `folder` (on the same file system, nobody else knows it) becomes its folder, its `_data`
   * the data, in one step.
   * @throws Failure conflict when there is one of this name
   */
  take(name: string, folder: string, about: { labels: Record<string, string>; anonymous: boolean; owner?: string }): Promise<void>;
  /** Events only, as dockerd sends them when a container starts and stops: `mount` with its attributes, `unmount`. */
  noteMount(name: string, container: string, details: { destination: string; readOnly: boolean; propagation: string }): void;
  noteUnmount(name: string, container: string): void;
  /** After a restart: who uses which volume. */
  adopt(users: { container: string; volumes: string[] }[]): void;
  /** After a restart, before any start: who runs holds what is mounted; what nobody holds is unmounted. */
  takeOver(runs: readonly Run[]): Promise<void>;
}
