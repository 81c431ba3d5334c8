import type { ContainerConfig, EndpointSettings, Health, HostConfig } from '../../contract/docker/index.ts';
import type { Sandbox, SandboxRequest } from '../networks/types.ts';
import type { StopRequest } from '../stops/types.ts';
import type { MountRecord } from './mount-parse.ts';
import type { State } from './state.ts';
import type { WaitCondition } from './types.ts';

/** What is stored of a container. Plain data; `schema` counts changes of shape. */
export interface ContainerRecord {
  schema: 1;
  id: string;
  /** Without the slash that the API puts before it. */
  name: string;
  created: string;
  path: string;
  args: string[];
  config: ContainerConfig;
  hostConfig: HostConfig;
  /** `sha256:…` */
  imageId: string;
  /** What the user called it. */
  imageRef: string;
  os: string;
  /** Layers of the rootfs, base first. */
  chain: string[];
  mounts: MountRecord[];
  /** Networks to join at start, by name, as asked for. */
  endpoints: Record<string, EndpointSettings>;
  /** Restarts by the policy. */
  restartCount: number;
  /** The delay before the current run, when the policy started it. */
  lastDelayMs: number;
  /** A user asked for the end of the last run. */
  stoppedByUser: boolean;
  everStarted: boolean;
  state: State;
  /** While it runs. */
  network: { request: SandboxRequest | undefined; sandbox: Sandbox } | undefined;
  apparmorProfile: string;
  /** Of the boot that `state` belongs to. */
  bootId: string;
}

export interface Waiter {
  condition: WaitCondition;
  resolve(result: { StatusCode: number; Error?: { Message: string } }): void;
}

/** A client that attached before the start. */
export interface Attachment {
  connect(): Promise<void>;
  /** The start failed, or the container is gone. */
  cancel(): void;
}

/** What is known only while the helper lives. */
export interface Live {
  waiters: Set<Waiter>;
  /** Runs when the process was created and before it starts: attached clients connect here, so that no byte is lost. */
  beforeStart: Set<Attachment>;
  restartTimer: NodeJS.Timeout | undefined;
  /** A start that is under way; settles with it and never rejects. */
  starting: Promise<unknown> | undefined;
  /** Who needs the rootfs mounted, and the mounting. */
  rootfsHolders: Set<string>;
  rootfs: Promise<void> | undefined;
  /** The last unmounting: whoever mounts it again, or deletes what it was made of, waits for it. */
  rootfsGone: Promise<void> | undefined;
  /** A restart is under way: the exit in its midst must not remove the container. */
  restarting: boolean;
  health: Health | undefined;
  stopHealth: (() => void) | undefined;
  stopRotation: (() => void) | undefined;
  stopOomWatch: (() => void) | undefined;
  /** When it was last heard to be without memory. */
  oomAt: string | undefined;
  /** Who asked for the end of this run. */
  stopRequest: StopRequest | undefined;
  /** Made anew when the container changed. */
  summary: unknown;
  /** Clients hear from it when the container is removed. */
  removed: AbortController;
  /** The durable write that is due. */
  saveTimer: NodeJS.Timeout | undefined;
  removing: boolean;
}

export interface Container extends ContainerRecord {
  live: Live;
}

export function enliven(record: ContainerRecord): Container {
  return {
    ...record,
    live: {
      waiters: new Set(),
      beforeStart: new Set(),
      restartTimer: undefined,
      starting: undefined,
      rootfsHolders: new Set(),
      rootfs: undefined,
      rootfsGone: undefined,
      restarting: false,
      health: undefined,
      stopHealth: undefined,
      stopRotation: undefined,
      stopOomWatch: undefined,
      oomAt: undefined,
      stopRequest: undefined,
      summary: undefined,
      removed: new AbortController(),
      saveTimer: undefined,
      removing: false,
    },
  };
}

export function recordOf(container: Container): ContainerRecord {
  const { live: _, ...record } = container;
  return record;
}

/** The container whose network (`container:ID`), processes or IPC are shared; undefined for other modes. */
export function sharedWith(mode: string | undefined): string | undefined {
  return mode?.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}
