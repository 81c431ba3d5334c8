import type { LinuxResources, MountSpec, RuntimeSpec } from '../../system/runtime/types.ts';

/** Where the OCI runtime runs a hook. */
export type HookName = 'prestart' | 'createRuntime' | 'createContainer' | 'startContainer' | 'poststart' | 'poststop';

/** As the OCI runtime takes it. */
export interface Hook {
  path: string;
  args?: string[];
  env?: string[];
  /** Seconds. */
  timeout?: number;
}

/** What devices change in a container's spec. */
export interface DeviceEdits {
  /** `KEY=VALUE`; each takes the place of one with its key. */
  env: string[];
  nodes: RuntimeSpec['linux']['devices'];
  rules: NonNullable<LinuxResources['devices']>;
  mounts: MountSpec[];
  hooks: { name: HookName; hook: Hook }[];
  /** `linux.intelRdt`: the last one counts. */
  intelRdt: Record<string, unknown> | undefined;
  gids: number[];
}
