import { promises as fs } from 'node:fs';
import type { CgroupStats } from '../../system/cgroup/types.ts';
import type { Container } from './container.ts';
import { cgroupsPath, type Engine } from './engine.ts';
import { parseNetDev } from './stats.ts';
import type { Usage } from './types.ts';

/** How many are read at once: reading is for a history, which can wait. */
const AT_ONCE = 4;

/** What each running container has used since it started. Those whose group is gone meanwhile are left out. */
export async function usages(engine: Engine): Promise<Usage[]> {
  const running = [...engine.store.all()].filter(({ state }) => state.status === 'running').values();
  const result: Usage[] = [];
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      for (const container of running) {
        const usage = await usageOf(engine, container);
        if (usage) result.push(usage);
      }
    }),
  );
  return result;
}

async function usageOf(engine: Engine, container: Container): Promise<Usage | undefined> {
  const { state, hostConfig, id } = container;
  if (state.status !== 'running') return undefined;
  const ownNetwork = hostConfig.NetworkMode !== 'host' && hostConfig.NetworkMode !== 'none';
  const [cgroup, netDev] = await Promise.all([
    engine.cgroups.stats(cgroupsPath(engine, container)).catch(() => undefined),
    ownNetwork ? fs.readFile(`/proc/${state.pid}/net/dev`, 'utf8').catch(() => '') : '',
  ]);
  if (!cgroup) return undefined;
  const links = Object.values(parseNetDev(netDev));
  const moved = (op: string): number =>
    cgroup.blkio.reduce((sum, entry) => sum + (entry.kind === 'bytes' && entry.op.toLowerCase() === op ? entry.value : 0), 0);
  return {
    id,
    folder: engine.store.folder(id),
    startedAt: state.startedAt,
    cpuNanos: cgroup.cpu.totalNanos,
    memoryBytes: withoutCache(cgroup),
    processes: cgroup.pids.current,
    rxBytes: links.reduce((sum, link) => sum + link.rx_bytes, 0),
    txBytes: links.reduce((sum, link) => sum + link.tx_bytes, 0),
    readBytes: moved('read'),
    writtenBytes: moved('write'),
  };
}

/** As the docker CLI counts: pages of files that were not used of late don't weigh. */
function withoutCache({ memory }: CgroupStats): number {
  const inactive = memory.stats.total_inactive_file ?? memory.stats.inactive_file ?? 0;
  return inactive < memory.usage ? memory.usage - inactive : memory.usage;
}
