import { promises as fs } from 'node:fs';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { CgroupStats } from '../../system/cgroup/types.ts';
import { processors } from '../../system/process/processors.ts';
import { NEVER, nowInstant } from '../instant.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine } from './engine.ts';

const EVERY_MS = 1000;
/** Source: proc(5): /proc/stat counts in units of USER_HZ, which is 100 on all of Linux' architectures that we run on. */
const NANOS_PER_TICK = 10_000_000;

interface Interface {
  rx_bytes: number;
  rx_packets: number;
  rx_errors: number;
  rx_dropped: number;
  tx_bytes: number;
  tx_packets: number;
  tx_errors: number;
  tx_dropped: number;
}

/** /proc/PID/net/dev, the loopback left out. Pure. */
export function parseNetDev(text: string): Record<string, Interface> {
  const interfaces: Record<string, Interface> = {};
  for (const line of text.split('\n').slice(2)) {
    const [name = '', rest = ''] = line.split(':');
    if (name.trim() === '' || name.trim() === 'lo') continue;
    const n = rest.trim().split(/\s+/).map(Number);
    const at = (index: number): number => n[index] ?? 0;
    interfaces[name.trim()] = {
      rx_bytes: at(0),
      rx_packets: at(1),
      rx_errors: at(2),
      rx_dropped: at(3),
      tx_bytes: at(8),
      tx_packets: at(9),
      tx_errors: at(10),
      tx_dropped: at(11),
    };
  }
  return interfaces;
}

/** Time that the host's processors have spent, in nanoseconds: user, nice, system, idle, iowait, irq, softirq. Pure. */
export function parseSystemCpu(text: string): number {
  const fields = (text.split('\n', 1)[0] ?? '').trim().split(/\s+/).slice(1, 8);
  return fields.reduce((total, field) => total + Number(field), 0) * NANOS_PER_TICK;
}

interface Sample {
  read: string;
  cgroup: CgroupStats | undefined;
  systemCpu: number;
  networks: Record<string, Interface> | undefined;
}

async function sample(engine: Engine, container: Container): Promise<Sample> {
  const pid = container.state.status === 'running' ? container.state.pid : 0;
  const ownNetwork = container.hostConfig.NetworkMode !== 'host' && container.hostConfig.NetworkMode !== 'none';
  const [cgroup, stat, netDev] = await Promise.all([
    pid ? engine.cgroups.stats(cgroupsPath(engine, container)).catch(() => undefined) : undefined,
    pid ? fs.readFile('/proc/stat', 'utf8') : '',
    pid && ownNetwork ? fs.readFile(`/proc/${pid}/net/dev`, 'utf8').catch(() => '') : '',
  ]);
  return {
    read: cgroup ? nowInstant() : NEVER,
    cgroup,
    systemCpu: parseSystemCpu(stat),
    networks: netDev === '' ? undefined : parseNetDev(netDev),
  };
}

function cpuStats(sampled: Sample | undefined, version: 1 | 2): Record<string, unknown> {
  const cpu = sampled?.cgroup?.cpu;
  const throttling = {
    periods: cpu?.periods ?? 0,
    throttled_periods: cpu?.throttledPeriods ?? 0,
    throttled_time: cpu?.throttledNanos ?? 0,
  };
  const usage = {
    total_usage: cpu?.totalNanos ?? 0,
    ...(version === 1 && cpu ? { percpu_usage: cpu.perCpuNanos } : {}),
    usage_in_kernelmode: cpu?.systemNanos ?? 0,
    usage_in_usermode: cpu?.userNanos ?? 0,
  };
  if (!cpu) return { cpu_usage: usage, throttling_data: throttling };
  return { cpu_usage: usage, system_cpu_usage: sampled.systemCpu, online_cpus: processors(), throttling_data: throttling };
}

function memoryStats(cgroup: CgroupStats | undefined, version: 1 | 2): Record<string, unknown> {
  if (!cgroup) return {};
  const { usage, maxUsage, failcnt, stats, limit } = cgroup.memory;
  const whole = os.totalmem();
  return {
    usage,
    ...(version === 1 ? { max_usage: maxUsage } : {}),
    stats,
    ...(version === 1 && failcnt > 0 ? { failcnt } : {}),
    // "No limit" is a huge number in the kernel; clients reckon percentages with what there is.
    limit: limit > 0 && limit < whole ? limit : whole,
  };
}

function blkioStats(cgroup: CgroupStats | undefined, version: 1 | 2): Record<string, unknown> {
  // cgroup v1 has all of these, be they empty; v2 has two.
  const none = cgroup && version === 1 ? [] : null;
  const pick = (kind: 'bytes' | 'ios'): unknown => {
    const list = (cgroup?.blkio ?? [])
      .filter((entry) => entry.kind === kind)
      .map(({ op, major, minor, value }) => ({ major, minor, op, value }));
    return list.length ? list : none;
  };
  return {
    io_service_bytes_recursive: pick('bytes'),
    io_serviced_recursive: pick('ios'),
    io_queue_recursive: none,
    io_service_time_recursive: none,
    io_wait_time_recursive: none,
    io_merged_recursive: none,
    io_time_recursive: none,
    sectors_recursive: none,
  };
}

/** One entry of the stream, in the API's shape; a container that does not run has zeros. Pure. */
export function statsEntry(
  container: { id: string; name: string },
  now: Sample,
  before: Sample | undefined,
  version: 1 | 2,
): Record<string, unknown> {
  const pids = now.cgroup?.pids;
  return {
    read: now.read,
    preread: before?.read ?? NEVER,
    pids_stats: pids
      ? { current: pids.current, ...(pids.limit > 0 && pids.limit < Number.MAX_SAFE_INTEGER ? { limit: pids.limit } : {}) }
      : {},
    blkio_stats: blkioStats(now.cgroup, version),
    num_procs: 0,
    storage_stats: {},
    cpu_stats: cpuStats(now, version),
    precpu_stats: cpuStats(before, version),
    memory_stats: memoryStats(now.cgroup, version),
    name: `/${container.name}`,
    id: container.id,
    ...(now.networks && Object.keys(now.networks).length ? { networks: now.networks } : {}),
  };
}

/** GET /containers/{id}/stats: one a second while the client reads, until the container is removed; or one. */
export async function stats(
  engine: Engine,
  reference: string,
  options: { stream: boolean; oneShot: boolean },
  signal: AbortSignal,
): Promise<AsyncIterable<unknown>> {
  const container = engine.store.get(reference);
  return entries(engine, container, options, signal);
}

async function* entries(
  engine: Engine,
  container: Container,
  options: { stream: boolean; oneShot: boolean },
  signal: AbortSignal,
): AsyncGenerator<unknown> {
  const { version } = engine.cgroups;
  const ended = AbortSignal.any ? AbortSignal.any([signal, container.live.removed.signal]) : signal;
  const pause = async (): Promise<boolean> => {
    await delay(EVERY_MS, undefined, { signal: ended }).catch(() => undefined);
    return !ended.aborted && !container.live.removed.signal.aborted;
  };
  const first = await sample(engine, container);
  if (!options.stream) {
    // Without `one-shot` the client wants a difference, which takes a second of a running container.
    if (options.oneShot || container.state.status !== 'running') yield statsEntry(container, first, undefined, version);
    else if (await pause()) yield statsEntry(container, await sample(engine, container), first, version);
    return;
  }
  let before: Sample | undefined;
  let now = first;
  for (;;) {
    yield statsEntry(container, now, before, version);
    if (!(await pause())) return;
    before = now.cgroup ? now : undefined;
    now = await sample(engine, container);
  }
}
