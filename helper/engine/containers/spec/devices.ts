import { type BigIntStats, promises as fs } from 'node:fs';
import path from 'node:path';
import type { DeviceMapping } from '../../../contract/docker/index.ts';
import type { LinuxResources, RuntimeSpec } from '../../../system/runtime/types.ts';
import { majorMinor } from '../../devices/index.ts';
import { Failure } from '../../failure.ts';

type Device = RuntimeSpec['linux']['devices'][number];
type Rule = NonNullable<LinuxResources['devices']>[number];

function toDevice(stat: BigIntStats, inContainer: string): Device | undefined {
  const type = stat.isCharacterDevice() ? 'c' : stat.isBlockDevice() ? 'b' : undefined;
  if (!type) return undefined;
  return {
    type,
    path: inContainer,
    ...majorMinor(stat.rdev),
    fileMode: Number(stat.mode & 0o777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
  };
}

/** Not for containers: they get their own. */
const SKIPPED = new Set(['pts', 'shm', 'fd', 'mqueue', '.lxc', '.lxd-mounts', '.udev', 'console']);

/** The nodes below a folder. Kinds come with the names, so that a folder of many other files costs little; links are not followed. */
async function walk(folder: string, inContainer: string, skip: boolean, found: Device[] = []): Promise<Device[]> {
  // Gone meanwhile: it has none.
  for (const entry of await fs.readdir(folder, { withFileTypes: true }).catch(() => [])) {
    if (skip && SKIPPED.has(entry.name)) continue;
    const here = path.join(folder, entry.name);
    const there = path.posix.join(inContainer, entry.name);
    if (entry.isDirectory()) await walk(here, there, skip, found);
    if (!entry.isCharacterDevice() && !entry.isBlockDevice()) continue;
    const stat = await fs.lstat(here, { bigint: true }).catch(() => undefined);
    const device = stat && toDevice(stat, there);
    if (device) found.push(device);
  }
  return found;
}

/** All of the host's devices, for privileged containers. */
export function hostDevices(): Promise<Device[]> {
  return walk('/dev', '/dev', true);
}

/** A name for our file functions of what the host has under a name. @throws ENOENT … */
export type Look = (name: string) => Promise<string>;

/**
 * `--device`: one node, or every node below a folder.
 * @throws Failure system `error gathering device information while adding custom device "/dev/x": no such file or directory`
 */
export async function mappedDevices(mapping: DeviceMapping, look: Look): Promise<{ devices: Device[]; rules: Rule[] }> {
  const onHost = mapping.PathOnHost ?? '';
  const inContainer = mapping.PathInContainer || onHost;
  const access = mapping.CgroupPermissions || 'rwm';
  const fail = (reason: string): Failure =>
    new Failure('system', `error gathering device information while adding custom device "${onHost}": ${reason}`);
  const missing = async (error: NodeJS.ErrnoException): Promise<never> => {
    // A link to nothing is there, but no device.
    const folder = await look(path.dirname(onHost)).catch(() => undefined);
    const link = folder && (await fs.lstat(path.join(folder, path.basename(onHost))).catch(() => undefined));
    if (link) throw fail('not a device node');
    throw fail(error.code === 'ENOTDIR' ? 'not a directory' : 'no such file or directory');
  };
  const place = await look(onHost).catch(missing);
  const stat = await fs.stat(place, { bigint: true }).catch(missing);
  const single = toDevice(stat, inContainer);
  const devices = single ? [single] : stat.isDirectory() ? await walk(place, inContainer, false) : [];
  if (!devices.length) throw fail('not a device node');
  return { devices, rules: devices.map(({ type, major, minor }) => ({ allow: true, type, major, minor, access })) };
}

/** `--device-cgroup-rule "c 1:3 rwm"`. @throws Failure invalidParameter `invalid device cgroup rule format: 'x'` */
export function deviceRule(text: string): Rule {
  const match = /^([acb]) ([0-9]+|\*):([0-9]+|\*) ([rwm]{1,3})$/.exec(text);
  if (!match) throw new Failure('invalidParameter', `invalid device cgroup rule format: '${text}'`);
  return {
    allow: true,
    ...(match[1] === 'a' ? {} : { type: match[1] ?? 'a' }),
    ...(match[2] === '*' ? {} : { major: Number(match[2]) }),
    ...(match[3] === '*' ? {} : { minor: Number(match[3]) }),
    access: match[4] ?? 'rwm',
  };
}
