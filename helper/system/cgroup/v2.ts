import { existsSync, promises as fs, readFileSync } from 'node:fs';
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
import { watchMemoryEvents } from './oom.ts';
import type { CgroupStats, Cgroups } from './types.ts';

/** cgroup v2. Source: kernel Documentation/admin-guide/cgroup-v2.rst */
export function createCgroupsV2(root: string, instance: string): Cgroups {
  const at = (group: string, file = ''): string => path.join(root, group, file);
  const controllers = new Set(readFileSync(path.join(root, 'cgroup.controllers'), 'utf8').trim().split(/\s+/));

  const freeze = async (group: string, frozen: boolean): Promise<void> => {
    await fs.writeFile(at(group, 'cgroup.freeze'), frozen ? '1' : '0');
    const wanted = frozen ? 1 : 0;
    for (let attempt = 0; attempt < FREEZE_ATTEMPTS; attempt += 1) {
      if (parseKeyed(await readText(at(group, 'cgroup.events'))).frozen === wanted) return;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await fs.writeFile(at(group, 'cgroup.freeze'), '0');
    throw new Error(`the processes of ${group} do not freeze`);
  };

  return {
    version: 2,
    path: (id, parent) => path.join('/', parent || instance, id),
    freeze: (group) => freeze(group, true),
    thaw: (group) => freeze(group, false),
    async stats(group): Promise<CgroupStats | undefined> {
      if (!existsSync(at(group))) return undefined;
      const [cpuText, usage, peak, limit, memoryText, events, pids, pidsMax, io] = await Promise.all([
        readText(at(group, 'cpu.stat')),
        readNumber(at(group, 'memory.current')),
        readNumber(at(group, 'memory.peak')),
        readNumber(at(group, 'memory.max')),
        readText(at(group, 'memory.stat')),
        readText(at(group, 'memory.events')),
        readNumber(at(group, 'pids.current')),
        readNumber(at(group, 'pids.max')),
        readText(at(group, 'io.stat')),
      ]);
      const cpu = parseKeyed(cpuText);
      return {
        cpu: {
          totalNanos: (cpu.usage_usec ?? 0) * 1000,
          userNanos: (cpu.user_usec ?? 0) * 1000,
          systemNanos: (cpu.system_usec ?? 0) * 1000,
          perCpuNanos: [],
          periods: cpu.nr_periods ?? 0,
          throttledPeriods: cpu.nr_throttled ?? 0,
          throttledNanos: (cpu.throttled_usec ?? 0) * 1000,
        },
        memory: { usage, maxUsage: peak, limit, failcnt: parseKeyed(events).oom ?? 0, stats: parseKeyed(memoryText) },
        pids: { current: pids, limit: pidsMax },
        blkio: parseIo(io),
      };
    },
    async pids(group) {
      return parsePids(readTextNow(at(group, 'cgroup.procs')));
    },
    async oomKills(group) {
      return parseKeyed(readTextNow(at(group, 'memory.events'))).oom_kill ?? 0;
    },
    watchOom: (group, heard) => (controllers.has('memory') ? watchMemoryEvents(at(group), heard) : undefined),
    kill: (group) => killGroup(at(group)),
    async remove(group) {
      removeGroup(at(group));
    },
    async removeStrays(keep) {
      removeOthers(at(instance), keep);
    },
    async removeOwn() {
      removeEmptyGroup(at(instance));
    },
    features: () => ({
      memory: controllers.has('memory'),
      swap: controllers.has('memory'),
      kernelMemory: false,
      kernelMemoryTcp: false,
      oomKillDisable: false,
      cpuShares: controllers.has('cpu'),
      cpuCfs: controllers.has('cpu'),
      cpuset: controllers.has('cpuset'),
      pids: controllers.has('pids'),
      blkio: controllers.has('io'),
      blkioWeight: controllers.has('io'),
      blkioWeightDevice: controllers.has('io'),
    }),
  };
}
const FREEZE_ATTEMPTS = 500;

/** `8:0 rbytes=1 wbytes=2 rios=3 wios=4 …` lines. */
function parseIo(text: string | undefined): CgroupStats['blkio'] {
  const names: Record<string, { op: string; kind: 'bytes' | 'ios' }> = {
    rbytes: { op: 'read', kind: 'bytes' },
    wbytes: { op: 'write', kind: 'bytes' },
    rios: { op: 'read', kind: 'ios' },
    wios: { op: 'write', kind: 'ios' },
  };
  const entries: CgroupStats['blkio'] = [];
  for (const line of text?.split('\n') ?? []) {
    const [device = '', ...fields] = line.split(' ');
    const [major, minor] = device.split(':').map(Number);
    for (const field of fields) {
      const [key = '', value] = field.split('=');
      const name = names[key];
      if (name && major !== undefined && minor !== undefined) entries.push({ major, minor, value: Number(value), ...name });
    }
  }
  return entries;
}
