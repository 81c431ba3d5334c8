/**
 * Gantry's extensions of the API, below `/gantry/v1/`. An engine that has them says so in `GET /version`: a component named
 * `gantry`. Every other engine answers 404, and a client does without. Documented in docs/api-gantry.md.
 *
 * Times are RFC 3339 in UTC with nanoseconds where they are texts, and seconds since the epoch where they are numbers.
 */

export type GantryFeature = 'statistics' | 'stops' | 'layers' | 'bin' | 'copy';

/** `GET /gantry/v1` */
export interface GantryInfo {
  Version: 1;
  Features: GantryFeature[];
  Statistics: { Enabled: boolean; IntervalSeconds: number; Hours: number };
  Bin: {
    /** What a plain removal (by docker or any other client) puts into the bin. */
    Containers: boolean;
    Volumes: boolean;
    MaxBytes: number;
    KeepDays: number;
    /** What lies in it now. */
    Entries: number;
    Bytes: number;
  };
}

/**
 * `GET /gantry/v1/containers/{id}/statistics?since=&until=&points=`: columns of equal length, oldest first. A time is that of
 * the end of its interval; there is none where the container or the engine did not run.
 */
export interface StatisticsHistory {
  Id: string;
  /** Seconds that one entry stands for; more than the engine's interval when `points` asked for fewer. */
  IntervalSeconds: number;
  Times: number[];
  /** Processors in use: 1.5 is one and a half. */
  Cpu: number[];
  /** Bytes, without the page cache that the kernel would give back; as `docker stats` counts. */
  Memory: number[];
  Processes: number[];
  /** Bytes a second. */
  NetworkIn: number[];
  NetworkOut: number[];
  DiskRead: number[];
  DiskWrite: number[];
}

/** `GET /gantry/v1/statistics`: the newest figures of each running container; none for those younger than an interval. */
export interface StatisticsNow {
  IntervalSeconds: number;
  Containers: Record<string, StatisticsSample>;
}

export interface StatisticsSample {
  Time: number;
  Cpu: number;
  Memory: number;
  Processes: number;
  NetworkIn: number;
  NetworkOut: number;
  DiskRead: number;
  DiskWrite: number;
}

/**
 * Why a run of a container ended.
 *
 * exited      its process ended by itself
 * stopped     a request: stop, restart, removal
 * killed      a request: kill
 * signal      a signal that no request of this API sent: from inside, or from a program on the host
 * oom         the kernel, for want of memory
 * shutdown    the engine stopped, and its containers with it (live-restore is off)
 * lost        the host went down, or the monitor was killed: nobody saw the end
 * start       it did not start: see Error
 */
export type StopCause = 'exited' | 'stopped' | 'killed' | 'signal' | 'oom' | 'shutdown' | 'lost' | 'start';

export type StopActor = 'process' | 'api' | 'kernel' | 'engine' | 'host' | 'unknown';

/** One entry of `GET /gantry/v1/containers/{id}/stops` and `GET /gantry/v1/stops`, newest first. */
export interface ContainerStop {
  Id: string;
  Name: string;
  Image: string;
  StartedAt: string;
  FinishedAt: string;
  Cause: StopCause;
  By: StopActor;
  ExitCode: number;
  /** `SIGTERM`, where the exit code (128 + number) says that one ended it. */
  Signal?: string;
  /** The kernel killed one of its processes for want of memory, whether or not that ended it. */
  OOMKilled: boolean;
  /** It did not obey the signal of a stop in time and was killed. */
  Forced: boolean;
  /** Of a start that failed. */
  Error?: string;
  /** The request that ended it. */
  Request?: { Call: 'stop' | 'kill' | 'restart' | 'remove'; Time: string; Signal?: string; Client?: string };
  /** What the restart policy does next, if it does anything. */
  Restart?: { Count: number; DelaySeconds: number };
  /** The last lines of its log, oldest first; at most 20. */
  LastLines: { Time: string; Stream: 'stdout' | 'stderr'; Text: string }[];
  /** Status and latest results of its health checks, when it had any. */
  Health?: { Status: string; FailingStreak: number; Results: { Start: string; ExitCode: number; Output: string }[] };
}

/** `GET /gantry/v1/images/{name}/layers` */
export interface ImageLayers {
  Id: string;
  /** Bytes of all layers' files. */
  Size: number;
  /** Bytes that no container of this image sees: files that a later layer replaces or removes. */
  WastedBytes: number;
  /** Base first. */
  Layers: ImageLayer[];
  /** Where most is wasted, by path: at most 50, largest first. */
  Wasted: WastedPath[];
}

export interface ImageLayer {
  DiffId: string;
  /** What made it; empty when the image does not say. */
  CreatedBy: string;
  Created: string;
  Size: number;
  /** Files, folders and links in it. */
  Entries: number;
  Added: number;
  Changed: number;
  Removed: number;
  /** Bytes in this layer that later ones hide. */
  WastedBytes: number;
}

export interface WastedPath {
  Path: string;
  Bytes: number;
  /** How many layers have it. */
  Copies: number;
  /** The last one removes it. */
  Removed: boolean;
}

/** `GET /gantry/v1/images/{name}/layers/{diffId}/files?path=/`: what the layer has in one folder, by name. */
export interface LayerFiles {
  DiffId: string;
  Path: string;
  Files: LayerFile[];
  /** There are more than the 5,000 that are told. */
  Truncated: boolean;
}

export interface LayerFile {
  Name: string;
  Type: 'file' | 'folder' | 'link' | 'device' | 'other';
  /** Against the layers below. `unchanged`: a folder that is in the layer for what it holds. */
  Change: 'added' | 'changed' | 'removed' | 'unchanged';
  Size: number;
  /** Permission bits, as chmod has them. */
  Mode: number;
  Uid: number;
  Gid: number;
  ModifiedAt: string;
  LinkTarget?: string;
}

/** `POST /gantry/v1/bin`: one container or one volume. */
export interface BinRequest {
  Container?: string;
  Volume?: string;
  /** A container that runs is killed first. */
  Force?: boolean;
  /** Its anonymous volumes go with it. */
  Volumes?: boolean;
}

/** One thing in the bin: an entry of `GET /gantry/v1/bin` (newest first), the answer to `POST /gantry/v1/bin`. */
export interface BinEntry {
  Id: string;
  Kind: 'container' | 'volume';
  /** Of the container or volume. */
  Name: string;
  ContainerId?: string;
  Image?: string;
  /** Volumes that came with a container. */
  Volumes: string[];
  RemovedAt: string;
  /** When it goes for good by itself; sooner if the bin grows full. */
  ExpiresAt: string;
  Bytes: number;
}

/** `POST /gantry/v1/bin/{id}/restore` */
export interface RestoreRequest {
  /** Another name, when the old one is taken. */
  Name?: string;
}

export interface RestoreAnswer {
  Kind: 'container' | 'volume';
  /** Id of the container, name of the volume. */
  Id: string;
  Warnings: string[];
}
