/** One contract for cgroup v1 (hybrid too) and v2. Paths are the container's `cgroupsPath` as written in its spec. */
export interface Cgroups {
  version: 1 | 2;
  /** Where a container's group lies: `/<parent>/<id>`. */
  path(id: string, parent?: string): string;
  freeze(cgroupsPath: string): Promise<void>;
  thaw(cgroupsPath: string): Promise<void>;
  /** Raw counters in the units of the Docker API stats. Undefined when the group is gone. */
  stats(cgroupsPath: string): Promise<CgroupStats | undefined>;
  pids(cgroupsPath: string): Promise<number[]>;
  /** Whether the kernel killed a process of the group for want of memory (counter since creation). */
  oomKills(cgroupsPath: string): Promise<number>;
  /**
   * Says each time that the group has no memory left: a process of it was killed or, with the OOM killer disabled (v1), waits.
   * Undefined where memory is not controlled. @throws when the group is gone, or the kernel watches no more
   */
  watchOom(cgroupsPath: string, heard: () => void): OomWatch | undefined;
  /** SIGKILL for all processes of a group and below, until there are none. @throws when some do not end */
  kill(cgroupsPath: string): Promise<void>;
  /** Removes what is left of a group after its processes are gone. */
  remove(cgroupsPath: string): Promise<void>;
  /** Removes groups of the instance that are no container's in `keep`: a removal that was cut off has left them. */
  removeStrays(keep: ReadonlySet<string>): Promise<void>;
  /** Removes the instance's own group, unless there are others in it. The next container makes it again. */
  removeOwn(): Promise<void>;
  /** Which limits this host can enforce, for `GET /info` and for warnings at create. */
  features(): {
    memory: boolean;
    swap: boolean;
    kernelMemory: boolean;
    kernelMemoryTcp: boolean;
    oomKillDisable: boolean;
    cpuShares: boolean;
    cpuCfs: boolean;
    cpuset: boolean;
    pids: boolean;
    blkio: boolean;
    /** Shares of a disk, which the kernel has only with some I/O schedulers. */
    blkioWeight: boolean;
    /** The same for one disk of several. */
    blkioWeightDevice: boolean;
  };
}

export interface OomWatch {
  /** Ends it. What came and was not heard yet is heard before it returns. */
  close(): void;
}

export interface CgroupStats {
  cpu: {
    totalNanos: number;
    userNanos: number;
    systemNanos: number;
    perCpuNanos: number[];
    periods: number;
    throttledPeriods: number;
    throttledNanos: number;
  };
  memory: {
    usage: number;
    maxUsage: number;
    limit: number;
    failcnt: number;
    stats: Record<string, number>;
  };
  pids: { current: number; limit: number };
  blkio: {
    op: string;
    major: number;
    minor: number;
    value: number;
    kind: 'bytes' | 'ios';
  }[];
}
