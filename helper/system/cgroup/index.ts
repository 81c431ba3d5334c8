import { existsSync } from 'node:fs';
import type { Cgroups } from './types.ts';
import { createCgroupsV1 } from './v1.ts';
import { createCgroupsV2 } from './v2.ts';

export type { CgroupStats, Cgroups } from './types.ts';

const ROOT = '/sys/fs/cgroup';

/** The host's cgroups: v2 where it is mounted at the root, v1 (also of a hybrid) otherwise. `instance` names our parent group. */
export function detectCgroups(instance: string, root = ROOT): Cgroups {
  return existsSync(`${root}/cgroup.controllers`) ? createCgroupsV2(root, instance) : createCgroupsV1(root, instance);
}
