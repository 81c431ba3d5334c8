import { promises as fs } from 'node:fs';
import type { Resources, ThrottleDevice, Ulimit } from '../../../contract/docker/index.ts';
import type { LinuxResources, ProcessSpec } from '../../../system/runtime/types.ts';
import { majorMinor } from '../../devices/index.ts';
import { Failure, messageOf } from '../../failure.ts';
import type { Look } from './devices.ts';

const CFS_PERIOD_US = 100_000;

/** `swap: false`: the host can't limit it, and writing the file would fail. */
export interface ResourceAbilities {
  swap: boolean;
}

/** Limits as the runtime wants them, without block devices (see blockIo) and the device list. Pure. */
export function linuxResources(limits: Resources, abilities: ResourceAbilities): LinuxResources {
  const result: LinuxResources = {};
  const memory: NonNullable<LinuxResources['memory']> = {};
  if ((limits.Memory ?? 0) > 0) memory.limit = limits.Memory;
  if ((limits.MemoryReservation ?? 0) > 0) memory.reservation = limits.MemoryReservation;
  if ((limits.MemorySwap ?? 0) !== 0 && abilities.swap) memory.swap = limits.MemorySwap;
  if (limits.MemorySwappiness !== undefined && limits.MemorySwappiness !== null) memory.swappiness = limits.MemorySwappiness;
  if (limits.OomKillDisable) memory.disableOOMKiller = true;
  if (Object.keys(memory).length) result.memory = memory;

  const cpu: NonNullable<LinuxResources['cpu']> = {};
  if (limits.CpuShares) cpu.shares = limits.CpuShares;
  if (limits.CpusetCpus) cpu.cpus = limits.CpusetCpus;
  if (limits.CpusetMems) cpu.mems = limits.CpusetMems;
  if ((limits.NanoCpus ?? 0) > 0) {
    cpu.period = CFS_PERIOD_US;
    cpu.quota = Math.trunc(((limits.NanoCpus ?? 0) * CFS_PERIOD_US) / 1e9);
  }
  if (limits.CpuPeriod) cpu.period = limits.CpuPeriod;
  // Below 0 there is none, of processes neither: that crun can't write where cgroups are v1.
  if ((limits.CpuQuota ?? 0) > 0) cpu.quota = limits.CpuQuota;
  if (limits.CpuRealtimePeriod) cpu.realtimePeriod = limits.CpuRealtimePeriod;
  if (limits.CpuRealtimeRuntime) cpu.realtimeRuntime = limits.CpuRealtimeRuntime;
  if (Object.keys(cpu).length) result.cpu = cpu;

  if ((limits.PidsLimit ?? 0) > 0) result.pids = { limit: limits.PidsLimit ?? 0 };
  return result;
}

async function deviceNumbers(file: string, look: Look): Promise<{ major: number; minor: number }> {
  try {
    return majorMinor((await fs.stat(await look(file), { bigint: true })).rdev);
  } catch (error) {
    const missing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    throw new Failure('system', missing ? `stat ${file}: no such file or directory` : messageOf(error));
  }
}

/** `linux.resources.blockIO`; undefined when nothing is limited. @throws Failure system when a device is not there */
export async function blockIo(limits: Resources, look: Look): Promise<Record<string, unknown> | undefined> {
  const result: Record<string, unknown> = {};
  if (limits.BlkioWeight) result.weight = limits.BlkioWeight;
  if (limits.BlkioWeightDevice?.length) {
    result.weightDevice = await Promise.all(
      limits.BlkioWeightDevice.map(async ({ Path, Weight }) => ({ ...(await deviceNumbers(Path, look)), weight: Weight })),
    );
  }
  const throttles: [string, ThrottleDevice[] | null | undefined][] = [
    ['throttleReadBpsDevice', limits.BlkioDeviceReadBps],
    ['throttleWriteBpsDevice', limits.BlkioDeviceWriteBps],
    ['throttleReadIOPSDevice', limits.BlkioDeviceReadIOps],
    ['throttleWriteIOPSDevice', limits.BlkioDeviceWriteIOps],
  ];
  for (const [key, devices] of throttles) {
    if (!devices?.length) continue;
    result[key] = await Promise.all(devices.map(async ({ Path, Rate }) => ({ ...(await deviceNumbers(Path, look)), rate: Rate })));
  }
  return Object.keys(result).length ? result : undefined;
}

const ULIMITS = new Set('as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' '));

/** The kernel's "no limit", which a double can't hold exactly: the monitor writes it as its literal. */
export const RLIM_INFINITY = 2 ** 64;

/** @throws Failure invalidParameter `invalid ulimit type: x` */
export function rlimits(limits: readonly Ulimit[]): NonNullable<ProcessSpec['rlimits']> {
  const value = (limit: number): number => (limit < 0 ? RLIM_INFINITY : limit);
  return limits.map(({ Name, Soft, Hard }) => {
    if (!ULIMITS.has(Name)) throw new Failure('invalidParameter', `invalid ulimit type: ${Name}`);
    if (Hard >= 0 && (Soft > Hard || Soft < 0)) {
      throw new Failure('invalidParameter', `ulimit soft limit must be less than or equal to hard limit: ${Soft} > ${Hard}`);
    }
    return { type: `RLIMIT_${Name.toUpperCase()}`, soft: value(Soft), hard: value(Hard) };
  });
}
