import { readFileSync } from 'node:fs';
import type { HostConfig, Resources } from '../../contract/docker/index.ts';
import type { Cgroups } from '../../system/cgroup/types.ts';
import { processors } from '../../system/process/processors.ts';
import { Failure } from '../failure.ts';

/** Docker's smallest memory limit: below it a container can't even start. */
const MIN_MEMORY_BYTES = 6 * 1024 * 1024;

export type Features = ReturnType<Cgroups['features']>;

/** What this host has to share out. */
export interface HostCapacity {
  cpus: number;
  /** As the kernel writes them: `0-3`. */
  onlineCpus: string;
  onlineMems: string;
}

function readLine(file: string, fallback: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return fallback;
  }
}

export function hostCapacity(): HostCapacity {
  const cpus = processors();
  return {
    cpus,
    onlineCpus: readLine('/sys/devices/system/cpu/online', `0-${cpus - 1}`),
    onlineMems: readLine('/sys/devices/system/node/online', '0'),
  };
}

/** `0-2,4` → the set; undefined when it is not a list. */
export function parseCpuList(text: string): Set<number> | undefined {
  const list = new Set<number>();
  if (text === '') return list;
  for (const part of text.split(',')) {
    const range = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
    if (!range) return undefined;
    const last = Number(range[2] ?? range[1]);
    if (last < Number(range[1])) return undefined;
    for (let cpu = Number(range[1]); cpu <= last; cpu += 1) list.add(cpu);
  }
  return list;
}

const invalid = (message: string): Failure => new Failure('invalidParameter', message);

function checkSet(wanted: string, available: string, what: 'cpus' | 'mems', noun: string): void {
  if (!wanted) return;
  const list = parseCpuList(wanted);
  if (!list) throw invalid(`Invalid value ${wanted} for cpuset ${what}: invalid format: ${wanted}`);
  const have = parseCpuList(available);
  if (![...list].every((item) => have?.has(item))) {
    throw invalid(`Requested ${noun} are not available - requested ${wanted}, available: ${available}`);
  }
}

const NO_SUPPORT = 'or the cgroup is not mounted.';

/**
 * Checks limits against each other and against what the host can do. What it can't is taken out of `limits` (changed in place)
 * and said in a warning, as dockerd does. Pure apart from that.
 * @returns warnings
 * @throws Failure invalidParameter
 */
export function validateResources(limits: Resources, features: Features, capacity: HostCapacity, update: boolean): string[] {
  const warnings: string[] = [];
  const memory = limits.Memory ?? 0;
  if (limits.MemorySwappiness === -1) limits.MemorySwappiness = null;

  if (memory !== 0 && memory < MIN_MEMORY_BYTES) throw invalid('Minimum memory limit allowed is 6MB');
  if (memory > 0 && !features.memory) {
    warnings.push(`Your kernel does not support memory limit capabilities ${NO_SUPPORT} Limitation discarded.`);
    limits.Memory = 0;
    limits.MemorySwap = -1;
  }
  if ((limits.Memory ?? 0) > 0 && limits.MemorySwap !== -1 && !features.swap) {
    warnings.push(`Your kernel does not support swap limit capabilities ${NO_SUPPORT} Memory limited without swap.`);
    limits.MemorySwap = -1;
  }
  const swap = limits.MemorySwap ?? 0;
  if ((limits.Memory ?? 0) > 0 && swap > 0 && swap < (limits.Memory ?? 0)) {
    throw invalid('Minimum memoryswap limit should be larger than memory limit, see usage');
  }
  if ((limits.Memory ?? 0) === 0 && swap > 0 && !update) {
    throw invalid('You should always set the Memory limit when using Memoryswap limit, see usage');
  }
  const swappiness = limits.MemorySwappiness;
  if (swappiness !== undefined && swappiness !== null) {
    if (!features.memory) {
      warnings.push(`Your kernel does not support memory swappiness capabilities ${NO_SUPPORT} Memory swappiness discarded.`);
      limits.MemorySwappiness = null;
    } else if (swappiness < 0 || swappiness > 100) {
      throw invalid(`Invalid value: ${swappiness}, valid memory swappiness range is 0-100`);
    }
  }
  const reservation = limits.MemoryReservation ?? 0;
  if (reservation > 0) {
    if (!features.memory) {
      warnings.push(`Your kernel does not support memory soft limit capabilities ${NO_SUPPORT} Limitation discarded.`);
      limits.MemoryReservation = 0;
    } else if (reservation < MIN_MEMORY_BYTES) throw invalid('Minimum memory reservation allowed is 6MB');
    else if ((limits.Memory ?? 0) > 0 && (limits.Memory ?? 0) < reservation) {
      throw invalid('Minimum memory limit can not be less than memory reservation limit, see usage');
    }
  }
  if ((limits.KernelMemory ?? 0) > 0) {
    if (!features.kernelMemory) {
      warnings.push(`Your kernel does not support kernel memory limit capabilities ${NO_SUPPORT} Limitation discarded.`);
      delete limits.KernelMemory;
    } else if ((limits.KernelMemory ?? 0) < MIN_MEMORY_BYTES) throw invalid('Minimum kernel memory limit allowed is 6MB');
  }
  if (limits.OomKillDisable && !features.oomKillDisable) {
    warnings.push('Your kernel does not support OomKillDisable. OomKillDisable discarded.');
    limits.OomKillDisable = null;
  }
  if (limits.OomKillDisable && (limits.Memory ?? 0) === 0) {
    warnings.push(
      'OOM killer is disabled for the container, but no memory limit is set, this can result in the system running out of resources.',
    );
  }
  if ((limits.PidsLimit ?? 0) !== 0 && !features.pids) {
    if ((limits.PidsLimit ?? 0) > 0) {
      warnings.push(`Your kernel does not support PIDs limit capabilities ${NO_SUPPORT} PIDs limit discarded.`);
    }
    limits.PidsLimit = null;
  }
  warnings.push(...validateCpu(limits, features, capacity));
  warnings.push(...validateBlockIo(limits, features));
  return warnings;
}

function validateCpu(limits: Resources, features: Features, capacity: HostCapacity): string[] {
  const warnings: string[] = [];
  const nano = limits.NanoCpus ?? 0;
  if (nano > 0 && (limits.CpuPeriod ?? 0) > 0) throw invalid('Conflicting options: Nano CPUs and CPU Period cannot both be set');
  if (nano > 0 && (limits.CpuQuota ?? 0) > 0) throw invalid('Conflicting options: Nano CPUs and CPU Quota cannot both be set');
  if (nano > 0 && !features.cpuCfs) {
    throw invalid('NanoCPUs can not be set, as your kernel does not support CPU CFS scheduler or the cgroup is not mounted');
  }
  if (nano !== 0 && (nano < 0 || nano > capacity.cpus * 1e9)) {
    throw invalid(`range of CPUs is from 0.01 to ${capacity.cpus}.00, as there are only ${capacity.cpus} CPUs available`);
  }
  const shares = limits.CpuShares ?? 0;
  if (shares < 0) throw invalid(`invalid CPU shares (${shares}): value must be a positive integer`);
  if (shares > 0 && !features.cpuShares) {
    warnings.push(`Your kernel does not support CPU shares ${NO_SUPPORT} Shares discarded.`);
    limits.CpuShares = 0;
  }
  if (((limits.CpuPeriod ?? 0) !== 0 || (limits.CpuQuota ?? 0) !== 0) && !features.cpuCfs) {
    warnings.push('Your kernel does not support CPU CFS scheduler. CPU period/quota discarded.');
    limits.CpuPeriod = 0;
    limits.CpuQuota = 0;
  }
  const period = limits.CpuPeriod ?? 0;
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    throw invalid('CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)');
  }
  const quota = limits.CpuQuota ?? 0;
  if (quota > 0 && quota < 1000) throw invalid('CPU cfs quota can not be less than 1ms (i.e. 1000)');
  if ((limits.CpuPercent ?? 0) > 0) {
    warnings.push('linux does not support CPU percent. Percent discarded.');
    limits.CpuPercent = 0;
  }
  const realTimePeriod = limits.CpuRealtimePeriod ?? 0;
  const realTimeRuntime = limits.CpuRealtimeRuntime ?? 0;
  if (realTimePeriod !== 0 && realTimeRuntime !== 0 && realTimeRuntime > realTimePeriod) {
    throw invalid('cpu real-time runtime cannot be higher than cpu real-time period');
  }
  if ((limits.CpusetCpus || limits.CpusetMems) && !features.cpuset) {
    warnings.push(`Your kernel does not support cpuset ${NO_SUPPORT} Cpuset discarded.`);
    limits.CpusetCpus = '';
    limits.CpusetMems = '';
  }
  checkSet(limits.CpusetCpus ?? '', capacity.onlineCpus, 'cpus', 'CPUs');
  checkSet(limits.CpusetMems ?? '', capacity.onlineMems, 'mems', 'memory nodes');
  return warnings;
}

function validateBlockIo(limits: Resources, features: Features): string[] {
  const warnings: string[] = [];
  const weight = limits.BlkioWeight ?? 0;
  if (weight > 0 && !features.blkioWeight) {
    warnings.push(`Your kernel does not support Block I/O weight ${NO_SUPPORT} Weight discarded.`);
    limits.BlkioWeight = 0;
  } else if (weight !== 0 && (weight < 10 || weight > 1000)) throw invalid('Range of blkio weight is from 10 to 1000');
  if ((limits.IOMaximumBandwidth ?? 0) !== 0 || (limits.IOMaximumIOps ?? 0) !== 0) {
    throw invalid('Invalid QoS settings: linux does not support Maximum IO Bandwidth or Maximum IO IOps');
  }
  const { blkio, blkioWeightDevice } = features;
  const fields: [keyof Resources, boolean, string, string][] = [
    ['BlkioWeightDevice', blkioWeightDevice, 'Block I/O weight_device', 'Weight-device'],
    ['BlkioDeviceReadBps', blkio, 'BPS Block I/O read limit', 'Block I/O BPS read limit'],
    ['BlkioDeviceWriteBps', blkio, 'BPS Block I/O write limit', 'Block I/O BPS write limit'],
    ['BlkioDeviceReadIOps', blkio, 'IOPS Block read limit', 'Block I/O IOPS read limit'],
    ['BlkioDeviceWriteIOps', blkio, 'IOPS Block write limit', 'Block I/O IOPS write limit'],
  ];
  for (const [field, supported, what, noun] of fields) {
    if (supported || !(limits[field] as unknown[] | null | undefined)?.length) continue;
    warnings.push(`Your kernel does not support ${what} ${NO_SUPPORT} ${noun} discarded.`);
    Object.assign(limits, { [field]: [] });
  }
  return warnings;
}

/** A new container runs on a host whose kernel does not forward: dockerd says so. */
export function forwardingWarning(host: HostConfig): string[] {
  const mode = host.NetworkMode ?? '';
  if (mode === 'host' || mode === 'none' || mode.startsWith('container:')) return [];
  return readLine('/proc/sys/net/ipv4/ip_forward', '1') === '0' ? ['IPv4 forwarding is disabled. Networking will not work.'] : [];
}
