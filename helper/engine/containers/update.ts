import type { HostConfig, Resources, RestartPolicy } from '../../contract/docker/index.ts';
import { Failure, messageOf } from '../failure.ts';
import { cgroupsPath, type Engine, emit, inQueue, runtimeOf } from './engine.ts';
import { onHost } from './on-host.ts';
import { blockIo, linuxResources } from './spec/resources.ts';
import { validateHostConfig } from './validate.ts';
import { hostCapacity, validateResources } from './validate-resources.ts';

/** Limits that an update may change, each only when it is given (not zero, not empty). */
const FIELDS = [
  'BlkioWeight',
  'BlkioWeightDevice',
  'BlkioDeviceReadBps',
  'BlkioDeviceWriteBps',
  'BlkioDeviceReadIOps',
  'BlkioDeviceWriteIOps',
  'CpuShares',
  'NanoCpus',
  'CpuPeriod',
  'CpuQuota',
  'CpusetCpus',
  'CpusetMems',
  'Memory',
  'MemorySwap',
  'MemoryReservation',
  'KernelMemory',
  'CpuRealtimePeriod',
  'CpuRealtimeRuntime',
  'PidsLimit',
] as const satisfies (keyof Resources)[];

const isGiven = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== 0 && value !== '' && !(Array.isArray(value) && value.length === 0);

/** `current` with what `change` gives. Pure. @throws Failure invalidParameter where the two don't go together */
export function mergeLimits(current: HostConfig, change: Resources & { RestartPolicy?: RestartPolicy }): HostConfig {
  const merged: HostConfig = { ...current };
  const conflict = (message: string): Failure => new Failure('invalidParameter', message);
  if ((change.NanoCpus ?? 0) > 0 && (current.CpuPeriod ?? 0) > 0) {
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Period has already been set');
  }
  if ((change.NanoCpus ?? 0) > 0 && (current.CpuQuota ?? 0) > 0) {
    throw conflict('Conflicting options: Nano CPUs cannot be updated as CPU Quota has already been set');
  }
  if ((change.CpuPeriod ?? 0) > 0 && (current.NanoCpus ?? 0) > 0) {
    throw conflict('Conflicting options: CPU Period cannot be updated as NanoCPUs has already been set');
  }
  if ((change.CpuQuota ?? 0) > 0 && (current.NanoCpus ?? 0) > 0) {
    throw conflict('Conflicting options: CPU Quota cannot be updated as NanoCPUs has already been set');
  }
  const memory = change.Memory ?? 0;
  if (memory !== 0) {
    const swap = current.MemorySwap ?? 0;
    // Without a swap limit (0) too, as in dockerd.
    if (memory > swap && !change.MemorySwap) {
      throw conflict('Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time');
    }
  }
  for (const field of FIELDS)
    if (isGiven(change[field]) || (field === 'PidsLimit' && change.PidsLimit === 0)) Object.assign(merged, { [field]: change[field] });
  if (change.RestartPolicy?.Name) {
    if (current.AutoRemove && change.RestartPolicy.Name !== 'no') {
      throw new Failure('conflict', 'Restart policy cannot be updated because AutoRemove is enabled for the container');
    }
    merged.RestartPolicy = { Name: change.RestartPolicy.Name, MaximumRetryCount: change.RestartPolicy.MaximumRetryCount ?? 0 };
  }
  return merged;
}

/** POST /containers/{id}/update */
export async function update(
  engine: Engine,
  reference: string,
  change: Resources & { RestartPolicy?: RestartPolicy },
): Promise<{ Warnings: string[] }> {
  const container = engine.store.get(reference);
  const limits: HostConfig = { ...change };
  const warnings = validateResources(limits, engine.cgroups.features(), hostCapacity(), true);
  if (change.RestartPolicy) validateHostConfig({}, { RestartPolicy: change.RestartPolicy }, []);
  const refuse = (error: unknown): Failure =>
    new Failure(error instanceof Failure ? error.kind : 'system', `Cannot update container ${container.id}: ${messageOf(error)}`, {
      cause: error,
    });
  await inQueue(engine, container, async () => {
    if (container.state.status === 'removing' || container.live.removing) {
      throw refuse(new Failure('system', 'container is marked for removal and cannot be "update"'));
    }
    try {
      const before = container.hostConfig;
      const merged = mergeLimits(before, limits);
      validateResources({ ...merged }, engine.cgroups.features(), hostCapacity(), true);
      if (container.state.status === 'running' && FIELDS.some((field) => isGiven(limits[field]) || limits.PidsLimit === 0)) {
        const block = await blockIo(merged, (file) => onHost(engine, file));
        const resources = linuxResources(merged, { swap: engine.cgroups.features().swap });
        // What has no limit any more crun can't write where cgroups are v1.
        const group = cgroupsPath(engine, container);
        if ((limits.CpuQuota ?? 0) < 0) await engine.cgroups.lift(group, 'cpuQuota');
        if ((limits.PidsLimit ?? 1) <= 0) await engine.cgroups.lift(group, 'pids');
        await runtimeOf(engine, container).updateResources(container.id, { ...resources, ...(block ? { blockIO: block } : {}) });
      }
      container.hostConfig = merged;
      await engine.store.save(container).catch((error) => {
        container.hostConfig = before;
        throw error;
      });
    } catch (error) {
      throw refuse(error);
    }
    emit(engine, container, 'update');
  });
  return { Warnings: warnings };
}
