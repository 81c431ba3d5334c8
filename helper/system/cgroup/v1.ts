import { existsSync, promises as fs } from 'node:fs';
import path from 'node:path';
import {
  killGroup,
  parseKeyed,
  parsePids,
  readNumber,
  readText,
  readTextNow,
  removeEmptyGroup,
  removeGroup,
  removeOthers,
} from './files.ts';
import { watchOomControl } from './oom.ts';
import type { CgroupStats, Cgroups } from './types.ts';

const CONTROLLERS = [
  'cpu',
  'cpuacct',
  'cpuset',
  'memory',
  'devices',
  'freezer',
  'blkio',
  'pids',
  'net_cls',
  'net_prio',
  'hugetlb',
  'perf_event',
  'systemd',
  'rdma',
  'misc',
];
/** USER_HZ: cpuacct.stat counts in ticks of 1/100 s on all architectures. */
const TICK_NANOS = 10_000_000;

/** cgroup v1, alone or in a hybrid. Source: kernel Documentation/admin-guide/cgroup-v1 */
export function createCgroupsV1(root: string, instance: string): Cgroups {
  const at = (controller: string, group: string, file = ''): string => path.join(root, controller, group, file);
  const present = CONTROLLERS.filter((controller) => existsSync(path.join(root, controller)));
  const has = (controller: string, file: string): boolean => existsSync(at(controller, '', file));

  const freezer = async (group: string, state: 'FROZEN' | 'THAWED'): Promise<void> => {
    const file = at('freezer', group, 'freezer.state');
    await fs.writeFile(file, state);
    // The kernel may say FREEZING until every process has reached a point where it can stop.
    for (let attempt = 0; attempt < FREEZE_ATTEMPTS; attempt += 1) {
      if ((await readText(file))?.trim() === state) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
      await fs.writeFile(file, state);
    }
    await fs.writeFile(file, 'THAWED');
    throw new Error(`the processes of ${group} do not reach the state ${state}`);
  };

  return {
    version: 1,
    path: (id, parent) => path.join('/', parent || instance, id),
    freeze: (group) => freezer(group, 'FROZEN'),
    thaw: (group) => freezer(group, 'THAWED'),
    async stats(group): Promise<CgroupStats | undefined> {
      if (!existsSync(at('cpuacct', group)) && !existsSync(at('memory', group))) return undefined;
      const [total, perCpu, cpuStat, throttling, usage, maxUsage, limit, failcnt, memoryStat, pids, pidsMax, bytes, ios] =
        await Promise.all([
          readNumber(at('cpuacct', group, 'cpuacct.usage')),
          readText(at('cpuacct', group, 'cpuacct.usage_percpu')),
          readText(at('cpuacct', group, 'cpuacct.stat')),
          readText(at('cpu', group, 'cpu.stat')),
          readNumber(at('memory', group, 'memory.usage_in_bytes')),
          readNumber(at('memory', group, 'memory.max_usage_in_bytes')),
          readNumber(at('memory', group, 'memory.limit_in_bytes')),
          readNumber(at('memory', group, 'memory.failcnt')),
          readText(at('memory', group, 'memory.stat')),
          readNumber(at('pids', group, 'pids.current')),
          readNumber(at('pids', group, 'pids.max')),
          readText(at('blkio', group, 'blkio.throttle.io_service_bytes_recursive')),
          readText(at('blkio', group, 'blkio.throttle.io_serviced_recursive')),
        ]);
      const ticks = parseKeyed(cpuStat);
      const throttled = parseKeyed(throttling);
      return {
        cpu: {
          totalNanos: total,
          userNanos: (ticks.user ?? 0) * TICK_NANOS,
          systemNanos: (ticks.system ?? 0) * TICK_NANOS,
          perCpuNanos: (perCpu ?? '').trim().split(/\s+/).filter(Boolean).map(Number),
          periods: throttled.nr_periods ?? 0,
          throttledPeriods: throttled.nr_throttled ?? 0,
          throttledNanos: throttled.throttled_time ?? 0,
        },
        memory: { usage, maxUsage, limit, failcnt, stats: parseKeyed(memoryStat) },
        pids: { current: pids, limit: pidsMax },
        blkio: [...parseBlkio(bytes, 'bytes'), ...parseBlkio(ios, 'ios')],
      };
    },
    async pids(group) {
      return parsePids(readTextNow(at('pids', group, 'cgroup.procs')) ?? readTextNow(at('freezer', group, 'cgroup.procs')));
    },
    async oomKills(group) {
      return parseKeyed(readTextNow(at('memory', group, 'memory.oom_control'))).oom_kill ?? 0;
    },
    watchOom: (group, heard) => (present.includes('memory') ? watchOomControl(at('memory', group), heard) : undefined),
    async kill(group) {
      if (existsSync(at('freezer', group))) await freezer(group, 'THAWED');
      await killGroup(at('pids', group));
    },
    async remove(group) {
      for (const controller of present) removeGroup(at(controller, group));
    },
    async removeStrays(keep) {
      for (const controller of present) removeOthers(at(controller, instance), keep);
    },
    async removeOwn() {
      for (const controller of present) removeEmptyGroup(at(controller, instance));
    },
    features: () => ({
      memory: has('memory', 'memory.limit_in_bytes') || present.includes('memory'),
      swap: has('memory', 'memory.memsw.limit_in_bytes'),
      kernelMemory: has('memory', 'memory.kmem.limit_in_bytes'),
      kernelMemoryTcp: has('memory', 'memory.kmem.tcp.limit_in_bytes'),
      oomKillDisable: has('memory', 'memory.oom_control'),
      cpuShares: has('cpu', 'cpu.shares'),
      cpuCfs: has('cpu', 'cpu.cfs_quota_us'),
      cpuset: present.includes('cpuset'),
      pids: present.includes('pids'),
      blkio: present.includes('blkio'),
      blkioWeight: has('blkio', 'blkio.weight'),
      blkioWeightDevice: has('blkio', 'blkio.weight_device'),
    }),
  };
}
const FREEZE_ATTEMPTS = 500;

/** `8:0 Read 4096` lines; the totals without a device are left out. */
function parseBlkio(text: string | undefined, kind: 'bytes' | 'ios'): CgroupStats['blkio'] {
  const entries: CgroupStats['blkio'] = [];
  for (const line of text?.split('\n') ?? []) {
    const match = /^(\d+):(\d+) (\w+) (\d+)$/.exec(line);
    if (match)
      entries.push({ major: Number(match[1]), minor: Number(match[2]), op: (match[3] ?? '').toLowerCase(), value: Number(match[4]), kind });
  }
  return entries;
}
