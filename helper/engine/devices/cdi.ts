import { promises as fs } from 'node:fs';
import type { DeviceRequest } from '../../contract/docker/index.ts';
import { Failure } from '../failure.ts';
import type { CdiRegistry } from './cdi-registry.ts';
import type { CdiEdits } from './cdi-spec.ts';
import { majorMinor } from './numbers.ts';
import type { DeviceEdits } from './types.ts';

const failed = (why: string): Failure => new Failure('system', `CDI device injection failed: ${why}`);

/** Adds what the named CDI devices change. @throws Failure system in dockerd's words: of a start that fails so */
export async function addCdiDevices(
  edits: DeviceEdits,
  request: DeviceRequest,
  registry: CdiRegistry,
  folders: readonly string[],
): Promise<void> {
  if (!folders.length) throw failed('no CDI specification directories specified');
  if (request.Count) throw new Failure('system', 'unexpected count in CDI device request');
  if (Object.keys(request.Options ?? {}).length) throw new Failure('system', 'unexpected options in CDI device request');
  const names = request.DeviceIDs ?? [];
  if (!names.length) return;
  const { devices } = await registry.list(folders);
  const missing = names.filter((name) => !devices.has(name));
  if (missing.length) throw failed(`unresolvable CDI devices ${missing.join(', ')}`);
  const specs = new Set<object>();
  for (const name of names) {
    const device = devices.get(name);
    if (!device) continue;
    if (!specs.has(device.spec)) await addEdits(edits, device.spec.containerEdits ?? {});
    specs.add(device.spec);
    await addEdits(edits, device.edits);
  }
}

async function addEdits(edits: DeviceEdits, more: CdiEdits): Promise<void> {
  edits.env.push(...(more.env ?? []));
  for (const node of more.deviceNodes ?? []) await addNode(edits, node);
  for (const { containerPath, hostPath, type, options = [] } of more.mounts ?? []) {
    edits.mounts = edits.mounts.filter(({ destination }) => destination !== containerPath);
    const bind = options.some((option) => option === 'bind' || option === 'rbind');
    edits.mounts.push({ destination: containerPath, type: type || (bind ? 'bind' : ''), source: hostPath, options });
  }
  for (const { hookName, ...hook } of more.hooks ?? []) edits.hooks.push({ name: hookName, hook });
  if (more.intelRdt) edits.intelRdt = more.intelRdt;
  edits.gids.push(...(more.additionalGids ?? []).filter((gid) => gid !== 0));
}

/** What a spec leaves open about a node is as it is on the host. */
async function addNode(edits: DeviceEdits, node: NonNullable<CdiEdits['deviceNodes']>[number]): Promise<void> {
  const { path, hostPath = path, fileMode, uid, gid, permissions } = node;
  let type = node.type === 'u' ? 'c' : node.type || undefined;
  let { major = 0, minor = 0 } = node;
  if (!type || (major === 0 && type !== 'p')) {
    const there = await onHost(hostPath || path);
    if (type && type !== there.type) {
      throw failed(`failed to inject devices: CDI device ("${path}", "${hostPath}"), host type mismatch (${type}, ${there.type})`);
    }
    type = there.type;
    if (major === 0 && type !== 'p') ({ major, minor } = there);
  }
  edits.nodes = edits.nodes.filter((other) => other.path !== path);
  edits.nodes.push({
    type: type as 'c' | 'b' | 'p',
    path,
    ...{ major, minor },
    ...(fileMode === undefined ? {} : { fileMode }),
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  });
  if (type !== 'p') edits.rules.push({ allow: true, type, major, minor, access: permissions || 'rwm' });
}

async function onHost(path: string): Promise<{ type: 'c' | 'b' | 'p'; major: number; minor: number }> {
  const why = (reason: string): Failure => failed(`failed to inject devices: failed to stat CDI host device "${path}": ${reason}`);
  const stat = await fs.lstat(path, { bigint: true }).catch(() => {
    throw why('no such file or directory');
  });
  const type = stat.isBlockDevice() ? 'b' : stat.isCharacterDevice() ? 'c' : stat.isFIFO() ? 'p' : undefined;
  if (!type) throw why('not a device node');
  return { type, ...majorMinor(stat.rdev) };
}
