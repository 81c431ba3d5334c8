/**
 * The OCI runtime (crun; runc where crun can't), and the parts of its config.json that we write.
 * Source: OCI runtime-spec 1.0.2 config.md, config-linux.md.
 */
export interface Runtime {
  /** As containers ask for it. */
  name: string;
  /** Whose ways it has: crun's own short cuts are for crun alone. */
  family: 'crun' | 'runc';
  /** Put before the command, at each call. */
  args: readonly string[];
  version: string;
  /** The installed program. */
  path: string;
  /** What to start: the same, in a form that starts faster. */
  executable: string;
  state(id: string): Promise<
    | {
        status: 'creating' | 'created' | 'running' | 'stopped' | 'paused';
        pid: number;
      }
    | undefined
  >;
  /** Whether the container's first process is this one, and has not ended. Starts the runtime only where its record does not say. */
  runs(id: string, pid: number): Promise<boolean>;
  /** Sends a signal by number; to all processes of the cgroup with `all`. Resolves also when it is gone already. */
  kill(id: string, signal: number, all?: boolean): Promise<void>;
  delete(id: string, force?: boolean): Promise<void>;
  /**
   * As `delete` for a container whose processes have all ended, without starting the runtime; the cgroup is the caller's to remove.
   * @returns false when it still runs or only the runtime can do it
   */
  forget(id: string): Promise<boolean>;
  /** Takes away the runtime's record of a container, whatever is in it. Its processes and its cgroup are the caller's. */
  discard(id: string): Promise<void>;
  list(): Promise<string[]>;
  updateResources(id: string, resources: LinuxResources): Promise<void>;
}

export interface ProcessSpec {
  terminal: boolean;
  consoleSize?: { height: number; width: number };
  user: { uid: number; gid: number; additionalGids?: number[]; umask?: number };
  args: string[];
  env: string[];
  cwd: string;
  capabilities?: {
    bounding: string[];
    effective: string[];
    permitted: string[];
    inheritable: string[];
    ambient: string[];
  };
  rlimits?: { type: string; soft: number; hard: number }[];
  noNewPrivileges?: boolean;
  apparmorProfile?: string;
  selinuxLabel?: string;
  oomScoreAdj?: number;
}

export interface MountSpec {
  destination: string;
  type: string;
  source: string;
  options: string[];
}

export interface LinuxResources {
  devices?: {
    allow: boolean;
    type?: string;
    major?: number;
    minor?: number;
    access?: string;
  }[];
  memory?: {
    limit?: number;
    reservation?: number;
    swap?: number;
    swappiness?: number;
    disableOOMKiller?: boolean;
  };
  cpu?: {
    shares?: number;
    quota?: number;
    period?: number;
    realtimeRuntime?: number;
    realtimePeriod?: number;
    cpus?: string;
    mems?: string;
  };
  pids?: { limit: number };
  blockIO?: Record<string, unknown>;
  hugepageLimits?: { pageSize: string; limit: number }[];
  unified?: Record<string, string>;
}

export interface RuntimeSpec {
  ociVersion: string;
  process: ProcessSpec;
  root: { path: string; readonly: boolean };
  hostname?: string;
  domainname?: string;
  mounts: MountSpec[];
  annotations?: Record<string, string>;
  hooks?: Record<string, unknown>;
  linux: {
    namespaces: {
      type: 'pid' | 'network' | 'ipc' | 'uts' | 'mount' | 'user' | 'cgroup' | 'time';
      path?: string;
    }[];
    uidMappings?: { containerID: number; hostID: number; size: number }[];
    gidMappings?: { containerID: number; hostID: number; size: number }[];
    devices: {
      type: 'c' | 'b' | 'p';
      path: string;
      major: number;
      minor: number;
      fileMode?: number;
      uid?: number;
      gid?: number;
    }[];
    cgroupsPath: string;
    resources: LinuxResources;
    rootfsPropagation?: string;
    seccomp?: Record<string, unknown>;
    sysctl?: Record<string, string>;
    maskedPaths: string[];
    readonlyPaths: string[];
    mountLabel?: string;
    intelRdt?: Record<string, unknown>;
  };
}
