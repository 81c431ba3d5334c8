import type { RuntimeSpec } from '../../system/runtime/types.ts';
import type { DeviceEdits } from './types.ts';

const keyOf = (entry: string): string => entry.slice(0, entry.indexOf('='));

/** A spec with what devices change in it. Mounts are not part of it: they are put in order with the others. Pure. */
export function withDevices(spec: RuntimeSpec, edits: DeviceEdits): RuntimeSpec {
  const { process, linux } = spec;
  const env = [...(process.env ?? [])];
  for (const entry of edits.env) {
    const at = env.findIndex((other) => keyOf(other) === keyOf(entry));
    if (at < 0) env.push(entry);
    else env[at] = entry;
  }
  const paths = new Set(edits.nodes.map(({ path }) => path));
  const hooks: Record<string, unknown[]> = {};
  for (const { name, hook } of edits.hooks) hooks[name] = [...(hooks[name] ?? []), hook];
  const gids = [...new Set([...(process.user.additionalGids ?? []), ...edits.gids])];
  return {
    ...spec,
    process: { ...process, env, user: { ...process.user, additionalGids: gids } },
    ...(edits.hooks.length ? { hooks } : {}),
    linux: {
      ...linux,
      devices: [...linux.devices.filter(({ path }) => !paths.has(path)), ...edits.nodes],
      resources: { ...linux.resources, devices: [...(linux.resources.devices ?? []), ...edits.rules] },
      ...(edits.intelRdt ? { intelRdt: edits.intelRdt } : {}),
    },
  };
}
