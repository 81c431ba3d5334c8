import type { DeviceRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { DeviceEdits } from './types.ts';

export const NVIDIA_HOOK = 'nvidia-container-runtime-hook';
export const AMD_PROGRAM = 'amd-container-runtime';
const NVIDIA_CAPABILITIES = ['compute', 'compat32', 'graphics', 'utility', 'video', 'display'];
/** A host with more does not exist, and the list of their numbers would fill memory. */
const MOST_GPUS = 4096;

/** A driver of GPUs that this host has: its words, and what it changes. */
export interface GpuDriver {
  name: 'nvidia' | 'amd';
  capabilities: ReadonlySet<string>;
  /** `selected`: the request's list that the driver can do. */
  add(edits: DeviceEdits, request: DeviceRequest, selected: readonly string[]): void;
}

/**
 * The driver whose program is installed; NVIDIA's comes first, and only one is used, as in dockerd.
 * @param find a program's path
 */
export function gpuDriver(find: (program: string) => string | undefined, environment: NodeJS.ProcessEnv): GpuDriver | undefined {
  const hook = find(NVIDIA_HOOK);
  if (hook !== undefined) {
    return {
      name: 'nvidia',
      capabilities: new Set(['gpu', 'nvidia', ...NVIDIA_CAPABILITIES]),
      add(edits, request, selected) {
        edits.env.push(`NVIDIA_VISIBLE_DEVICES=${visible(request)}`);
        const known = selected.filter((word) => NVIDIA_CAPABILITIES.includes(word));
        if (known.length) edits.env.push(`NVIDIA_DRIVER_CAPABILITIES=${known.join(',')}`);
        const env = Object.entries(environment).map(([key, value]) => `${key}=${value ?? ''}`);
        edits.hooks.push({ name: 'prestart', hook: { path: hook, args: [NVIDIA_HOOK, 'prestart'], env } });
      },
    };
  }
  if (find(AMD_PROGRAM) === undefined) return undefined;
  return {
    name: 'amd',
    capabilities: new Set(['gpu', 'amd']),
    add(edits, request) {
      edits.env.push(`AMD_VISIBLE_DEVICES=${visible(request)}`);
    },
  };
}

/** The GPUs by their ids, by their numbers, `all` or `void`. */
function visible({ Count = 0, DeviceIDs }: DeviceRequest): string {
  const ids = DeviceIDs ?? [];
  if (Count !== 0 && ids.length) throw new Failure('system', 'cannot set both Count and DeviceIDs on device request');
  if (ids.length) return ids.join(',');
  if (Count > MOST_GPUS) throw new Failure('system', `cannot give a container ${Count} GPUs: ${MOST_GPUS} at most`);
  if (Count > 0) return Array.from({ length: Count }, (_, at) => at).join(',');
  return Count < 0 ? 'all' : 'void';
}
