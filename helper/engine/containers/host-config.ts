import type { HostConfig, PortMap } from '../../contract/docker/index.ts';
import type { DaemonConfig } from '../context.ts';
import { MASKED_PATHS, READONLY_PATHS } from './spec/defaults.ts';

/**
 * A host config with every field filled as dockerd fills it, in its order: what is stored and what inspect shows.
 * Pure; `cgroupVersion` decides the default cgroup namespace.
 */
export function completeHostConfig(given: HostConfig, config: DaemonConfig, cgroupVersion: 1 | 2): HostConfig {
  const privileged = given.Privileged ?? false;
  const memory = given.Memory ?? 0;
  // As dockerd: without a swap limit a container may swap as much as it may use memory.
  const swap = memory > 0 && !given.MemorySwap ? memory * 2 : (given.MemorySwap ?? 0);
  const unlabelled = privileged || given.IpcMode === 'host' || given.PidMode === 'host';
  const hasLabel = (given.SecurityOpt ?? []).some((option) => option.startsWith('label'));
  const securityOpt = [...(given.SecurityOpt ?? []), ...(unlabelled && !hasLabel ? ['label=disable'] : [])];
  return {
    Binds: given.Binds ?? null,
    ContainerIDFile: given.ContainerIDFile ?? '',
    LogConfig: logConfig(given, config),
    NetworkMode: !given.NetworkMode || given.NetworkMode === 'default' ? 'bridge' : given.NetworkMode,
    PortBindings: portBindings(given.PortBindings ?? {}),
    RestartPolicy: {
      Name: given.RestartPolicy?.Name || 'no',
      MaximumRetryCount: given.RestartPolicy?.MaximumRetryCount ?? 0,
    },
    AutoRemove: given.AutoRemove ?? false,
    VolumeDriver: given.VolumeDriver ?? '',
    VolumesFrom: given.VolumesFrom ?? null,
    ConsoleSize: given.ConsoleSize ?? [0, 0],
    ...(given.Annotations ? { Annotations: given.Annotations } : {}),
    CapAdd: given.CapAdd ?? null,
    CapDrop: given.CapDrop ?? null,
    CgroupnsMode:
      given.CgroupnsMode ||
      (cgroupVersion === 1 && privileged ? 'host' : (config.cgroupnsMode ?? (cgroupVersion === 2 ? 'private' : 'host'))),
    Dns: given.Dns ?? [],
    DnsOptions: given.DnsOptions ?? [],
    DnsSearch: given.DnsSearch ?? [],
    ExtraHosts: given.ExtraHosts ?? null,
    GroupAdd: given.GroupAdd ?? null,
    IpcMode: given.IpcMode || config.ipcMode,
    Cgroup: given.Cgroup ?? '',
    Links: given.Links ?? null,
    OomScoreAdj: given.OomScoreAdj ?? 0,
    PidMode: given.PidMode ?? '',
    Privileged: privileged,
    PublishAllPorts: given.PublishAllPorts ?? false,
    ReadonlyRootfs: given.ReadonlyRootfs ?? false,
    SecurityOpt: securityOpt.length ? securityOpt : null,
    ...(given.StorageOpt ? { StorageOpt: given.StorageOpt } : {}),
    ...(given.Tmpfs ? { Tmpfs: given.Tmpfs } : {}),
    UTSMode: given.UTSMode ?? '',
    UsernsMode: given.UsernsMode ?? '',
    ShmSize: given.ShmSize || config.defaultShmSize,
    ...(given.Sysctls ? { Sysctls: given.Sysctls } : {}),
    Runtime: given.Runtime || config.defaultRuntime,
    Isolation: given.Isolation ?? '',
    CpuShares: given.CpuShares ?? 0,
    Memory: memory,
    NanoCpus: given.NanoCpus ?? 0,
    CgroupParent: given.CgroupParent || config.cgroupParent,
    BlkioWeight: given.BlkioWeight ?? 0,
    BlkioWeightDevice: given.BlkioWeightDevice ?? null,
    BlkioDeviceReadBps: given.BlkioDeviceReadBps ?? null,
    BlkioDeviceWriteBps: given.BlkioDeviceWriteBps ?? null,
    BlkioDeviceReadIOps: given.BlkioDeviceReadIOps ?? null,
    BlkioDeviceWriteIOps: given.BlkioDeviceWriteIOps ?? null,
    CpuPeriod: given.CpuPeriod ?? 0,
    CpuQuota: given.CpuQuota ?? 0,
    CpuRealtimePeriod: given.CpuRealtimePeriod ?? 0,
    CpuRealtimeRuntime: given.CpuRealtimeRuntime ?? 0,
    CpusetCpus: given.CpusetCpus ?? '',
    CpusetMems: given.CpusetMems ?? '',
    Devices: given.Devices ?? null,
    DeviceCgroupRules: given.DeviceCgroupRules ?? null,
    DeviceRequests: given.DeviceRequests ?? null,
    ...(given.KernelMemory ? { KernelMemory: given.KernelMemory } : {}),
    ...(given.KernelMemoryTCP ? { KernelMemoryTCP: given.KernelMemoryTCP } : {}),
    MemoryReservation: given.MemoryReservation ?? 0,
    MemorySwap: swap,
    // -1 is how old clients say "not set".
    MemorySwappiness: given.MemorySwappiness === -1 ? null : (given.MemorySwappiness ?? null),
    OomKillDisable: given.OomKillDisable ?? false,
    PidsLimit: given.PidsLimit ?? null,
    Ulimits: ulimits(given, config),
    CpuCount: given.CpuCount ?? 0,
    CpuPercent: given.CpuPercent ?? 0,
    IOMaximumIOps: given.IOMaximumIOps ?? 0,
    IOMaximumBandwidth: given.IOMaximumBandwidth ?? 0,
    ...(given.Mounts?.length ? { Mounts: given.Mounts } : {}),
    MaskedPaths: given.MaskedPaths ?? (privileged ? null : [...MASKED_PATHS]),
    ReadonlyPaths: given.ReadonlyPaths ?? (privileged ? null : [...READONLY_PATHS]),
    ...(given.Init === undefined || given.Init === null ? {} : { Init: given.Init }),
  };
}

function logConfig(given: HostConfig, config: DaemonConfig): { Type: string; Config: Record<string, string> } {
  const type = given.LogConfig?.Type || config.logDriver;
  const own = given.LogConfig?.Config ?? {};
  // The engine's own options are for its own driver only.
  return { Type: type, Config: type === config.logDriver ? { ...config.logOpts, ...own } : own };
}

/** Both fields, whatever the client has left out. */
function portBindings(given: PortMap): PortMap {
  return Object.fromEntries(
    Object.entries(given).map(([port, list]) => [
      port,
      list?.map(({ HostIp, HostPort }) => ({ HostIp: HostIp ?? '', HostPort: HostPort ?? '' })) ?? null,
    ]),
  );
}

function ulimits(given: HostConfig, config: DaemonConfig): HostConfig['Ulimits'] {
  const own = given.Ulimits ?? [];
  const named = new Set(own.map((limit) => limit.Name));
  const all = [...own, ...Object.values(config.defaultUlimits).filter((limit) => !named.has(limit.Name))];
  return given.Ulimits || all.length > 0 ? all : null;
}
