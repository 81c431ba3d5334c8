import type { Readable, Writable } from 'node:stream';
import type {
  ContainerCreateRequest,
  ContainerInspect,
  ContainerSummary,
  EndpointSettings,
  ExecCreateRequest,
  ExecInspect,
  Resources,
  RestartPolicy,
} from '../../contract/docker/index.ts';
import type { Filters } from '../events/types.ts';

export type WaitCondition = 'not-running' | 'next-exit' | 'removed';

export interface LogsOptions {
  stdout: boolean;
  stderr: boolean;
  follow: boolean;
  timestamps: boolean;
  /** Nanoseconds since the epoch. */
  since?: bigint;
  until?: bigint;
  /** Lines from the end; undefined for all. */
  tail?: number;
  details: boolean;
}

/**
 * Bytes as they go over the wire: with `multiplexed`, frames of an 8-byte header and a payload; raw otherwise (TTY).
 * The engine frames because only it can do so without looking at each line twice.
 */
export interface OutputStream {
  multiplexed: boolean;
  body: Readable;
}

export interface AttachOptions {
  stdin: boolean;
  stdout: boolean;
  stderr: boolean;
  /** Replay what was logged first. */
  logs: boolean;
  /** Stay attached. */
  stream: boolean;
  /** `ctrl-p,ctrl-q` form; undefined: the default. */
  detachKeys?: string;
}

/** A live connection to a process. Ending `input` closes the process's stdin (half close); destroying `body` detaches. */
export interface Session extends OutputStream {
  input: Writable | undefined;
}

/** Counters since the start of a run, and what is used now. */
export interface Usage {
  id: string;
  /** Durable, for what is kept with the container. */
  folder: string;
  startedAt: string;
  cpuNanos: number;
  memoryBytes: number;
  processes: number;
  rxBytes: number;
  txBytes: number;
  readBytes: number;
  writtenBytes: number;
}

/** A container that was made elsewhere. */
export interface PreparedContainer {
  id: string;
  /** Folder on the same file system that becomes its writable layer. */
  upper: string;
  /** Its anonymous volumes, by their place. */
  anonymous: Record<string, string>;
}

/** What a copy of a container is made of. */
export interface ContainerSource {
  id: string;
  name: string;
  /** Empty: of no image. */
  imageId: string;
  imageName: string;
  /** What makes one like it on another host. */
  request: ContainerCreateRequest;
  /** Host path of its writable layer, and its size in bytes. */
  upper: string;
  writableBytes: number;
  /** Its volumes, each once; places of the anonymous ones. */
  volumes: { name: string; anonymous: boolean; destination: string }[];
  /** User-defined networks, by name. */
  networks: string[];
  binds: string[];
  running: boolean;
  paused: boolean;
  warnings: string[];
}

/** An added process. */
export interface Execs {
  create(container: string, request: ExecCreateRequest): Promise<string>;
  /** @throws Failure notFound for an unknown exec, conflict when its container can't take one now */
  check(id: string): void;
  /**
   * Detached: resolves when it was started. Attached: the session; its body ends when the process did.
   * `tty` is what the client expects of the stream: raw, or frames. Whether there is a terminal was said at creation.
   */
  start(id: string, options: { detach: boolean; tty?: boolean; consoleSize?: [number, number] }): Promise<Session | undefined>;
  resize(id: string, height: number, width: number): Promise<void>;
  inspect(id: string): Promise<ExecInspect>;
}

export interface CreateOptions {
  platform?: string;
  prepared?: PreparedContainer;
  /** Read-only binds leave what is mounted below them writable, as before API 1.44. */
  flatReadOnly?: boolean;
  /** In place of the configured default. */
  cgroupnsOnV1?: 'host';
}

export interface Containers {
  /** Reads the store and reconciles it with what runs, is mounted, was left. Resumes restart policies. */
  start(): Promise<void>;
  /** The helper stops: containers run on (live-restore) or are stopped in time. */
  stop(): Promise<void>;

  create(name: string | undefined, request: ContainerCreateRequest, options: CreateOptions): Promise<{ Id: string; Warnings: string[] }>;
  /** For a copy to another engine. @throws Failure notFound, conflict when it is being removed */
  outgoing(container: string): Promise<ContainerSource>;
  list(options: { all: boolean; limit?: number; size: boolean; filters: Filters }): Promise<ContainerSummary[]>;
  inspect(container: string, options: { size: boolean }): Promise<ContainerInspect>;
  startContainer(container: string): Promise<void>;
  /** `timeoutSeconds` -1: wait for ever. @throws Failure notModified when it does not run */
  stopContainer(container: string, options: { signal?: string; timeoutSeconds?: number; client?: string }): Promise<void>;
  restart(container: string, options: { signal?: string; timeoutSeconds?: number; client?: string }): Promise<void>;
  kill(container: string, signal: string, client?: string): Promise<void>;
  pause(container: string): Promise<void>;
  unpause(container: string): Promise<void>;
  rename(container: string, name: string): Promise<void>;
  update(container: string, change: Resources & { RestartPolicy?: RestartPolicy }): Promise<{ Warnings: string[] }>;
  /** With `bin`: its folder and its anonymous volumes are moved there, and its layers stay. */
  remove(
    container: string,
    options: { force: boolean; volumes: boolean; link: boolean; client?: string; bin?: { entry: string; folder: string } },
  ): Promise<void>;
  prune(filters: Filters): Promise<{ ContainersDeleted: string[]; SpaceReclaimed: number }>;
  /**
   * Resolves at once, when the container is known (the client gets its 200 then); `result` when the condition is met.
   */
  wait(
    container: string,
    condition: WaitCondition,
    signal: AbortSignal,
  ): Promise<{
    result: Promise<{ StatusCode: number; Error?: { Message: string } }>;
  }>;
  logs(container: string, options: LogsOptions, signal: AbortSignal): Promise<OutputStream>;
  attach(container: string, options: AttachOptions, signal: AbortSignal): Promise<Session>;
  resize(container: string, height: number, width: number): Promise<void>;
  top(container: string, psArgs: string): Promise<{ Titles: string[]; Processes: string[][] }>;
  /** Stats in the shape of the API, one a second, or one. */
  stats(container: string, options: { stream: boolean; oneShot: boolean }, signal: AbortSignal): Promise<AsyncIterable<unknown>>;
  changes(container: string): Promise<{ Path: string; Kind: 0 | 1 | 2 }[]>;
  export(container: string, signal: AbortSignal): Promise<Readable>;
  commit(
    container: string,
    options: {
      repository?: string;
      tag?: string;
      comment: string;
      author: string;
      pause: boolean;
      changes: string[];
      config?: ContainerCreateRequest;
    },
    signal: AbortSignal,
  ): Promise<{ Id: string }>;
  /** GET/PUT/HEAD /containers/{id}/archive. `stat` is the value of X-Docker-Container-Path-Stat before base64. */
  archiveStat(container: string, path: string): Promise<unknown>;
  archiveGet(container: string, path: string, signal: AbortSignal): Promise<{ stat: unknown; body: Readable }>;
  archivePut(
    container: string,
    path: string,
    body: Readable,
    options: { noOverwriteDirNonDir: boolean; copyUidGid: boolean },
    signal: AbortSignal,
  ): Promise<void>;
  /** POST /networks/{id}/connect and disconnect, for running and stopped containers. */
  connectNetwork(container: string, network: string, settings: EndpointSettings): Promise<void>;
  disconnectNetwork(container: string, network: string, force: boolean): Promise<void>;
  counts(): { total: number; running: number; paused: number; stopped: number };

  /** For the statistics: all that run. */
  usages(): Promise<Usage[]>;
  /**
   * What is said of a container outside. `restorable`: it could come back from the bin. @throws Failure notFound
   */
  locate(container: string): { id: string; folder: string; name: string; image: string; chain: string[]; restorable: boolean };
  /** Bytes that its removal frees; with its anonymous volumes if they go with it. */
  weigh(container: string, options: { volumes: boolean }): Promise<number>;
  /** From a folder that a removal with `bin` filled. @throws Failure conflict when its name is taken */
  restore(folder: string, name: string | undefined): Promise<{ id: string; warnings: string[] }>;

  execs: Execs;
}
