import { promises as fs } from 'node:fs';
import os from 'node:os';
import type { SystemInfo } from '../../contract/docker/index.ts';
import type { Cgroups } from '../../system/cgroup/types.ts';
import type { DaemonConfig, EngineContext } from '../context.ts';
import { nowInstant } from '../instant.ts';
import { fileSystemName, forwardsIPv4, hasAppArmor, hasSeccomp, machine, operatingSystem, totalMemory } from './host.ts';
import type { Component } from './types.ts';

/** What info is put together from. */
export interface InfoSources {
  context: EngineContext;
  serverVersion: string;
  id: string;
  cgroups: Pick<Cgroups, 'version' | 'features'>;
  runtimes: readonly { name: string; version: string; path: string; args: readonly string[] }[];
  components: readonly Component[];
  logDrivers: readonly string[];
  counts: { total: number; running: number; paused: number; stopped: number };
  images: number;
  eventListeners: number;
  warnings: readonly string[];
  discovered: { devices: { Source: string; ID: string }[]; warnings: string[] };
}

/** `GET /info`, complete as dockerd answers it at API 1.50. */
export async function systemInfo(sources: InfoSources): Promise<SystemInfo> {
  const { context, counts, cgroups } = sources;
  const { config, paths } = context;
  const system = operatingSystem();
  const limits = limitsOf(cgroups);
  const warnings = [
    ...sources.warnings,
    ...limits.warnings,
    ...(forwardsIPv4() ? [] : ['WARNING: IPv4 forwarding is disabled']),
    ...(config.seccompProfile && hasSeccomp() ? ['WARNING: daemon is not using the default seccomp profile'] : []),
    ...sources.discovered.warnings,
  ];
  const runtime = sources.runtimes.find(({ name }) => name === config.defaultRuntime) ?? sources.runtimes[0];
  return {
    ID: sources.id,
    Containers: counts.total,
    ContainersRunning: counts.running,
    ContainersPaused: counts.paused,
    ContainersStopped: counts.stopped,
    Images: sources.images,
    Driver: 'overlay2',
    DriverStatus: await driverStatus(paths.data),
    Plugins: {
      Volume: ['local'],
      Network: ['bridge', 'host', 'ipvlan', 'macvlan', 'null'],
      Authorization: null,
      Log: [...sources.logDrivers],
    },
    ...limits.fields,
    IPv4Forwarding: forwardsIPv4(),
    Debug: config.debug,
    NFd: await countOf('/proc/self/fd'),
    // What keeps Node busy is the nearest to Go's goroutines.
    NGoroutines: process.getActiveResourcesInfo().length,
    SystemTime: nowInstant(),
    LoggingDriver: config.logDriver,
    CgroupDriver: 'cgroupfs',
    CgroupVersion: String(cgroups.version),
    NEventsListener: sources.eventListeners,
    KernelVersion: os.release(),
    OperatingSystem: system.name,
    OSVersion: system.version,
    OSType: 'linux',
    Architecture: machine(),
    IndexServerAddress: 'https://index.docker.io/v1/',
    RegistryConfig: registryConfig(context),
    NCPU: os.cpus().length,
    MemTotal: totalMemory(),
    GenericResources: null,
    DockerRootDir: paths.data,
    HttpProxy: proxy('HTTP_PROXY'),
    HttpsProxy: proxy('HTTPS_PROXY'),
    NoProxy: proxy('NO_PROXY'),
    Name: os.hostname(),
    Labels: config.labels,
    ExperimentalBuild: config.experimental,
    ServerVersion: sources.serverVersion,
    Runtimes: Object.fromEntries(
      sources.runtimes.map(({ name, path, args }) => [name, { path, ...(args.length ? { runtimeArgs: args } : {}) }]),
    ),
    DefaultRuntime: runtime?.name ?? config.defaultRuntime,
    Swarm: { NodeID: '', NodeAddr: '', LocalNodeState: 'inactive', ControlAvailable: false, Error: '', RemoteManagers: null },
    LiveRestoreEnabled: config.liveRestore,
    Isolation: '',
    InitBinary: 'docker-init',
    ContainerdCommit: { ID: '' },
    RuncCommit: { ID: runtime?.version ?? '' },
    InitCommit: { ID: '' },
    SecurityOptions: securityOptions(cgroups.version, config),
    ...(config.defaultAddressPools.length
      ? { DefaultAddressPools: config.defaultAddressPools.map(({ base, size }) => ({ Base: base, Size: size })) }
      : {}),
    CDISpecDirs: config.cdiSpecDirs ?? [],
    DiscoveredDevices: sources.discovered.devices,
    FirewallBackend: { Driver: 'nftables' },
    Warnings: warnings.length ? warnings : null,
  };
}

function limitsOf(cgroups: Pick<Cgroups, 'version' | 'features'>): { fields: Record<string, boolean>; warnings: string[] } {
  const features = cgroups.features();
  const missing: [boolean, string][] = [
    [features.memory, 'memory limit'],
    [features.swap, 'swap limit'],
    [features.oomKillDisable || cgroups.version === 2, 'oom kill disable'],
    [features.cpuCfs, 'cpu cfs quota'],
    [features.cpuCfs, 'cpu cfs period'],
    [features.cpuShares, 'cpu shares'],
    [features.cpuset, 'cpuset'],
  ];
  return {
    fields: {
      MemoryLimit: features.memory,
      SwapLimit: features.swap,
      ...(features.kernelMemory ? { KernelMemory: true } : {}),
      ...(features.kernelMemoryTcp ? { KernelMemoryTCP: true } : {}),
      CpuCfsPeriod: features.cpuCfs,
      CpuCfsQuota: features.cpuCfs,
      CPUShares: features.cpuShares,
      CPUSet: features.cpuset,
      PidsLimit: features.pids,
      OomKillDisable: features.oomKillDisable,
    },
    warnings: missing.filter(([present]) => !present).map(([, what]) => `WARNING: No ${what} support`),
  };
}

function securityOptions(cgroupVersion: 1 | 2, config: DaemonConfig): string[] {
  const profile = config.seccompProfile === undefined ? 'builtin' : config.seccompProfile.name;
  return [
    ...(hasAppArmor() ? ['name=apparmor'] : []),
    ...(hasSeccomp() ? [`name=seccomp,profile=${profile}`] : []),
    ...(cgroupVersion === 2 ? ['name=cgroupns'] : []),
    ...(config.noNewPrivileges ? ['name=no-new-privileges'] : []),
  ];
}

function registryConfig({ config }: EngineContext) {
  const cidrs = config.insecureRegistries.filter((entry) => /^[0-9a-f.:]+\/\d+$/i.test(entry));
  const hosts = config.insecureRegistries.filter((entry) => !cidrs.includes(entry));
  const mirrors = config.registryMirrors.map((mirror) => mirror.replace(/\/*$/, '/'));
  const index = (name: string, secure: boolean, mirrors: string[]) => ({
    Name: name,
    Mirrors: mirrors,
    Secure: secure,
    Official: name === 'docker.io',
  });
  return {
    InsecureRegistryCIDRs: [...new Set(['::1/128', '127.0.0.0/8', ...cidrs])],
    IndexConfigs: Object.fromEntries([
      ['docker.io', index('docker.io', true, mirrors)],
      ...hosts.map((host) => [host, index(host, false, [])]),
    ]),
    Mirrors: mirrors,
  };
}

async function driverStatus(folder: string): Promise<[string, string][]> {
  const type = await fs.statfs(folder).then(
    (status) => Number(status.type),
    () => 0,
  );
  return [
    ['Backing Filesystem', fileSystemName(type)],
    ['Supports d_type', 'true'],
    ['Using metacopy', 'false'],
    ['Native Overlay Diff', 'true'],
    ['userxattr', 'false'],
  ];
}

/** Credentials in a proxy's address are nobody's business. */
function proxy(name: string): string {
  const value = process.env[name] ?? process.env[name.toLowerCase()] ?? '';
  return value.replace(/\/\/[^@/]*@/, '//xxxxx:xxxxx@');
}

async function countOf(folder: string): Promise<number> {
  return fs.readdir(folder).then(
    (names) => names.length,
    () => -1,
  );
}
